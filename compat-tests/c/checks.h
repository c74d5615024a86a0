/* The groups of checks. */
#ifndef CHECKS_H
#define CHECKS_H

int run_nodes(int *count);    /* create, read, change, watch, multi, ACLs: asynchronous calls */
int run_calls(int *count);    /* the synchronous calls, which only libzookeeper_mt has */
int run_sessions(int *count); /* restarts, expiry, close */
int run_moved(int *count);    /* the server is stopped, and the next one of the connect string knows no session of its */

/* Makes a session with an ephemeral at `path`, prints its id and password, and ends the process without closing it. */
int hold_session(const char *path, int timeout_ms);

#endif
