/* What the C program's checks stand on: sessions, requests that wait for their answer, watches, waiting, and the driver
 * on stdin and stdout. The same code works on both libraries: with THREADED a thread of libzookeeper_mt calls back,
 * without it this program itself moves libzookeeper_st on while it waits.
 *
 * A check that fails leaves by longjmp; what it held is not freed, because callbacks may still come for it. */
#ifndef LAB_H
#define LAB_H

#include <setjmp.h>
#include <zookeeper/zookeeper.h>

enum { TEXT = 256, MOST_NAMES = 64, MOST_EVENTS = 64, TIMEOUT_MS = 6000 };

/* One session with the states that its watcher was told, in order. */
struct client {
    zhandle_t *zh;
    int states[MOST_EVENTS];
    int count, taken;
};

/* The answer to one request; only what it carries is set. */
struct answer {
    int done, rc;
    char path[TEXT];
    char *data;
    int length;
    struct Stat stat;
    int names_count;
    char names[MOST_NAMES][TEXT];
    int acl_count;
    int acl_perms;
    char acl_scheme[TEXT], acl_id[TEXT];
};

/* One watch: how often it fired, and its last event. */
struct watch {
    int fired, type;
    char path[TEXT];
};

/* One claim about the server. */
struct check {
    const char *claim;
    void (*run)(void);
};

extern const char *lab_hosts; /* the connect string */
extern const char *lab_self;  /* this program's file */

/* Failing. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void equal(long long actual, long long expected, const char *what);
void equal_text(const char *actual, const char *expected, const char *what);
void worked(const struct answer *answer, const char *what);
void refused(const struct answer *answer, int code, const char *what);

/* Waiting: `holds` is asked under the lock that callbacks take. */
void eventually(int (*holds)(void *), void *context, const char *what);
void lock(void);
void unlock(void);
void callback_done(void); /* unlocks, and wakes who waits */

/* The driver, which stops and starts the server. */
void ask(const char *request);

/* Sessions. */
struct client *open_client(const char *hosts, int timeout_ms, const clientid_t *id);
struct client *connect_client(void);
void close_client(struct client *client);
void await_state(struct client *client, int state);
void await_back(struct client *client); /* after a restart: the server that was started answers */

/* Requests. */
struct answer *create(struct client *client, const char *path, const struct ACL_vector *acl, int mode);
struct answer *create_ttl(struct client *client, const char *path, int mode, long long ttl_ms);
struct answer *create2(struct client *client, const char *path, const char *data);
struct answer *delete_node(struct client *client, const char *path, int version);
struct answer *exists(struct client *client, const char *path, struct watch *watch);
struct answer *get(struct client *client, const char *path, struct watch *watch);
struct answer *set(struct client *client, const char *path, const char *data, int length, int version);
struct answer *children(struct client *client, const char *path, struct watch *watch);
struct answer *sync_path(struct client *client, const char *path);
struct answer *get_acl(struct client *client, const char *path);
struct answer *set_acl(struct client *client, const char *path, const struct ACL_vector *acl);
struct answer *multi(struct client *client, int count, const zoo_op_t *ops, zoo_op_result_t *results);
struct answer *add_auth(struct client *client, const char *user_and_password);
struct answer *remove_watches(struct client *client, const char *path, ZooWatcherType type);
void make(struct client *client, const char *path);

/* Answers that checks collect themselves. */
struct answer *new_answer(void);
void await(struct answer *answer, const char *what);
void on_stat(int rc, const struct Stat *stat, const void *answer);

/* Watches. */
struct watch *new_watch(void);
void on_watch(zhandle_t *zh, int type, int state, const char *path, void *watch);
void await_watch(struct watch *watch, int type, const char *path);

/* Runs checks, printing a line for each; returns how many failed. */
int run_checks(const struct check *checks, int count);

#endif
