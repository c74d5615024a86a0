package compat;

import java.util.Collections;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.data.Stat;

/** What came with 3.5: create2, containers, TTLs, removed watches, the configuration. */
final class Since35 {
    private Since35() {
    }

    static void addTo(Checks checks) {
        checks.add("create gives the stat of the new znode", Since35::createWithStat);
        checks.add("a container goes after its last child", Since35::container);
        checks.add("a znode with a TTL goes when its time is over", Since35::ttl);
        checks.add("a TTL that is out of bounds is refused", Since35::wrongTtl);
        checks.add("a removed watch does not fire and says that it was removed", Since35::removeWatches);
        checks.add("a watch that is not there cannot be removed", Since35::removeNoWatch);
        checks.add("the configuration of a standalone server is empty", Since35::config);
    }

    private static void createWithStat(Scene scene) throws Exception {
        Stat stat = new Stat();
        scene.zk.create(scene.path("/a"), Scene.DATA, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, stat);
        Expect.equal(stat, scene.zk.exists(scene.path("/a"), false), "stat");
    }

    private static void container(Scene scene) throws Exception {
        String path = scene.create("/c", CreateMode.CONTAINER);
        Expect.equal(scene.zk.exists(path, false).getEphemeralOwner(), 0L, "owner");
        scene.create("/c/child");
        Events gone = new Events();
        scene.zk.exists(path, gone);
        scene.zk.delete(path + "/child", -1);
        gone.expect(EventType.NodeDeleted, path);
    }

    private static void ttl(Scene scene) throws Exception {
        Events gone = new Events();
        String path = scene.zk.create(scene.path("/t"), null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL,
                new Stat(), 1);
        if (scene.zk.exists(path, gone) != null) {
            gone.expect(EventType.NodeDeleted, path);
        }
        Expect.equal(scene.zk.exists(path, false), null, "exists");
    }

    private static void wrongTtl(Scene scene) {
        Expect.refused(IllegalArgumentException.class, () -> scene.zk.create(scene.path("/t"), null,
                Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, new Stat(), 1L << 40), "by the client");
    }

    private static void removeWatches(Scene scene) throws Exception {
        Events data = new Events();
        Events children = new Events();
        scene.zk.getData(scene.home, data, null);
        scene.zk.getChildren(scene.home, children);
        scene.zk.removeWatches(scene.home, data, WatcherType.Data, false);
        data.expect(EventType.DataWatchRemoved, scene.home);
        scene.zk.setData(scene.home, null, -1);
        scene.create("/a");
        children.expect(EventType.NodeChildrenChanged, scene.home);
        data.expectNone();
    }

    private static void removeNoWatch(Scene scene) {
        Expect.refused(KeeperException.NoWatcherException.class, () -> {
            scene.zk.removeWatches(scene.home, new Events(), WatcherType.Any, false);
            return "removed";
        }, "removeWatches");
    }

    private static void config(Scene scene) throws Exception {
        Stat stat = new Stat();
        Expect.equal(new String(scene.zk.getConfig(false, stat)), "", "configuration");
        Expect.equal(scene.zk.getACL("/zookeeper/config", stat), Ids.READ_ACL_UNSAFE, "ACL");
        Expect.equal(scene.zk.getChildren("/zookeeper/config", false), Collections.emptyList(), "children");
    }
}
