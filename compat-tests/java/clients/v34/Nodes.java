package compat;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;
import org.apache.zookeeper.server.auth.DigestAuthenticationProvider;

/** Znodes, ACLs and their errors, with what the client of 3.4 can ask. */
final class Nodes {
    private static final int LARGEST = (1 << 20) - (1 << 10);

    private Nodes() {
    }

    static void addTo(Checks checks) {
        checks.add("a created znode is read back with its stat", Nodes::createdIsRead);
        checks.add("sequential names count up", Nodes::sequentialNames);
        checks.add("children are listed and counted", Nodes::children);
        checks.add("setData keeps to the version", Nodes::setData);
        checks.add("delete keeps to the version and leaves parents alone", Nodes::delete);
        checks.add("create is refused with the error that fits", Nodes::createErrors);
        checks.add("a digest ACL lets in its user only", Nodes::digestAcl);
        checks.add("setACL keeps to the version", Nodes::setAcl);
        checks.add("a chroot is put before paths and taken from events", Nodes::chroot);
        checks.add("an ephemeral goes with its session", Nodes::ephemeral);
        checks.add("data may be null, empty or 1 MiB - 1 KiB", Nodes::dataSizes);
        checks.add("1 MiB + 1 of data closes the connection", Nodes::tooMuchData);
    }

    private static void createdIsRead(Scene scene) throws Exception {
        Expect.equal(scene.create("/a"), scene.path("/a"), "name");
        Stat stat = new Stat();
        Expect.equal(new String(scene.zk.getData(scene.path("/a"), false, stat)), "data", "data");
        Expect.equal(scene.zk.exists(scene.path("/a"), false), stat, "stat by exists");
        Expect.equal(stat.getMzxid(), stat.getCzxid(), "mzxid");
        Expect.equal(stat.getPzxid(), stat.getCzxid(), "pzxid");
        Expect.equal(stat.getMtime(), stat.getCtime(), "mtime");
        List<Integer> numbers = Arrays.asList(stat.getVersion(), stat.getCversion(), stat.getAversion(),
                stat.getDataLength(), stat.getNumChildren());
        Expect.equal(numbers, Arrays.asList(0, 0, 0, 4, 0), "versions, length, children");
        Expect.equal(stat.getEphemeralOwner(), 0L, "owner");
    }

    private static void sequentialNames(Scene scene) throws Exception {
        Expect.equal(scene.create("/s-", CreateMode.PERSISTENT_SEQUENTIAL), scene.path("/s-0000000000"), "first");
        scene.create("/plain");
        scene.zk.delete(scene.path("/plain"), -1);
        Expect.equal(scene.create("/s-", CreateMode.EPHEMERAL_SEQUENTIAL), scene.path("/s-0000000002"), "third");
    }

    private static void children(Scene scene) throws Exception {
        scene.create("/b");
        scene.create("/a");
        scene.create("/a/deep");
        Stat stat = new Stat();
        List<String> names = scene.zk.getChildren(scene.home, false, stat);
        Collections.sort(names);
        Expect.equal(names, Arrays.asList("a", "b"), "names");
        Expect.equal(stat.getNumChildren(), 2, "number of children");
        Expect.equal(stat.getCversion(), 2, "cversion");
        Expect.equal(scene.zk.getChildren(scene.path("/b"), false), Collections.emptyList(), "children of a leaf");
    }

    private static void setData(Scene scene) throws Exception {
        ZooKeeper zk = scene.zk;
        Expect.equal(zk.setData(scene.home, "one".getBytes(), 0).getVersion(), 1, "version");
        Expect.refused(KeeperException.BadVersionException.class, () -> zk.setData(scene.home, null, 0), "old version");
        Expect.equal(zk.setData(scene.home, "two!".getBytes(), -1).getDataLength(), 4, "length");
        Expect.refused(KeeperException.NoNodeException.class, () -> zk.setData(scene.path("/no"), null, -1), "no znode");
    }

    private static void delete(Scene scene) throws Exception {
        scene.create("/a");
        Expect.refused(KeeperException.NotEmptyException.class, () -> delete(scene, "", -1), "parent");
        Expect.refused(KeeperException.BadVersionException.class, () -> delete(scene, "/a", 3), "version");
        delete(scene, "/a", 0);
        Expect.refused(KeeperException.NoNodeException.class, () -> delete(scene, "/a", -1), "gone");
        Expect.equal(scene.zk.exists(scene.path("/a"), false), null, "exists");
    }

    private static Object delete(Scene scene, String name, int version) throws Exception {
        scene.zk.delete(scene.path(name), version);
        return "deleted";
    }

    private static void createErrors(Scene scene) throws Exception {
        scene.create("/e", CreateMode.EPHEMERAL);
        Expect.refused(KeeperException.NodeExistsException.class, () -> scene.create("/e"), "again");
        Expect.refused(KeeperException.NoNodeException.class, () -> scene.create("/no/parent"), "no parent");
        Expect.refused(KeeperException.NoChildrenForEphemeralsException.class, () -> scene.create("/e/x"), "ephemeral");
        Expect.refused(KeeperException.InvalidACLException.class, () -> scene.zk.create(scene.path("/x"), null,
                Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT), "creator unknown");
    }

    private static void digestAcl(Scene scene) throws Exception {
        Client ann = scene.connect();
        ann.zk.addAuthInfo("digest", "ann:secret".getBytes());
        String path = ann.zk.create(scene.path("/mine"), Scene.DATA, Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        ACL expected = new ACL(Perms.ALL, new Id("digest", DigestAuthenticationProvider.generateDigest("ann:secret")));
        Expect.equal(ann.zk.getACL(path, new Stat()), Collections.singletonList(expected), "ACL");
        Expect.refused(KeeperException.NoAuthException.class, () -> scene.zk.getData(path, false, null), "nobody");
        scene.zk.addAuthInfo("digest", "ann:wrong".getBytes());
        Expect.refused(KeeperException.NoAuthException.class, () -> scene.zk.setData(path, null, -1), "wrong password");
        scene.zk.addAuthInfo("digest", "ann:secret".getBytes());
        Expect.equal(new String(scene.zk.getData(path, false, null)), "data", "data for another session of the user");
    }

    private static void setAcl(Scene scene) throws Exception {
        Expect.equal(scene.zk.setACL(scene.home, Ids.OPEN_ACL_UNSAFE, 0).getAversion(), 1, "aversion");
        Expect.refused(KeeperException.BadVersionException.class,
                () -> scene.zk.setACL(scene.home, Ids.OPEN_ACL_UNSAFE, 0), "old version");
        scene.zk.setACL(scene.home, Ids.READ_ACL_UNSAFE, 1);
        Expect.refused(KeeperException.NoAuthException.class, () -> scene.create("/x"), "read only");
    }

    private static void chroot(Scene scene) throws Exception {
        Client inside = scene.connect(scene.address + scene.home, Scene.TIMEOUT_MS);
        Expect.equal(inside.zk.exists("/a", true), null, "not yet there");
        Expect.equal(inside.zk.create("/a", Scene.DATA, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT), "/a", "name");
        inside.events.expect(EventType.NodeCreated, "/a");
        Expect.equal(scene.zk.exists(scene.path("/a"), false).getDataLength(), 4, "seen from outside");
        Expect.equal(inside.zk.getChildren("/", false), Collections.singletonList("a"), "root");
    }

    private static void ephemeral(Scene scene) throws Exception {
        Client owner = scene.connect();
        String path = owner.zk.create(scene.path("/e"), null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        Events seen = new Events();
        Expect.equal(scene.zk.exists(path, seen).getEphemeralOwner(), owner.zk.getSessionId(), "owner");
        owner.zk.close();
        seen.expect(EventType.NodeDeleted, path);
        Expect.equal(scene.zk.exists(path, false), null, "exists");
    }

    private static void dataSizes(Scene scene) throws Exception {
        scene.zk.setData(scene.home, null, -1);
        Expect.equal(scene.zk.getData(scene.home, false, null), null, "null");
        scene.zk.setData(scene.home, new byte[0], -1);
        Expect.equal(scene.zk.getData(scene.home, false, null).length, 0, "empty");
        byte[] large = new byte[LARGEST];
        Arrays.fill(large, (byte) 7);
        scene.zk.setData(scene.home, large, -1);
        Expect.holds(Arrays.equals(scene.zk.getData(scene.home, false, null), large), "the large value comes back");
    }

    private static void tooMuchData(Scene scene) throws Exception {
        Client client = scene.connect();
        Expect.refused(KeeperException.ConnectionLossException.class,
                () -> client.zk.setData(scene.home, new byte[(1 << 20) + 1], -1), "too much");
        Expect.equal(scene.zk.exists(scene.home, false).getVersion(), 0, "version");
    }
}
