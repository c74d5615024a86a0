/* A program on Apache's C client. It asks its driver to stop and start the server by lines on stdout; see
 * ironlab/driven.py. Its groups of checks: `all`, `sessions` for a switch of servers, `moved`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zookeeper/zookeeper_version.h>

#include "checks.h"
#include "lab.h"

typedef int (*group)(int *count);

static int run_groups(const group *groups, int group_count) {
    int passed = 0, failed = 0;
    for (int at = 0; at < group_count; at++) {
        int count = 0, bad = groups[at](&count);
        passed += count - bad;
        failed += bad;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}

int main(int argc, char **argv) {
    static const group all[] = {run_nodes, run_calls, run_sessions};
    static const group sessions[] = {run_sessions}, moved[] = {run_moved};
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    setvbuf(stdout, NULL, _IOLBF, 0);
    lab_self = argv[0];
    if (argc == 2 && strcmp(argv[1], "version") == 0) return puts(ZOO_VERSION) < 0;
    lab_hosts = argc > 2 ? argv[2] : "";
    if (argc == 5 && strcmp(argv[1], "hold") == 0) return hold_session(argv[3], atoi(argv[4]));
    if (argc == 3) {
        if (strcmp(argv[1], "all") == 0) return run_groups(all, 3);
        if (strcmp(argv[1], "sessions") == 0) return run_groups(sessions, 1);
        if (strcmp(argv[1], "moved") == 0) return run_groups(moved, 1);
    }
    fprintf(stderr, "usage: %s all|sessions|moved hosts | hold hosts path timeout_ms | version\n", argv[0]);
    return 2;
}
