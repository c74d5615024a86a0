package compat;

import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;

/** One-shot watches, also over lost connections. */
final class Watches {
    private Watches() {
    }

    static void addTo(Checks checks) {
        checks.add("each kind of watch fires once for its change", Watches::kinds);
        checks.add("a delete fires data, exists and child watches", Watches::delete);
        checks.add("a watch fires for another session's change", Watches::otherSession);
        checks.add("watches are set again after a cut, and what was missed is told", Watches::reconnect);
        checks.addAlone("watches, ephemerals and the session outlast a restart of the server", Watches::restart);
    }

    private static void kinds(Scene scene) throws Exception {
        Events data = new Events();
        Events exists = new Events();
        Events children = new Events();
        scene.zk.getData(scene.home, data, null);
        scene.zk.exists(scene.path("/a"), exists);
        scene.zk.getChildren(scene.home, children);
        scene.create("/a");
        exists.expect(EventType.NodeCreated, scene.path("/a"));
        children.expect(EventType.NodeChildrenChanged, scene.home);
        data.expectNone();
        scene.zk.setData(scene.home, null, -1);
        data.expect(EventType.NodeDataChanged, scene.home);
        scene.create("/b");
        scene.zk.setData(scene.home, null, -1);
        data.expectNone();
        children.expectNone();
    }

    private static void delete(Scene scene) throws Exception {
        String path = scene.create("/a");
        Events data = new Events();
        Events exists = new Events();
        Events children = new Events();
        scene.zk.getData(path, data, null);
        scene.zk.exists(path, exists);
        scene.zk.getChildren(path, children);
        scene.zk.delete(path, -1);
        data.expect(EventType.NodeDeleted, path);
        exists.expect(EventType.NodeDeleted, path);
        children.expect(EventType.NodeDeleted, path);
    }

    private static void otherSession(Scene scene) throws Exception {
        Client other = scene.connect();
        other.zk.getData(scene.home, true, null);
        scene.zk.setData(scene.home, null, -1);
        other.events.expect(EventType.NodeDataChanged, scene.home);
    }

    private static void reconnect(Scene scene) throws Exception {
        Gate gate = scene.gate();
        Client client = scene.connect(gate.address(), Scene.TIMEOUT_MS);
        Events missed = new Events();
        Events kept = new Events();
        client.zk.getData(scene.home, missed, null);
        client.zk.exists(scene.path("/later"), kept);
        gate.shut();
        client.events.expect(KeeperState.Disconnected);
        scene.zk.setData(scene.home, null, -1);
        gate.open();
        client.events.expect(KeeperState.SyncConnected);
        missed.expect(EventType.NodeDataChanged, scene.home);
        scene.create("/later");
        kept.expect(EventType.NodeCreated, scene.path("/later"));
        missed.expectNone();
    }

    private static void restart(Scene scene) throws Exception {
        Gate gate = scene.gate();
        Client client = scene.connect(gate.address(), Scene.TIMEOUT_MS);
        ZooKeeper zk = client.zk;
        long id = zk.getSessionId();
        String path = scene.create("/w");
        Events events = new Events();
        zk.getData(path, events, null);
        zk.create(scene.path("/e"), null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        Driver.restart(gate);
        client.events.expect(KeeperState.Disconnected);
        client.events.expect(KeeperState.SyncConnected);
        Expect.equal(zk.getSessionId(), id, "session id");
        Expect.equal(zk.exists(scene.path("/e"), false).getEphemeralOwner(), id, "owner of the ephemeral");
        events.expectNone();
        zk.setData(path, null, -1);
        events.expect(EventType.NodeDataChanged, path);
    }
}
