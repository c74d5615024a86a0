package ironkeeper.suite;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Waits for what a server tells only to who asks. */
final class Poll {
    private static final int PAUSE_MS = 20;

    private Poll() {
    }

    /**
     * Returns when the condition holds.
     *
     * @throws IllegalStateException that says `otherwise` when it does not hold in time, or with the cause when the thread is
     *     interrupted
     */
    static void until(BooleanSupplier condition, long deadlineMs, String otherwise) {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(deadlineMs);
        try {
            while (!condition.getAsBoolean()) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException(otherwise);
                }
                Thread.sleep(PAUSE_MS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
