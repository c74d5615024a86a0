/* Nodes, their watches, multis and access control, each request asynchronous and its answer waited for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "lab.h"

enum { PIPELINED = 200, BOUND = 0xfffff };

static void creates_in_all_modes(void) {
    struct client *c = connect_client();
    make(c, "/modes");
    equal_text(create(c, "/modes/eph", &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL)->path, "/modes/eph", "ephemeral");
    equal_text(create(c, "/modes/s-", &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL)->path, "/modes/s-0000000001",
               "sequential");
    equal_text(create(c, "/modes/s-", &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL_SEQUENTIAL)->path, "/modes/s-0000000002",
               "ephemeral sequential");
    equal_text(create(c, "/modes/box", &ZOO_OPEN_ACL_UNSAFE, ZOO_CONTAINER)->path, "/modes/box", "container");
    struct answer *ttl = create_ttl(c, "/modes/ttl", ZOO_PERSISTENT_WITH_TTL, 60000);
    worked(ttl, "TTL");
    equal(ttl->stat.ephemeralOwner, 0, "owner of a TTL node");
    equal_text(create_ttl(c, "/modes/t-", ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, 60000)->path, "/modes/t-0000000005",
               "sequential TTL");
    equal(exists(c, "/modes/eph", NULL)->stat.ephemeralOwner, zoo_client_id(c->zh)->client_id, "owner");
    struct answer *names = children(c, "/modes", NULL);
    equal(names->names_count, 6, "children");
    equal(names->stat.cversion, 6, "cversion");
    close_client(c);
}

static void create2_answers_with_the_stat(void) {
    struct client *c = connect_client();
    struct answer *made = create2(c, "/with-stat", "four");
    worked(made, "create2");
    equal(made->stat.dataLength, 4, "data length");
    equal(made->stat.czxid, made->stat.mzxid, "mzxid");
    equal(exists(c, "/with-stat", NULL)->stat.czxid, made->stat.czxid, "czxid");
    close_client(c);
}

static void names_the_reason_of_a_refusal(void) {
    struct client *c = connect_client();
    struct ACL_vector none = {0, NULL};
    make(c, "/refusals");
    worked(create(c, "/refusals/eph", &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL), "ephemeral");
    refused(create(c, "/refusals", &ZOO_OPEN_ACL_UNSAFE, 0), ZNODEEXISTS, "an existing node");
    refused(create(c, "/no/parent", &ZOO_OPEN_ACL_UNSAFE, 0), ZNONODE, "no parent");
    refused(create(c, "/refusals/eph/x", &ZOO_OPEN_ACL_UNSAFE, 0), ZNOCHILDRENFOREPHEMERALS, "below an ephemeral");
    refused(create(c, "/refusals/acl", &none, 0), ZINVALIDACL, "no ACL");
    refused(create(c, "/refusals/acl", &ZOO_CREATOR_ALL_ACL, 0), ZINVALIDACL, "a creator without authentication");
    refused(get(c, "/none", NULL), ZNONODE, "get");
    refused(exists(c, "/none", NULL), ZNONODE, "exists");
    refused(children(c, "/none", NULL), ZNONODE, "children");
    refused(set(c, "/none", "", 0, -1), ZNONODE, "set");
    refused(delete_node(c, "/refusals", -1), ZNOTEMPTY, "delete of a parent");
    close_client(c);
}

static void respects_versions(void) {
    struct client *c = connect_client();
    make(c, "/versions");
    equal(set(c, "/versions", "one", 3, 0)->stat.version, 1, "version");
    refused(set(c, "/versions", "two", 3, 0), ZBADVERSION, "an old version");
    refused(delete_node(c, "/versions", 0), ZBADVERSION, "delete of an old version");
    struct answer *found = get(c, "/versions", NULL);
    equal_text(found->data, "one", "data");
    worked(set(c, "/versions", NULL, -1, 1), "set to null");
    equal(get(c, "/versions", NULL)->length, -1, "length of null");
    worked(sync_path(c, "/versions"), "sync");
    worked(delete_node(c, "/versions", 2), "delete");
    refused(delete_node(c, "/versions", -1), ZNONODE, "delete again");
    close_client(c);
}

static void watches_fire_once_each(void) {
    struct client *c = connect_client(), *other = connect_client();
    struct watch *made = new_watch(), *changed = new_watch(), *list = new_watch(), *gone = new_watch();
    refused(exists(c, "/watched", made), ZNONODE, "exists");
    make(other, "/watched");
    await_watch(made, ZOO_CREATED_EVENT, "/watched");
    worked(get(c, "/watched", changed), "get");
    worked(set(other, "/watched", "x", 1, -1), "set");
    await_watch(changed, ZOO_CHANGED_EVENT, "/watched");
    worked(children(c, "/watched", list), "children");
    make(other, "/watched/child");
    await_watch(list, ZOO_CHILD_EVENT, "/watched");
    worked(exists(c, "/watched/child", gone), "exists");
    worked(delete_node(other, "/watched/child", -1), "delete");
    await_watch(gone, ZOO_DELETED_EVENT, "/watched/child");
    worked(get(c, "/watched", NULL), "a read behind all events");
    equal(made->fired + changed->fired + list->fired + gone->fired, 4, "events");
    close_client(c);
    close_client(other);
}

static void a_removed_watch_does_not_fire(void) {
    struct client *c = connect_client();
    struct watch *watch = new_watch();
    make(c, "/unwatched");
    refused(remove_watches(c, "/unwatched", ZWATCHTYPE_DATA), ZNOWATCHER, "no watch yet");
    worked(get(c, "/unwatched", watch), "get");
    worked(remove_watches(c, "/unwatched", ZWATCHTYPE_DATA), "remove");
    worked(set(c, "/unwatched", "x", 1, -1), "set");
    worked(get(c, "/unwatched", NULL), "a read behind the event");
    equal(watch->fired, 0, "times that the watch fired");
    close_client(c);
}

static void a_multi_does_all(void) {
    struct client *c = connect_client();
    char *path = calloc(1, TEXT);
    struct Stat *stat = calloc(1, sizeof *stat);
    zoo_op_t *ops = calloc(5, sizeof *ops);
    zoo_op_result_t *results = calloc(5, sizeof *results);
    zoo_create_op_init(&ops[0], "/multi", "m", 1, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    zoo_create_op_init(&ops[1], "/multi/s-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL, path, TEXT);
    zoo_set_op_init(&ops[2], "/multi", "changed", 7, 0, stat);
    zoo_check_op_init(&ops[3], "/multi", 1);
    zoo_delete_op_init(&ops[4], "/multi/s-0000000000", -1);
    worked(multi(c, 5, ops, results), "multi");
    equal_text(path, "/multi/s-0000000000", "path of the sequential node");
    equal(stat->version, 1, "version");
    equal(children(c, "/multi", NULL)->names_count, 0, "children");
    close_client(c);
}

static void a_multi_that_fails_does_nothing(void) {
    struct client *c = connect_client();
    zoo_op_t *ops = calloc(3, sizeof *ops);
    zoo_op_result_t *results = calloc(3, sizeof *results);
    zoo_create_op_init(&ops[0], "/undone", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    zoo_delete_op_init(&ops[1], "/nothing-here", -1);
    zoo_check_op_init(&ops[2], "/undone", 0);
    refused(multi(c, 3, ops, results), ZNONODE, "multi");
    equal(results[0].err, ZOK, "result before the failing one");
    equal(results[1].err, ZNONODE, "failing result");
    equal(results[2].err, ZRUNTIMEINCONSISTENCY, "result after the failing one");
    refused(exists(c, "/undone", NULL), ZNONODE, "what the multi made");
    close_client(c);
}

static void a_digest_acl_keeps_strangers_out(void) {
    struct client *ann = connect_client(), *stranger = connect_client();
    worked(add_auth(ann, "ann:secret"), "auth");
    worked(create(ann, "/acl", &ZOO_CREATOR_ALL_ACL, 0), "create");
    struct answer *acl = get_acl(ann, "/acl");
    equal(acl->acl_count, 1, "entries");
    equal(acl->acl_perms, ZOO_PERM_ALL, "permissions");
    equal_text(acl->acl_scheme, "digest", "scheme");
    if (strncmp(acl->acl_id, "ann:", 4) != 0) fail("id %s", acl->acl_id);
    refused(get(stranger, "/acl", NULL), ZNOAUTH, "get");
    refused(set_acl(stranger, "/acl", &ZOO_OPEN_ACL_UNSAFE), ZNOAUTH, "set_acl");
    worked(add_auth(stranger, "ann:secret"), "auth");
    worked(get(stranger, "/acl", NULL), "get with the password");
    worked(set_acl(ann, "/acl", &ZOO_READ_ACL_UNSAFE), "set_acl");
    refused(set(ann, "/acl", "", 0, -1), ZNOAUTH, "set of what all may read");
    equal(exists(ann, "/acl", NULL)->stat.aversion, 1, "ACL version");
    close_client(ann);
    close_client(stranger);
}

static int finished[2 * PIPELINED], finished_count;

/* Notes the order of answers, then lets lab.c take each. */
static void note_stat(int rc, const struct Stat *stat, const void *context) {
    const struct answer *const *slot = context;
    lock();
    finished[finished_count++] = (int)(long)slot[1];
    unlock();
    on_stat(rc, stat, slot[0]);
}

static void note_data(int rc, const char *value, int length, const struct Stat *stat, const void *context) {
    (void)value;
    (void)length;
    note_stat(rc, stat, context);
}

/* The two words that note_stat finds: the answer, and the number of its request. */
static const void **numbered(struct answer *answer, long number) {
    const void **slot = calloc(2, sizeof *slot);
    slot[0] = answer;
    slot[1] = (const void *)number;
    return slot;
}

static void answers_come_in_the_order_of_their_requests(void) {
    struct client *c = connect_client();
    struct answer *answers[2 * PIPELINED];
    make(c, "/pipeline");
    finished_count = 0;
    for (int at = 0; at < 2 * PIPELINED; at++) answers[at] = new_answer();
    for (int at = 0; at < PIPELINED; at++) {
        const void **written = numbered(answers[2 * at], 2 * at), **read = numbered(answers[2 * at + 1], 2 * at + 1);
        equal(zoo_aset(c->zh, "/pipeline", "x", 1, at, note_stat, written), ZOK, "set");
        equal(zoo_aget(c->zh, "/pipeline", 0, note_data, read), ZOK, "get");
    }
    await(answers[2 * PIPELINED - 1], "the last answer");
    for (int at = 0; at < 2 * PIPELINED; at++) {
        worked(answers[at], "an answer");
        equal(finished[at], at, "order");
        equal(answers[at]->stat.version, at / 2 + 1, "version, also of the read behind a write");
    }
    close_client(c);
}

/* Sets /limit to as many bytes as make the whole request's frame `frame` bytes long. */
static struct answer *set_in_frame(struct client *client, char *data, int frame) {
    int around = 8 + 4 + (int)strlen("/limit") + 4 + 4; /* header, path, length of the data, version */
    return set(client, "/limit", data, frame - around, -1);
}

static void a_request_up_to_the_bound_works_and_one_byte_more_ends_the_connection(void) {
    struct client *c = connect_client();
    char *data = calloc(1, 2 << 20);
    make(c, "/limit");
    worked(set(c, "/limit", data, (1 << 20) - (1 << 10), -1), "1 MiB - 1 KiB");
    worked(set_in_frame(c, data, BOUND), "a frame of 0xfffff bytes");
    equal(get(c, "/limit", NULL)->length, BOUND - 26, "length that is read back");
    int length[] = {BOUND + 1, (1 << 20) + 1 + 26};
    for (int at = 0; at < 2; at++) {
        refused(set_in_frame(c, data, length[at]), ZCONNECTIONLOSS, "a longer frame");
        await_state(c, ZOO_CONNECTED_STATE);
    }
    equal(exists(c, "/limit", NULL)->stat.version, 2, "version, after the requests that were too long");
    close_client(c);
}

static void an_address_may_be_named_twice(void) {
    char hosts[2 * TEXT];
    snprintf(hosts, sizeof hosts, "%s,%s", lab_hosts, lab_hosts);
    struct client *c = open_client(hosts, TIMEOUT_MS, NULL);
    await_state(c, ZOO_CONNECTED_STATE);
    make(c, "/twice");
    close_client(c);
}

int run_nodes(int *count) {
    static const struct check checks[] = {
        {"a client creates in all modes", creates_in_all_modes},
        {"create2 answers with the stat", create2_answers_with_the_stat},
        {"refusals name their reason", names_the_reason_of_a_refusal},
        {"set and delete respect versions", respects_versions},
        {"watches fire once each", watches_fire_once_each},
        {"a removed watch does not fire", a_removed_watch_does_not_fire},
        {"a multi does all", a_multi_does_all},
        {"a multi that fails does nothing", a_multi_that_fails_does_nothing},
        {"a digest ACL keeps strangers out", a_digest_acl_keeps_strangers_out},
        {"answers come in the order of their requests", answers_come_in_the_order_of_their_requests},
        {"a request up to the bound works, one byte more ends the connection",
         a_request_up_to_the_bound_works_and_one_byte_more_ends_the_connection},
        {"a connect string may name an address twice", an_address_may_be_named_twice},
    };
    *count = sizeof checks / sizeof *checks;
    return run_checks(checks, *count);
}
