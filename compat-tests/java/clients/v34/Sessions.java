package compat;

import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;

/** Sessions: taken over, expired, moved between addresses, with timeouts that the server decides. */
final class Sessions {
    private static final int SHORT_MS = 2_000;

    private Sessions() {
    }

    static void addTo(Checks checks) {
        checks.add("the server bounds the session timeout", Sessions::timeouts);
        checks.add("a second handle takes over the session by id and password", Sessions::takenOver);
        checks.add("a session that its second handle closed is expired for the first", Sessions::closedElsewhere);
        checks.add("a wrong password gets an expired session", Sessions::wrongPassword);
        checks.add("a session that stays away too long expires, with its ephemerals", Sessions::expired);
        checks.add("a session moves to the second address within its timeout", Sessions::moved);
        checks.add("a connect string that names one address twice works, also after a cut", Sessions::addressTwice);
        checks.add("a client that may be read-only is connected for writes", Sessions::canBeReadOnly);
        checks.add("auths are given again after a cut", Sessions::authAgain);
        checks.add("a closed handle is refused", Sessions::closed);
    }

    private static void timeouts(Scene scene) throws Exception {
        Expect.equal(scene.connect(scene.address, 100).zk.getSessionTimeout(), 400, "shortest");
        Expect.equal(scene.connect(scene.address, 3_600_000).zk.getSessionTimeout(), 20_000, "longest");
        Expect.equal(scene.zk.getSessionTimeout(), Scene.TIMEOUT_MS, "in between");
    }

    private static void takenOver(Scene scene) throws Exception {
        Gate gate = scene.gate();
        ZooKeeper first = scene.connect(gate.address(), Scene.TIMEOUT_MS).zk;
        first.create(scene.path("/e"), null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        gate.shut();
        Client second = scene.dialAgain(scene.address, first.getSessionId(), first.getSessionPasswd());
        second.events.expect(KeeperState.SyncConnected);
        Expect.equal(second.zk.getSessionId(), first.getSessionId(), "id");
        Expect.equal(second.zk.exists(scene.path("/e"), false).getEphemeralOwner(), first.getSessionId(), "owner");
    }

    private static void closedElsewhere(Scene scene) throws Exception {
        Gate gate = scene.gate();
        Client first = scene.connect(gate.address(), Scene.TIMEOUT_MS);
        gate.shut();
        Client second = scene.dialAgain(scene.address, first.zk.getSessionId(), first.zk.getSessionPasswd());
        second.events.expect(KeeperState.SyncConnected);
        second.zk.close();
        gate.open();
        first.events.until(KeeperState.Expired);
        Expect.refused(KeeperException.SessionExpiredException.class, () -> first.zk.exists("/", false), "exists");
    }

    private static void wrongPassword(Scene scene) throws Exception {
        Client thief = scene.dialAgain(scene.address, scene.zk.getSessionId(), new byte[16]);
        thief.events.expect(KeeperState.Expired);
        Expect.refused(KeeperException.SessionExpiredException.class, () -> thief.zk.exists("/", false), "exists");
    }

    private static void expired(Scene scene) throws Exception {
        Gate gate = scene.gate();
        Client client = scene.connect(gate.address(), SHORT_MS);
        String path = client.zk.create(scene.path("/e"), null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        Events seen = new Events();
        scene.zk.exists(path, seen);
        gate.shut();
        seen.expect(EventType.NodeDeleted, path);
        gate.open();
        client.events.until(KeeperState.Expired);
        Expect.refused(KeeperException.SessionExpiredException.class, () -> client.zk.exists(path, false), "exists");
    }

    /** Clients choose the first of their addresses by chance, so the other one is opened only for the move. */
    private static void moved(Scene scene) throws Exception {
        Gate first = scene.gate();
        Gate second = scene.gate();
        second.shut();
        Client client = scene.dial(first.address() + "," + second.address(), Scene.TIMEOUT_MS);
        client.events.until(KeeperState.SyncConnected);
        long id = client.zk.getSessionId();
        first.shut();
        second.open();
        client.events.until(KeeperState.SyncConnected);
        Expect.equal(client.zk.getSessionId(), id, "session id");
        client.zk.setData(scene.home, null, 0);
    }

    private static void addressTwice(Scene scene) throws Exception {
        Gate gate = scene.gate();
        Client client = scene.connect(gate.address() + "," + gate.address(), Scene.TIMEOUT_MS);
        long id = client.zk.getSessionId();
        gate.cut();
        client.events.expect(KeeperState.Disconnected);
        client.events.expect(KeeperState.SyncConnected);
        Expect.equal(client.zk.getSessionId(), id, "session id");
        client.zk.setData(scene.home, null, 0);
    }

    private static void canBeReadOnly(Scene scene) throws Exception {
        Events events = new Events();
        Client client = scene.closing(new ZooKeeper(scene.address, Scene.TIMEOUT_MS, events, true), events);
        events.expect(KeeperState.SyncConnected);
        Expect.equal(client.zk.getState(), ZooKeeper.States.CONNECTED, "state");
        client.zk.setData(scene.home, null, 0);
    }

    private static void authAgain(Scene scene) throws Exception {
        Gate gate = scene.gate();
        Client client = scene.connect(gate.address(), Scene.TIMEOUT_MS);
        client.zk.addAuthInfo("digest", "ann:secret".getBytes());
        String path = client.zk.create(scene.path("/mine"), null, Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        gate.cut();
        client.events.expect(KeeperState.Disconnected);
        client.events.expect(KeeperState.SyncConnected);
        client.zk.setData(path, null, 0);
    }

    private static void closed(Scene scene) throws Exception {
        Client client = scene.connect();
        client.zk.close();
        Expect.equal(client.zk.getState(), ZooKeeper.States.CLOSED, "state");
        Expect.refused(KeeperException.SessionExpiredException.class, () -> client.zk.exists("/", false), "exists");
    }
}
