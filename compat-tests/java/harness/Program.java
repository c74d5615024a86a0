package compat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Runs checks, prints a line for each, and at the end their count. */
final class Program {
    /** Checks wait more than they work. */
    private static final int SIDE_BY_SIDE = 8;

    private Program() {
    }

    /**
     * Runs the checks that bear each other's company, then those that restart the server, and ends the process.
     * Threads of the client that linger do not hold it up.
     */
    static void run(List<Check> together, List<Check> alone) throws Exception {
        int failed = sideBySide(together);
        for (Check check : alone) {
            failed += report(check, check.failure());
        }
        System.out.println((together.size() + alone.size() - failed) + " passed, " + failed + " failed");
        System.out.flush();
        Runtime.getRuntime().halt(failed == 0 ? 0 : 1);
    }

    private static int sideBySide(List<Check> checks) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(SIDE_BY_SIDE);
        List<Future<String>> failures = new ArrayList<>();
        checks.forEach(check -> failures.add(pool.submit(check::failure)));
        int failed = 0;
        for (int at = 0; at < checks.size(); at++) {
            failed += report(checks.get(at), failures.get(at).get());
        }
        pool.shutdown();
        return failed;
    }

    private static int report(Check check, String failure) {
        System.out.println(failure == null ? "ok\t" + check.claim : "FAIL\t" + check.claim + "\t" + failure);
        return failure == null ? 0 : 1;
    }
}
