package compat;

/** Something to do that may throw anything. */
@FunctionalInterface
interface Action {
    void run() throws Exception;
}
