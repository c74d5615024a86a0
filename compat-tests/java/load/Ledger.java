package compat.load;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/** What all sessions together have seen: how many writes were acknowledged, and what must not happen. */
final class Ledger {
    private final AtomicLong acknowledged = new AtomicLong();
    private final AtomicLong unknown = new AtomicLong();
    private final AtomicReference<String> failure = new AtomicReference<>();
    private long lastNanos = System.nanoTime();
    private long longestNanos;

    /** A write was acknowledged. */
    void acknowledged() {
        acknowledged.incrementAndGet();
        synchronized (this) {
            long now = System.nanoTime();
            longestNanos = Math.max(longestNanos, now - lastNanos);
            lastNanos = now;
        }
    }

    /** The connection was lost before the answer came. */
    void unknown() {
        unknown.incrementAndGet();
    }

    /** Something happened that no client may see. The first one counts. */
    void failed(String what) {
        failure.compareAndSet(null, what);
    }

    void expectNoFailure() {
        if (failure.get() != null) {
            throw new AssertionError(failure.get());
        }
    }

    /** The time without a write counts from here. */
    synchronized void mark() {
        lastNanos = System.nanoTime();
        longestNanos = 0;
    }

    synchronized String stats() {
        long gap = Math.max(longestNanos, System.nanoTime() - lastNanos);
        return "acknowledged=" + acknowledged + " unknown=" + unknown + " gap_ms=" + gap / 1_000_000
                + " failure=" + (failure.get() == null ? "" : failure.get().replaceAll("\\s+", "_"));
    }
}
