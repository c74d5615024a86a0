/* The synchronous calls of libzookeeper_mt. */
#include "checks.h"

#ifdef THREADED

#include <stdlib.h>
#include <string.h>

#include "lab.h"

static void reads_and_writes(void) {
    struct client *c = connect_client();
    char path[TEXT], data[TEXT] = "";
    int length = sizeof data;
    struct Stat stat;
    equal(zoo_create(c->zh, "/calls", "new", 3, &ZOO_OPEN_ACL_UNSAFE, 0, path, TEXT), ZOK, "create");
    equal_text(path, "/calls", "path");
    equal(zoo_create2(c->zh, "/calls/s-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL_SEQUENTIAL, path, TEXT, &stat), ZOK,
          "create2");
    equal_text(path, "/calls/s-0000000000", "sequential path");
    equal(stat.ephemeralOwner, zoo_client_id(c->zh)->client_id, "owner");
    equal(zoo_set2(c->zh, "/calls", "changed", 7, 0, &stat), ZOK, "set2");
    equal(stat.version, 1, "version");
    equal(zoo_set(c->zh, "/calls", "again", 5, 0), ZBADVERSION, "set of an old version");
    equal(zoo_get(c->zh, "/calls", 0, data, &length, &stat), ZOK, "get");
    equal_text(data, "changed", "data");
    struct String_vector names;
    equal(zoo_get_children2(c->zh, "/calls", 0, &names, &stat), ZOK, "children");
    equal(names.count, 1, "children");
    deallocate_String_vector(&names);
    equal(zoo_delete(c->zh, "/calls", -1), ZNOTEMPTY, "delete of a parent");
    equal(zoo_delete(c->zh, "/calls/s-0000000000", 0), ZOK, "delete");
    equal(zoo_exists(c->zh, "/calls/s-0000000000", 0, &stat), ZNONODE, "exists");
    close_client(c);
}

static void keep_acls(void) {
    struct client *c = connect_client(), *stranger = connect_client();
    struct ACL_vector acl;
    struct Stat stat;
    worked(add_auth(c, "ann:secret"), "auth");
    equal(zoo_create(c->zh, "/calls-acl", "", 0, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0), ZOK, "create");
    equal(zoo_get_acl(c->zh, "/calls-acl", &acl, &stat), ZOK, "get_acl");
    equal(acl.count, 1, "entries");
    equal(zoo_delete(stranger->zh, "/calls-acl", -1), ZOK, "delete, which the parent's ACL allows");
    equal(zoo_create(c->zh, "/calls-acl", "", 0, &acl, 0, NULL, 0), ZOK, "create with the ACL that was read");
    deallocate_ACL_vector(&acl);
    equal(zoo_set(stranger->zh, "/calls-acl", "", 0, -1), ZNOAUTH, "set");
    equal(zoo_set_acl(c->zh, "/calls-acl", 0, &ZOO_OPEN_ACL_UNSAFE), ZOK, "set_acl");
    equal(zoo_set(stranger->zh, "/calls-acl", "", 0, -1), ZOK, "set of what is open");
    close_client(c);
    close_client(stranger);
}

static void watch_and_multi(void) {
    struct client *c = connect_client();
    struct watch *watch = new_watch(), *removed = new_watch();
    struct Stat stat;
    zoo_op_t ops[2];
    zoo_op_result_t results[2];
    equal(zoo_wexists(c->zh, "/calls-watch", on_watch, watch, &stat), ZNONODE, "wexists");
    zoo_create_op_init(&ops[0], "/calls-watch", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    zoo_check_op_init(&ops[1], "/calls-watch", 0);
    equal(zoo_multi(c->zh, 2, ops, results), ZOK, "multi");
    await_watch(watch, ZOO_CREATED_EVENT, "/calls-watch");
    equal(zoo_wexists(c->zh, "/calls-watch", on_watch, removed, &stat), ZOK, "wexists");
    equal(zoo_remove_watches(c->zh, "/calls-watch", ZWATCHTYPE_DATA, on_watch, removed, 0), ZOK, "remove");
    equal(zoo_set(c->zh, "/calls-watch", "", 0, -1), ZOK, "set");
    equal(zoo_exists(c->zh, "/calls-watch", 0, &stat), ZOK, "exists");
    equal(removed->fired, 0, "times that the removed watch fired");
    close_client(c);
}

static void read_the_config_and_may_not_change_it(void) {
    struct client *c = connect_client();
    char config[TEXT] = "";
    int length = sizeof config;
    struct Stat stat;
    equal(zoo_getconfig(c->zh, 0, config, &length, &stat), ZOK, "getconfig");
    equal(stat.aversion, -1, "ACL version of the config");
    length = sizeof config;
    equal(zoo_reconfig(c->zh, NULL, "1", NULL, -1, config, &length, &stat), ZRECONFIGDISABLED, "reconfig");
    close_client(c);
}

int run_calls(int *count) {
    static const struct check checks[] = {
        {"synchronous calls read and write", reads_and_writes},
        {"synchronous calls keep ACLs", keep_acls},
        {"synchronous calls watch and do multis", watch_and_multi},
        {"the config is read and may not be changed", read_the_config_and_may_not_change_it},
    };
    *count = sizeof checks / sizeof *checks;
    return run_checks(checks, *count);
}

#else

int run_calls(int *count) {
    *count = 0;
    return 0;
}

#endif
