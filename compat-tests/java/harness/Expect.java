package compat;

import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** What checks assert with. Every wait has a deadline that is reached only when the check fails. */
final class Expect {
    static final int DEADLINE_S = 40;

    private Expect() {
    }

    static void equal(Object actual, Object expected, String what) {
        holds(Objects.equals(actual, expected), what + ": " + actual + " instead of " + expected);
    }

    static void holds(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    /** The call throws exactly this exception, which is returned. */
    static <E extends Exception> E refused(Class<E> expected, Callable<?> call, String what) {
        Object result;
        try {
            result = call.call();
        } catch (Exception error) {
            holds(error.getClass() == expected, what + ": " + error + " instead of " + expected.getSimpleName());
            return expected.cast(error);
        }
        throw new AssertionError(what + ": " + result + " instead of " + expected.getSimpleName());
    }

    static void reached(CountDownLatch latch, String what) throws InterruptedException {
        holds(latch.await(DEADLINE_S, TimeUnit.SECONDS), "not within " + DEADLINE_S + " s: " + what);
    }

    /** Looks again and again until the condition holds, for what tells nobody when it changes. */
    static void eventually(Callable<Boolean> condition, String what) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_S);
        while (!condition.call()) {
            holds(System.nanoTime() < end, "not within " + DEADLINE_S + " s: " + what);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
    }

    static <T> T next(BlockingQueue<T> queue, String what) throws InterruptedException {
        T found = queue.poll(DEADLINE_S, TimeUnit.SECONDS);
        holds(found != null, "not within " + DEADLINE_S + " s: " + what);
        return found;
    }
}
