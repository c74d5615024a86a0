package compat.load;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/**
 * One session. It has a znode whose data are numbers that only rise, an ephemeral znode, a directory of sequential znodes, and
 * watches on the znodes of others. What was acknowledged is remembered, and what may have happened.
 */
final class Session {
    private static final int MOST_UNDER_WAY = 32;
    private static final int MOST_SEQUENTIAL = 50;
    private static final long DEADLINE_S = 60;

    private final String servers;
    private final String root;
    private final String name;
    private final int timeoutMs;
    private final Ledger ledger;

    /** The znodes of others, and the newest number seen in each. */
    private final Map<String, Long> seen = new ConcurrentHashMap<>();
    /** Sequential znodes that are there. */
    private final Deque<String> made = new ArrayDeque<>();
    private final Set<String> deleted = new HashSet<>();
    private final Set<String> maybeDeleted = new HashSet<>();
    private volatile ZooKeeper client;
    /** Counts the clients of the session: what an earlier one hears is over. */
    private volatile int generation;
    private volatile boolean connected;
    private long asked;
    private long acknowledged;
    private int version;
    private String newestMade = "";
    private int underWay;

    Session(String servers, String root, int number, int timeoutMs, Ledger ledger) {
        this.servers = servers;
        this.root = root;
        this.name = String.format("%04d", number);
        this.timeoutMs = timeoutMs;
        this.ledger = ledger;
    }

    String path() {
        return root + "/n" + name;
    }

    private String ephemeral() {
        return root + "/e" + name;
    }

    private String directory() {
        return root + "/d" + name;
    }

    void makeRoot() throws Exception {
        connect(0, null);
        client.create(root, new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    }

    void begin() throws Exception {
        if (client == null) {
            connect(0, null);
        }
        client.create(path(), bytes(0), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        client.create(ephemeral(), new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        client.create(directory(), new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    }

    private void connect(long id, byte[] password) throws Exception {
        CountDownLatch first = new CountDownLatch(1);
        int own = ++generation;
        client = id == 0 ? new ZooKeeper(servers, timeoutMs, event -> hear(own, event, first))
                : new ZooKeeper(servers, timeoutMs, event -> hear(own, event, first), id, password);
        if (!first.await(DEADLINE_S, TimeUnit.SECONDS)) {
            throw new AssertionError(path() + " found no server");
        }
    }

    private void hear(int own, WatchedEvent event, CountDownLatch first) {
        if (own != generation) {
            return;
        }
        connected = event.getState() == KeeperState.SyncConnected;
        if (connected) {
            first.countDown();
        }
        if (event.getState() == KeeperState.Expired) {
            ledger.failed("the session of " + path() + " has expired");
            first.countDown();
        }
        if (event.getType() == EventType.NodeDataChanged) {
            look(event.getPath());
        }
    }

    /** Keeps a watch on a znode from now on. */
    void watch(String path) {
        seen.put(path, -1L);
        look(path);
    }

    private void look(String path) {
        int own = generation;
        client.getData(path, true, (rc, unused, context, data, stat) -> {
            if (own != generation) {
                return; // the next one looks anew
            }
            if (Code.get(rc) == Code.OK) {
                see(path, number(data));
            } else if (Code.get(rc) == Code.CONNECTIONLOSS) {
                look(path); // it goes out with the next connection
            } else {
                ledger.failed("a read of " + path + " ended with " + Code.get(rc));
            }
        }, null);
    }

    private void see(String path, long number) {
        Long before = seen.put(path, number);
        if (before != null && before > number) {
            ledger.failed(path() + " saw " + number + " in " + path + " after " + before);
        }
    }

    /** One write, if there is a connection and not too much is under way. */
    synchronized void write() {
        if (!connected || underWay >= MOST_UNDER_WAY) {
            return;
        }
        underWay++;
        asked++;
        if (made.size() > MOST_SEQUENTIAL) {
            delete(made.removeFirst());
        } else if (asked % 4 == 0) {
            create();
        } else {
            set();
        }
    }

    private void set() {
        long number = asked;
        client.setData(path(), bytes(number), -1, (rc, path, context, stat) -> {
            if (ended(rc, "a set of " + path)) {
                risen(stat.getVersion());
                acknowledged = Math.max(acknowledged, number);
            }
            over();
        }, null);
    }

    private synchronized void risen(int now) {
        if (now <= version) {
            ledger.failed(path() + " has version " + now + " after " + version);
        }
        version = now;
    }

    private void create() {
        client.create(directory() + "/s-", bytes(asked), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL,
                (rc, path, context, created) -> {
                    if (ended(rc, "a create in " + path)) {
                        keep(created);
                    }
                    over();
                }, null);
    }

    private synchronized void keep(String created) {
        if (created.compareTo(newestMade) <= 0) {
            ledger.failed(created + " was made after " + newestMade);
        }
        newestMade = created;
        made.add(created);
    }

    private void delete(String path) {
        client.delete(path, -1, (rc, unused, context) -> {
            boolean done = ended(rc, "a delete of " + path);
            synchronized (this) {
                (done ? deleted : maybeDeleted).add(path);
            }
            over();
        }, null);
    }

    /** Whether it was acknowledged. A connection that was lost leaves it open. */
    private boolean ended(int rc, String what) {
        Code code = Code.get(rc);
        if (code == Code.OK) {
            ledger.acknowledged();
        } else if (code == Code.CONNECTIONLOSS) {
            ledger.unknown();
        } else {
            ledger.failed(what + " ended with " + code);
        }
        return code == Code.OK;
    }

    private synchronized void over() {
        underWay--;
        notifyAll();
    }

    /** Goes on with the same session over another connection. */
    void move() throws Exception {
        ZooKeeper old = client;
        synchronized (this) {
            waitForAll();
            connected = false;
            generation++;
        }
        forget(old);
        // The new client does not tell its server what this one has seen: that may lag behind it.
        seen.replaceAll((path, number) -> -1L);
        connect(old.getSessionId(), old.getSessionPasswd());
        seen.keySet().forEach(this::look);
    }

    /** Ends a client, and not its session. */
    private static void forget(ZooKeeper old) throws Exception {
        old.getTestable().injectSessionExpiration();
    }

    /** Waits for what is under way, and for the connection. */
    synchronized void settle() throws Exception {
        waitForAll();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_S);
        while (!connected) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(path() + " finds no server");
            }
            wait(10);
        }
    }

    private void waitForAll() throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_S);
        while (underWay > 0) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(underWay + " writes of " + path() + " have no answer");
            }
            wait(10);
        }
    }

    /** What the watches have led to is the newest number of each znode: no event was lost. */
    void expectNewestSeen(List<Session> all) throws Exception {
        for (Session other : all) {
            if (seen.containsKey(other.path())) {
                long newest = number(client.getData(other.path(), false, null));
                long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_S);
                while (seen.get(other.path()) < newest) {
                    if (System.nanoTime() > deadline) {
                        throw new AssertionError(path() + " heard of " + seen.get(other.path()) + " in " + other.path()
                                + ", which has " + newest);
                    }
                    Thread.sleep(10);
                }
            }
        }
    }

    /** All that was acknowledged is on this server. */
    void check(Reader reader) throws Exception {
        Stat stat = new Stat();
        long number = number(reader.data(path(), stat));
        expect(acknowledged <= number && number <= asked, path() + " has " + number + " after " + acknowledged + " of " + asked);
        expect(version <= stat.getVersion(), path() + " has version " + stat.getVersion() + " after " + version);
        reader.data(ephemeral(), stat);
        expect(stat.getEphemeralOwner() == client.getSessionId(), ephemeral() + " is of another session");
        Set<String> children = new TreeSet<>();
        for (String child : reader.children(directory())) {
            children.add(directory() + "/" + child);
        }
        for (String path : new ArrayList<>(made)) {
            expect(children.contains(path), path + " is not there");
        }
        for (String path : deleted) {
            expect(!children.contains(path), path + " is there again");
        }
    }

    private static void expect(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    private static byte[] bytes(long number) {
        return Long.toString(number).getBytes(StandardCharsets.UTF_8);
    }

    private static long number(byte[] data) {
        return Long.parseLong(new String(data, StandardCharsets.UTF_8));
    }
}
