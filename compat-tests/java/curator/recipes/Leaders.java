package compat;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.nodes.GroupMember;

/** Leader election and membership. */
final class Leaders {
    private Leaders() {
    }

    static void addTo(CuratorChecks checks) {
        checks.add("LeaderLatch has one leader, and the next when it leaves", Leaders::latch);
        checks.add("LeaderSelector gives each its turn", Leaders::selector);
        checks.add("GroupMember sees who is there", Leaders::group);
        checks.addAlone("a leader latch leads again after a restart", Leaders::restart);
    }

    private static void latch(CuratorScene scene) throws Exception {
        LeaderLatch first = latch(scene, scene.first, "one");
        awaited(first);
        LeaderLatch second = latch(scene, scene.second, "two");
        Expect.equal(second.getLeader().getId(), "one", "leader");
        first.close();
        awaited(second);
        Expect.equal(second.getLeader().getId(), "two", "leader after the first has left");
    }

    private static LeaderLatch latch(CuratorScene scene, CuratorFramework client, String id) throws Exception {
        LeaderLatch latch = new LeaderLatch(client, scene.path("/latch"), id);
        scene.closing(() -> {
            if (latch.getState() == LeaderLatch.State.STARTED) {
                latch.close();
            }
        });
        latch.start();
        return latch;
    }

    private static void awaited(LeaderLatch latch) throws Exception {
        Expect.holds(latch.await(Expect.DEADLINE_S, TimeUnit.SECONDS), latch.getId() + " leads");
    }

    private static void selector(CuratorScene scene) throws Exception {
        BlockingQueue<String> turns = new LinkedBlockingQueue<>();
        CountDownLatch secondIsThere = new CountDownLatch(1);
        selector(scene, scene.first, turns, "one", secondIsThere);
        Expect.equal(Expect.next(turns, "first turn"), "one", "first turn");
        selector(scene, scene.second, turns, "two", new CountDownLatch(0));
        secondIsThere.countDown();
        Expect.equal(Expect.next(turns, "second turn"), "two", "second turn");
    }

    private static void selector(CuratorScene scene, CuratorFramework client, BlockingQueue<String> turns, String id,
            CountDownLatch stay) {
        LeaderSelectorListenerAdapter listener = new LeaderSelectorListenerAdapter() {
            @Override
            public void takeLeadership(CuratorFramework leader) throws Exception {
                turns.add(id);
                Expect.reached(stay, "the end of the turn of " + id);
            }
        };
        scene.closing(new LeaderSelector(client, scene.path("/selector"), listener)).start();
    }

    private static void group(CuratorScene scene) throws Exception {
        GroupMember first = scene.closing(new GroupMember(scene.first, scene.path("/group"), "one"));
        GroupMember second = scene.closing(new GroupMember(scene.second, scene.path("/group"), "two"));
        first.start();
        second.start();
        Set<String> both = new TreeSet<>(List.of("one", "two"));
        Expect.eventually(() -> first.getCurrentMembers().keySet().equals(both), "both are members");
        second.close();
        Expect.eventually(() -> !first.getCurrentMembers().containsKey("two"), "the second has left");
    }

    private static void restart(CuratorScene scene) throws Exception {
        LeaderLatch latch = latch(scene, scene.first, "one");
        awaited(latch);
        scene.restart();
        awaited(latch);
        Expect.equal(latch.getLeader().getId(), "one", "leader");
        LeaderLatch second = latch(scene, scene.second, "two");
        latch.close();
        awaited(second);
    }
}
