package compat;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.Watcher.WatcherType;

/** What came with 3.6: persistent watches, counts, ephemerals by path, multis of reads. */
final class Since36 {
    private Since36() {
    }

    static void addTo(Checks checks) {
        checks.add("all descendants are counted", Since36::allChildrenNumber);
        checks.add("a session's ephemerals are listed by path", Since36::ephemerals);
        checks.add("a persistent watch fires each time", Since36::persistent);
        checks.add("a recursive watch fires for what is below and never for children", Since36::recursive);
        checks.add("a persistent watch outlasts a cut until it is removed", Since36::persistentOverCut);
        checks.add("a multi of reads answers each on its own", Since36::multiRead);
    }

    private static void allChildrenNumber(Scene scene) throws Exception {
        scene.create("/a");
        scene.create("/a/b");
        scene.create("/c");
        Expect.equal(scene.zk.getAllChildrenNumber(scene.home), 3, "number");
    }

    private static void ephemerals(Scene scene) throws Exception {
        String path = scene.create("/e", CreateMode.EPHEMERAL);
        scene.connect();
        Expect.equal(scene.zk.getEphemerals(), Collections.singletonList(path), "all");
        Expect.equal(scene.zk.getEphemerals(scene.path("/x")), Collections.emptyList(), "elsewhere");
    }

    private static void persistent(Scene scene) throws Exception {
        Events events = new Events();
        scene.zk.addWatch(scene.home, events, AddWatchMode.PERSISTENT);
        scene.zk.setData(scene.home, null, -1);
        scene.zk.setData(scene.home, null, -1);
        scene.create("/a");
        scene.zk.setData(scene.path("/a"), null, -1);
        events.expect(EventType.NodeDataChanged, scene.home);
        events.expect(EventType.NodeDataChanged, scene.home);
        events.expect(EventType.NodeChildrenChanged, scene.home);
        events.expectNone();
    }

    private static void recursive(Scene scene) throws Exception {
        Events events = new Events();
        scene.zk.addWatch(scene.home, events, AddWatchMode.PERSISTENT_RECURSIVE);
        scene.create("/a");
        scene.create("/a/b");
        scene.zk.setData(scene.path("/a/b"), null, -1);
        scene.zk.delete(scene.path("/a/b"), -1);
        events.expect(EventType.NodeCreated, scene.path("/a"));
        events.expect(EventType.NodeCreated, scene.path("/a/b"));
        events.expect(EventType.NodeDataChanged, scene.path("/a/b"));
        events.expect(EventType.NodeDeleted, scene.path("/a/b"));
        events.expectNone();
    }

    private static void persistentOverCut(Scene scene) throws Exception {
        Gate gate = scene.gate();
        Client client = scene.connect(gate.address(), Scene.TIMEOUT_MS);
        Events events = new Events();
        client.zk.addWatch(scene.home, events, AddWatchMode.PERSISTENT_RECURSIVE);
        gate.cut();
        client.events.expect(KeeperState.Disconnected);
        client.events.expect(KeeperState.SyncConnected);
        client.zk.exists(scene.home, false); // its reply comes after that of SetWatches2
        scene.create("/a");
        events.expect(EventType.NodeCreated, scene.path("/a"));
        client.zk.removeWatches(scene.home, events, WatcherType.Any, false);
        events.expect(EventType.PersistentWatchRemoved, scene.home);
        client.zk.setData(scene.home, null, -1);
        events.expectNone();
    }

    private static void multiRead(Scene scene) throws Exception {
        scene.create("/a");
        List<OpResult> results = scene.zk.multi(
                Arrays.asList(Op.getData(scene.home), Op.getChildren(scene.home), Op.getData(scene.path("/no"))));
        Expect.equal(new String(((OpResult.GetDataResult) results.get(0)).getData()), "data", "data");
        Expect.equal(((OpResult.GetChildrenResult) results.get(1)).getChildren(), Collections.singletonList("a"),
                "children");
        Expect.equal(((OpResult.ErrorResult) results.get(2)).getErr(), Code.NONODE.intValue(), "missing");
    }
}
