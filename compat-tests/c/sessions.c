/* What a session keeps over a restart of its server, and when it ends. The server may be another one each time it is
 * started, on the same data: these checks run on a switch of servers too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checks.h"
#include "lab.h"

enum { SHORT_TIMEOUT_MS = 1000, PINGED_TIMEOUT_MS = 2000 };

static void restart(void) {
    ask("stop");
    ask("start");
}

static void keeps_all_over_a_restart(void) {
    struct client *c = connect_client(), *other = connect_client();
    struct watch *data = new_watch(), *list = new_watch(), *made = new_watch();
    clientid_t before = *zoo_client_id(c->zh);
    worked(add_auth(c, "ann:secret"), "auth");
    worked(create(c, "/own", &ZOO_CREATOR_ALL_ACL, 0), "create");
    worked(create(c, "/live", &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL), "create");
    worked(get(c, "/own", data), "get");
    worked(children(c, "/own", list), "children");
    refused(exists(c, "/later", made), ZNONODE, "exists");
    restart();
    await_back(c);
    await_back(other);
    equal(zoo_client_id(c->zh)->client_id, before.client_id, "session");
    equal(exists(other, "/live", NULL)->stat.ephemeralOwner, before.client_id, "owner of the ephemeral");
    worked(set(c, "/own", "x", 1, -1), "set of what needs the authentication to be sent again");
    await_watch(data, ZOO_CHANGED_EVENT, "/own");
    make(c, "/own/child");
    await_watch(list, ZOO_CHILD_EVENT, "/own");
    make(other, "/later");
    await_watch(made, ZOO_CREATED_EVENT, "/later");
    close_client(c);
    close_client(other);
}

static void counts_on_over_a_restart(void) {
    struct client *c = connect_client();
    make(c, "/count");
    worked(create(c, "/count/s-", &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL), "create");
    long long before = exists(c, "/count", NULL)->stat.pzxid;
    restart();
    await_back(c);
    equal_text(create(c, "/count/s-", &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL_SEQUENTIAL)->path, "/count/s-0000000001",
               "the next sequential node");
    if (exists(c, "/count", NULL)->stat.pzxid <= before) fail("a zxid after the restart is not above those before");
    close_client(c);
}

/* Lets another process make a session that nobody keeps alive. */
static clientid_t abandoned_session(const char *path, int timeout_ms) {
    char command[2 * TEXT], passwd[33] = "";
    clientid_t id = {0};
    snprintf(command, sizeof command, "'%s' hold '%s' '%s' %d", lab_self, lab_hosts, path, timeout_ms);
    FILE *holder = popen(command, "r");
    unsigned long long number = 0;
    if (!holder || fscanf(holder, "%llx %32s", &number, passwd) != 2) fail("%s says no session", command);
    pclose(holder);
    id.client_id = (int64_t)number;
    for (int at = 0; at < 16; at++) {
        unsigned byte = 0;
        sscanf(passwd + 2 * at, "%2x", &byte);
        id.passwd[at] = (char)byte;
    }
    return id;
}

static const char *held_path;
static int held_timeout_ms;

/* The other process: says its session, and is gone without closing it. */
static void hold(void) {
    struct client *c = open_client(lab_hosts, held_timeout_ms, NULL);
    await_state(c, ZOO_CONNECTED_STATE);
    worked(create(c, held_path, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL), "create");
    const clientid_t *id = zoo_client_id(c->zh);
    printf("%llx ", (unsigned long long)id->client_id);
    for (int at = 0; at < 16; at++) printf("%02x", (unsigned char)id->passwd[at]);
    printf("\n");
    fflush(stdout);
    _exit(0);
}

int hold_session(const char *path, int timeout_ms) {
    static const struct check check = {"a session is held", hold};
    held_path = path;
    held_timeout_ms = timeout_ms;
    return run_checks(&check, 1);
}

static void is_found_again_by_id_and_password(void) {
    clientid_t id = abandoned_session("/found-again", TIMEOUT_MS);
    struct client *c = open_client(lab_hosts, TIMEOUT_MS, &id);
    await_state(c, ZOO_CONNECTED_STATE);
    equal(zoo_client_id(c->zh)->client_id, id.client_id, "session");
    equal(exists(c, "/found-again", NULL)->stat.ephemeralOwner, id.client_id, "owner");
    close_client(c);
}

/* Waits until a session's ephemeral is gone, which it may be already. */
static void await_end(struct client *client, const char *path) {
    struct watch *gone = new_watch();
    struct answer *found = exists(client, path, gone);
    if (found->rc == ZOK) await_watch(gone, ZOO_DELETED_EVENT, path);
    else refused(found, ZNONODE, path);
}

static void ends_when_nobody_comes_back(void) {
    struct client *other = connect_client();
    clientid_t id = abandoned_session("/abandoned", SHORT_TIMEOUT_MS);
    restart();
    await_back(other);
    await_end(other, "/abandoned");
    struct client *late = open_client(lab_hosts, TIMEOUT_MS, &id);
    await_state(late, ZOO_EXPIRED_SESSION_STATE);
    close_client(late);
    close_client(other);
}

/* The idle session has the silent one's timeout and is older, so only its pings can have kept it. */
static void lives_on_by_its_pings(void) {
    struct client *other = connect_client(), *idle = open_client(lab_hosts, PINGED_TIMEOUT_MS, NULL);
    await_state(idle, ZOO_CONNECTED_STATE);
    worked(create(idle, "/idle", &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL), "create");
    abandoned_session("/silent", PINGED_TIMEOUT_MS);
    await_end(other, "/silent");
    worked(exists(other, "/idle", NULL), "exists of the idle session's ephemeral");
    equal(idle->count, 1, "states of the idle session");
    close_client(idle);
    close_client(other);
}

static void takes_its_ephemerals_along(void) {
    struct client *c = connect_client(), *other = connect_client();
    struct watch *gone = new_watch();
    worked(create(c, "/closing", &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL), "create");
    worked(exists(other, "/closing", gone), "exists");
    close_client(c);
    await_watch(gone, ZOO_DELETED_EVENT, "/closing");
    close_client(other);
}

int run_sessions(int *count) {
    static const struct check checks[] = {
        {"a session, its ephemerals, watches and authentication live through a restart", keeps_all_over_a_restart},
        {"sequence numbers and zxids go on after a restart", counts_on_over_a_restart},
        {"a session is found again by id and password", is_found_again_by_id_and_password},
        {"a session that nobody comes back to expires after a restart", ends_when_nobody_comes_back},
        {"an idle session lives on by its pings, while a silent one expires", lives_on_by_its_pings},
        {"a closed session takes its ephemerals along", takes_its_ephemerals_along},
    };
    *count = sizeof checks / sizeof *checks;
    return run_checks(checks, *count);
}

/* The connect string has two servers, tried in order; the driver stops the first. */
static void is_unknown_to_another_server(void) {
    zoo_deterministic_conn_order(1);
    struct client *c = connect_client();
    worked(create(c, "/left-behind", &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL), "create");
    ask("stop");
    await_state(c, ZOO_EXPIRED_SESSION_STATE);
    struct client *next = connect_client();
    refused(exists(next, "/left-behind", NULL), ZNONODE, "the first server's node");
    close_client(c);
    close_client(next);
}

int run_moved(int *count) {
    static const struct check checks[] = {
        {"a session is expired at a server that does not know it", is_unknown_to_another_server},
    };
    *count = sizeof checks / sizeof *checks;
    return run_checks(checks, *count);
}
