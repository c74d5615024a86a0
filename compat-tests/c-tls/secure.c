/* The C client over TLS: secure HOST:PORT CA,CERTIFICATE,KEY,PASSWORD. Ends with 0 where all is as it should be, else says
 * what is not. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zookeeper.h>

enum { TIMEOUT_MS = 30000, DEADLINE_S = 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int connected;

static void watch(zhandle_t *zh, int type, int state, const char *path, void *context)
{
    (void)zh, (void)path, (void)context;
    pthread_mutex_lock(&lock);
    connected = connected || (type == ZOO_SESSION_EVENT && state == ZOO_CONNECTED_STATE);
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void expect(int is_so, const char *what)
{
    if (is_so)
        return;
    fprintf(stderr, "not as expected: %s\n", what);
    exit(1);
}

static void wait_until_connected(void)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += DEADLINE_S;
    int late = 0;
    pthread_mutex_lock(&lock);
    while (!connected && !late)
        late = pthread_cond_timedwait(&changed, &lock, &deadline);
    pthread_mutex_unlock(&lock);
    expect(!late, "it connects in time");
}

static void expect_data(zhandle_t *zh, const char *path, const char *data)
{
    char found[64];
    int length = sizeof found;
    expect(zoo_get(zh, path, 0, found, &length, NULL) == ZOK, "get");
    expect((size_t)length == strlen(data) && memcmp(found, data, (size_t)length) == 0, "the data");
}

int main(int argc, char **argv)
{
    expect(argc == 3, "two arguments");
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    zhandle_t *zh = zookeeper_init_ssl(argv[1], argv[2], watch, TIMEOUT_MS, NULL, NULL, 0);
    expect(zh != NULL, "a handle");
    wait_until_connected();
    expect(zoo_create(zh, "/c-tls", "data", 4, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0) == ZOK, "create");
    expect_data(zh, "/c-tls", "data");
    expect(zoo_set(zh, "/c-tls", "more", 4, -1) == ZOK, "set");
    expect_data(zh, "/c-tls", "more");
    struct String_vector children;
    expect(zoo_get_children(zh, "/", 0, &children) == ZOK, "ls");
    int found = 0;
    for (int at = 0; at < children.count; at++)
        found += strcmp(children.data[at], "c-tls") == 0;
    expect(found == 1, "the znode among the children");
    deallocate_String_vector(&children);
    expect(zoo_delete(zh, "/c-tls", -1) == ZOK, "delete");
    expect(zookeeper_close(zh) == ZOK, "close");
    return 0;
}
