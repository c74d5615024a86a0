package compat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;

/** One check's own place: a client, a znode below which it works, and what it opens, closed at its end. */
final class Scene implements AutoCloseable {
    static final int TIMEOUT_MS = 15_000;
    static final byte[] DATA = "data".getBytes();

    final String address;
    final String home;
    final ZooKeeper zk;
    private final List<AutoCloseable> opened = new ArrayList<>();

    Scene(String address, String home) throws Exception {
        this.address = address;
        this.home = home;
        zk = connect().zk;
        create("");
    }

    /** A path below the home, which itself is the empty name. */
    String path(String name) {
        return home + name;
    }

    /** A persistent znode of this name below the home. */
    String create(String name) throws Exception {
        return create(name, CreateMode.PERSISTENT);
    }

    String create(String name, CreateMode mode) throws Exception {
        return zk.create(path(name), DATA, Ids.OPEN_ACL_UNSAFE, mode);
    }

    /** A gate to the server, or to what else has this address. */
    Gate gate() throws IOException {
        return closing(new Gate(address));
    }

    /** One more session, connected. */
    Client connect() throws Exception {
        return connect(address, TIMEOUT_MS);
    }

    Client connect(String connectString, int timeoutMs) throws Exception {
        Client client = dial(connectString, timeoutMs);
        client.events.expect(KeeperState.SyncConnected);
        return client;
    }

    /** A client that may not be connected yet. */
    Client dial(String connectString, int timeoutMs) throws Exception {
        Events events = new Events();
        return closing(new ZooKeeper(connectString, timeoutMs, events), events);
    }

    /** A second handle for the session of another client. */
    Client dialAgain(String connectString, long sessionId, byte[] password) throws Exception {
        Events events = new Events();
        return closing(new ZooKeeper(connectString, TIMEOUT_MS, events, sessionId, password), events);
    }

    /** Closes a handle at the scene's end. */
    Client closing(ZooKeeper handle, Events events) {
        closing(handle::close);
        return new Client(handle, events);
    }

    private <T extends AutoCloseable> T closing(T thing) {
        opened.add(thing);
        return thing;
    }

    /** Gates were opened before the clients that go through them, so the latest goes first. */
    @Override
    public void close() throws Exception {
        for (int at = opened.size() - 1; at >= 0; at--) {
            opened.get(at).close();
        }
    }
}
