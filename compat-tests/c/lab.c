#include "lab.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef THREADED
#include <pthread.h>
#endif

enum { DEADLINE_S = 30, MOST_CLIENTS = 64, POLL_MS = 50 };

const char *lab_hosts;
const char *lab_self;

static jmp_buf failure;
static char reason[4 * TEXT];

/* ---- failing ---- */

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    longjmp(failure, 1);
}

void equal(long long actual, long long expected, const char *what) {
    if (actual != expected) fail("%s: %lld instead of %lld", what, actual, expected);
}

void equal_text(const char *actual, const char *expected, const char *what) {
    if (strcmp(actual, expected) != 0) fail("%s: %s instead of %s", what, actual, expected);
}

void worked(const struct answer *answer, const char *what) {
    if (answer->rc != ZOK) fail("%s: %s", what, zerror(answer->rc));
}

void refused(const struct answer *answer, int code, const char *what) {
    if (answer->rc != code) fail("%s: %s instead of %s", what, zerror(answer->rc), zerror(code));
}

/* ---- waiting ---- */

#ifdef THREADED

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

void lock(void) { pthread_mutex_lock(&mutex); }
void unlock(void) { pthread_mutex_unlock(&mutex); }

void callback_done(void) {
    pthread_cond_broadcast(&changed);
    unlock();
}

void eventually(int (*holds)(void *), void *context, const char *what) {
    struct timespec end;
    int late = 0, held;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += DEADLINE_S;
    lock();
    while (!(held = holds(context)) && !late) late = pthread_cond_timedwait(&changed, &mutex, &end) != 0;
    unlock();
    if (!held) fail("not within %d s: %s", DEADLINE_S, what);
}

static void remember(struct client *client) { (void)client; }
static void forget(struct client *client) { (void)client; }

#else

static struct client *open_clients[MOST_CLIENTS];

void lock(void) {}
void unlock(void) {}
void callback_done(void) {}

static void remember(struct client *client) {
    for (int slot = 0; slot < MOST_CLIENTS; slot++) {
        if (open_clients[slot]) continue;
        open_clients[slot] = client;
        return;
    }
    fail("more than %d clients at once", MOST_CLIENTS);
}

static void forget(struct client *client) {
    for (int slot = 0; slot < MOST_CLIENTS; slot++) {
        if (open_clients[slot] == client) open_clients[slot] = NULL;
    }
}

/* What one session waits for on its socket; the shortest wait of all goes into `wait_ms`. */
static struct pollfd interest_of(struct client *client, int *wait_ms) {
    struct pollfd found = {.fd = -1};
    struct timeval wait = {0};
    int fd = -1, interest = 0;
    zookeeper_interest(client->zh, &fd, &interest, &wait);
    found.fd = fd;
    if (interest & ZOOKEEPER_READ) found.events |= POLLIN;
    if (interest & ZOOKEEPER_WRITE) found.events |= POLLOUT;
    int ms = (int)(wait.tv_sec * 1000 + wait.tv_usec / 1000);
    if (ms < *wait_ms) *wait_ms = ms;
    return found;
}

/* Moves all sessions on by what their sockets have, which calls back. */
static void move_on(void) {
    struct pollfd polls[MOST_CLIENTS];
    int wait_ms = POLL_MS;
    for (int slot = 0; slot < MOST_CLIENTS; slot++) {
        polls[slot].fd = -1;
        polls[slot].events = polls[slot].revents = 0;
        if (open_clients[slot]) polls[slot] = interest_of(open_clients[slot], &wait_ms);
    }
    poll(polls, MOST_CLIENTS, wait_ms);
    for (int slot = 0; slot < MOST_CLIENTS; slot++) {
        if (!open_clients[slot]) continue;
        int events = polls[slot].revents & (POLLIN | POLLHUP | POLLERR) ? ZOOKEEPER_READ : 0;
        if (polls[slot].revents & POLLOUT) events |= ZOOKEEPER_WRITE;
        zookeeper_process(open_clients[slot]->zh, events);
    }
}

void eventually(int (*holds)(void *), void *context, const char *what) {
    time_t end = time(NULL) + DEADLINE_S;
    while (!holds(context)) {
        if (time(NULL) > end) fail("not within %d s: %s", DEADLINE_S, what);
        move_on();
    }
}

#endif

/* ---- the driver ---- */

void ask(const char *request) {
    char line[TEXT] = "";
    printf("@%s\n", request);
    if (!fgets(line, sizeof line, stdin) || strcmp(line, "done\n") != 0) fail("the driver did not %s", request);
}

/* ---- sessions ---- */

static void on_session(zhandle_t *zh, int type, int state, const char *path, void *context) {
    struct client *client = (struct client *)zoo_get_context(zh);
    (void)path;
    (void)context;
    if (type != ZOO_SESSION_EVENT) return;
    lock();
    if (client->count < MOST_EVENTS) client->states[client->count++] = state;
    callback_done();
}

struct client *open_client(const char *hosts, int timeout_ms, const clientid_t *id) {
    struct client *client = calloc(1, sizeof *client);
    client->zh = zookeeper_init(hosts, on_session, timeout_ms, id, client, ZOO_NO_LOG_CLIENTENV);
    if (!client->zh) fail("zookeeper_init of %s", hosts);
    remember(client);
    return client;
}

struct client *connect_client(void) {
    struct client *client = open_client(lab_hosts, TIMEOUT_MS, NULL);
    await_state(client, ZOO_CONNECTED_STATE);
    return client;
}

/* The library tells nobody when the close is answered: what must follow it is waited for by a watch. */
void close_client(struct client *client) {
    forget(client);
    zookeeper_close(client->zh);
}

struct wanted_state {
    struct client *client;
    int state;
    char what[TEXT]; /* kept up to date for the message of a failure */
};

static int state_came(void *context) {
    struct wanted_state *wanted = context;
    struct client *client = wanted->client;
    while (client->taken < client->count) {
        if (client->states[client->taken++] == wanted->state) return 1;
    }
    int last = client->count ? client->states[client->count - 1] : 0;
    snprintf(wanted->what, TEXT, "session state %d; the last of %d is %d", wanted->state, client->count, last);
    return 0;
}

/* Takes the session's states up to the wanted one. */
void await_state(struct client *client, int state) {
    struct wanted_state wanted = {client, state, ""};
    eventually(state_came, &wanted, wanted.what);
}

/* ---- answers ---- */

struct answer *new_answer(void) { return calloc(1, sizeof(struct answer)); }

static int is_done(void *answer) { return ((struct answer *)answer)->done; }

void await(struct answer *answer, const char *what) { eventually(is_done, answer, what); }

/* Waits for the answer of a request that was sent, or takes what the library said instead of sending it. */
static struct answer *answered(struct answer *answer, int sent, const char *what) {
    if (sent != ZOK) answer->rc = sent;
    else await(answer, what);
    return answer;
}

static struct answer *begin(const void *context, int rc) {
    struct answer *answer = (struct answer *)context;
    lock();
    answer->rc = rc;
    answer->done = 1;
    return answer;
}

static void on_void(int rc, const void *context) {
    begin(context, rc);
    callback_done();
}

static void on_path(int rc, const char *path, const void *context) {
    struct answer *answer = begin(context, rc);
    if (path) snprintf(answer->path, TEXT, "%s", path);
    callback_done();
}

static void on_path_stat(int rc, const char *path, const struct Stat *stat, const void *context) {
    struct answer *answer = begin(context, rc);
    if (path) snprintf(answer->path, TEXT, "%s", path);
    if (stat) answer->stat = *stat;
    callback_done();
}

void on_stat(int rc, const struct Stat *stat, const void *context) {
    struct answer *answer = begin(context, rc);
    if (stat) answer->stat = *stat;
    callback_done();
}

static void on_data(int rc, const char *value, int length, const struct Stat *stat, const void *context) {
    struct answer *answer = begin(context, rc);
    answer->length = length;
    if (length >= 0 && value) {
        answer->data = calloc(1, (size_t)length + 1);
        memcpy(answer->data, value, (size_t)length);
    }
    if (stat) answer->stat = *stat;
    callback_done();
}

static int by_text(const void *left, const void *right) { return strcmp(left, right); }

static void on_names(int rc, const struct String_vector *names, const struct Stat *stat, const void *context) {
    struct answer *answer = begin(context, rc);
    for (int at = 0; names && at < names->count && at < MOST_NAMES; at++) {
        snprintf(answer->names[answer->names_count++], TEXT, "%s", names->data[at]);
    }
    qsort(answer->names, (size_t)answer->names_count, TEXT, by_text);
    if (stat) answer->stat = *stat;
    callback_done();
}

static void on_acl(int rc, struct ACL_vector *acl, struct Stat *stat, const void *context) {
    struct answer *answer = begin(context, rc);
    if (acl && acl->count > 0) {
        answer->acl_count = acl->count;
        answer->acl_perms = acl->data[0].perms;
        snprintf(answer->acl_scheme, TEXT, "%s", acl->data[0].id.scheme);
        snprintf(answer->acl_id, TEXT, "%s", acl->data[0].id.id);
    }
    if (stat) answer->stat = *stat;
    callback_done();
}

/* ---- requests ---- */

struct answer *create(struct client *client, const char *path, const struct ACL_vector *acl, int mode) {
    struct answer *answer = new_answer();
    return answered(answer, zoo_acreate(client->zh, path, "new", 3, acl, mode, on_path, answer), path);
}

struct answer *create_ttl(struct client *client, const char *path, int mode, long long ttl_ms) {
    struct answer *answer = new_answer();
    int sent = zoo_acreate2_ttl(client->zh, path, "new", 3, &ZOO_OPEN_ACL_UNSAFE, mode, ttl_ms, on_path_stat, answer);
    return answered(answer, sent, path);
}

struct answer *create2(struct client *client, const char *path, const char *data) {
    struct answer *answer = new_answer();
    int sent = zoo_acreate2(client->zh, path, data, (int)strlen(data), &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT,
                            on_path_stat, answer);
    return answered(answer, sent, path);
}

struct answer *delete_node(struct client *client, const char *path, int version) {
    struct answer *answer = new_answer();
    return answered(answer, zoo_adelete(client->zh, path, version, on_void, answer), path);
}

struct answer *exists(struct client *client, const char *path, struct watch *watch) {
    struct answer *answer = new_answer();
    int sent = zoo_awexists(client->zh, path, watch ? on_watch : NULL, watch, on_stat, answer);
    return answered(answer, sent, path);
}

struct answer *get(struct client *client, const char *path, struct watch *watch) {
    struct answer *answer = new_answer();
    return answered(answer, zoo_awget(client->zh, path, watch ? on_watch : NULL, watch, on_data, answer), path);
}

struct answer *set(struct client *client, const char *path, const char *data, int length, int version) {
    struct answer *answer = new_answer();
    return answered(answer, zoo_aset(client->zh, path, data, length, version, on_stat, answer), path);
}

struct answer *children(struct client *client, const char *path, struct watch *watch) {
    struct answer *answer = new_answer();
    int sent = zoo_awget_children2(client->zh, path, watch ? on_watch : NULL, watch, on_names, answer);
    return answered(answer, sent, path);
}

struct answer *sync_path(struct client *client, const char *path) {
    struct answer *answer = new_answer();
    return answered(answer, zoo_async(client->zh, path, on_path, answer), path);
}

struct answer *get_acl(struct client *client, const char *path) {
    struct answer *answer = new_answer();
    return answered(answer, zoo_aget_acl(client->zh, path, on_acl, answer), path);
}

struct answer *set_acl(struct client *client, const char *path, const struct ACL_vector *acl) {
    struct answer *answer = new_answer();
    int sent = zoo_aset_acl(client->zh, path, -1, (struct ACL_vector *)acl, on_void, answer);
    return answered(answer, sent, path);
}

struct answer *multi(struct client *client, int count, const zoo_op_t *ops, zoo_op_result_t *results) {
    struct answer *answer = new_answer();
    return answered(answer, zoo_amulti(client->zh, count, ops, results, on_void, answer), "multi");
}

struct answer *add_auth(struct client *client, const char *user_and_password) {
    struct answer *answer = new_answer();
    int length = (int)strlen(user_and_password);
    int sent = zoo_add_auth(client->zh, "digest", user_and_password, length, on_void, answer);
    return answered(answer, sent, "add_auth");
}

struct answer *remove_watches(struct client *client, const char *path, ZooWatcherType type) {
    struct answer *answer = new_answer();
    /* The header wants a pointer to the function type, which is itself one; the library calls it as a function. */
    int sent = zoo_aremove_all_watches(client->zh, path, type, 0, (void_completion_t *)on_void, answer);
    return answered(answer, sent, path);
}

static int is_lost(const struct answer *answer) {
    return answer->rc == ZCONNECTIONLOSS || answer->rc == ZOPERATIONTIMEOUT;
}

/* A server that is about to stop may still take the client back for a moment, so the client's states tell nothing of the
 * next server. And one that connects while Apache starts may be left without an answer, until it gives that up. */
void await_back(struct client *client) {
    time_t end = time(NULL) + DEADLINE_S;
    struct answer *answer;
    while (is_lost(answer = exists(client, "/", NULL)) && time(NULL) <= end) free(answer);
    worked(answer, "a read after the restart");
}

void make(struct client *client, const char *path) {
    worked(create(client, path, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT), path);
}

/* ---- watches ---- */

struct watch *new_watch(void) { return calloc(1, sizeof(struct watch)); }

/* A watcher of a node also hears of its session; that is no event of the node. */
void on_watch(zhandle_t *zh, int type, int state, const char *path, void *context) {
    struct watch *watch = context;
    (void)zh;
    (void)state;
    if (type == ZOO_SESSION_EVENT) return;
    lock();
    watch->fired++;
    watch->type = type;
    snprintf(watch->path, TEXT, "%s", path);
    callback_done();
}

static int has_fired(void *watch) { return ((struct watch *)watch)->fired > 0; }

void await_watch(struct watch *watch, int type, const char *path) {
    eventually(has_fired, watch, path);
    equal(watch->type, type, path);
    equal_text(watch->path, path, "path of the event");
    equal(watch->fired, 1, "times that a watch fired");
}

/* ---- checks ---- */

static int passes(const struct check *check) {
    if (setjmp(failure)) {
        printf("FAIL\t%s\t%s\n", check->claim, reason);
        return 0;
    }
    check->run();
    printf("ok\t%s\n", check->claim);
    return 1;
}

int run_checks(const struct check *checks, int count) {
    int failed = 0;
    for (int at = 0; at < count; at++) failed += !passes(&checks[at]);
    return failed;
}
