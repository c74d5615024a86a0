package compat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.locks.InterProcessLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;

/** Locks, semaphores and barriers. */
final class Locks {
    /** Long enough to try, short enough to be refused: nothing is waited for. */
    private static final int AT_ONCE_MS = 50;

    private Locks() {
    }

    static void addTo(CuratorChecks checks) {
        checks.add("InterProcessMutex is held by one, and passed on", Locks::mutex);
        checks.add("InterProcessReadWriteLock lets readers share and writers wait", Locks::readWriteLock);
        checks.add("InterProcessSemaphoreV2 gives out its leases and no more", Locks::semaphore);
        checks.add("DistributedBarrier holds until it is removed", Locks::barrier);
        checks.add("DistributedDoubleBarrier lets all in and all out together", Locks::doubleBarrier);
        checks.addAlone("a mutex and a lease are still held after a restart", Locks::restart);
    }

    private static void mutex(CuratorScene scene) throws Exception {
        InterProcessMutex first = new InterProcessMutex(scene.first, scene.path("/lock"));
        InterProcessMutex second = new InterProcessMutex(scene.second, scene.path("/lock"));
        acquired(first);
        refused(second);
        CompletableFuture<Void> waiting = inBackground(() -> acquired(second));
        first.release();
        finished(waiting);
    }

    private static void readWriteLock(CuratorScene scene) throws Exception {
        InterProcessReadWriteLock first = new InterProcessReadWriteLock(scene.first, scene.path("/rw"));
        InterProcessReadWriteLock second = new InterProcessReadWriteLock(scene.second, scene.path("/rw"));
        acquired(first.readLock());
        acquired(second.readLock());
        second.readLock().release();
        refused(second.writeLock());
        CompletableFuture<Void> waiting = inBackground(() -> acquired(second.writeLock()));
        first.readLock().release();
        finished(waiting);
        refused(first.readLock());
    }

    private static void semaphore(CuratorScene scene) throws Exception {
        InterProcessSemaphoreV2 first = new InterProcessSemaphoreV2(scene.first, scene.path("/sem"), 2);
        InterProcessSemaphoreV2 second = new InterProcessSemaphoreV2(scene.second, scene.path("/sem"), 2);
        Lease lease = lease(first);
        lease(first);
        Expect.equal(second.acquire(AT_ONCE_MS, TimeUnit.MILLISECONDS), null, "third lease");
        first.returnLease(lease);
        lease(second);
        Expect.equal(second.getParticipantNodes().size(), 2, "participants");
    }

    private static void barrier(CuratorScene scene) throws Exception {
        DistributedBarrier first = new DistributedBarrier(scene.first, scene.path("/barrier"));
        DistributedBarrier second = new DistributedBarrier(scene.second, scene.path("/barrier"));
        first.setBarrier();
        Expect.holds(!second.waitOnBarrier(AT_ONCE_MS, TimeUnit.MILLISECONDS), "the barrier holds");
        CompletableFuture<Void> waiting = inBackground(() -> Expect.holds(
                second.waitOnBarrier(Expect.DEADLINE_S, TimeUnit.SECONDS), "the barrier is gone"));
        first.removeBarrier();
        finished(waiting);
    }

    private static void doubleBarrier(CuratorScene scene) throws Exception {
        DistributedDoubleBarrier first = new DistributedDoubleBarrier(scene.first, scene.path("/double"), 2);
        DistributedDoubleBarrier second = new DistributedDoubleBarrier(scene.second, scene.path("/double"), 2);
        CompletableFuture<Void> other = inBackground(() -> through(second));
        through(first);
        finished(other);
    }

    private static void through(DistributedDoubleBarrier barrier) throws Exception {
        Expect.holds(barrier.enter(Expect.DEADLINE_S, TimeUnit.SECONDS), "entered");
        Expect.holds(barrier.leave(Expect.DEADLINE_S, TimeUnit.SECONDS), "left");
    }

    private static void restart(CuratorScene scene) throws Exception {
        InterProcessMutex mutex = new InterProcessMutex(scene.first, scene.path("/lock"));
        InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(scene.first, scene.path("/sem"), 1);
        acquired(mutex);
        Lease lease = lease(semaphore);
        scene.restart();
        InterProcessMutex other = new InterProcessMutex(scene.second, scene.path("/lock"));
        refused(other);
        mutex.release();
        acquired(other);
        semaphore.returnLease(lease);
        lease(new InterProcessSemaphoreV2(scene.second, scene.path("/sem"), 1));
    }

    private static void acquired(InterProcessLock lock) throws Exception {
        Expect.holds(lock.acquire(Expect.DEADLINE_S, TimeUnit.SECONDS), "lock acquired");
    }

    private static void refused(InterProcessLock lock) throws Exception {
        Expect.holds(!lock.acquire(AT_ONCE_MS, TimeUnit.MILLISECONDS), "lock refused");
    }

    private static Lease lease(InterProcessSemaphoreV2 semaphore) throws Exception {
        Lease lease = semaphore.acquire(Expect.DEADLINE_S, TimeUnit.SECONDS);
        Expect.holds(lease != null, "lease acquired");
        return lease;
    }

    private static CompletableFuture<Void> inBackground(Action action) {
        CompletableFuture<Void> outcome = new CompletableFuture<>();
        new Thread(() -> {
            try {
                action.run();
                outcome.complete(null);
            } catch (Throwable error) { // handed on to who waits
                outcome.completeExceptionally(error);
            }
        }).start();
        return outcome;
    }

    private static void finished(CompletableFuture<Void> outcome) throws Exception {
        outcome.get(Expect.DEADLINE_S, TimeUnit.SECONDS);
    }
}
