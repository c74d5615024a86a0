package compat;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.ZooDefs.Ids;

/** Multis and transactions. */
final class Multis {
    private Multis() {
    }

    static void addTo(Checks checks) {
        checks.add("a multi does all of its operations at one zxid", Multis::all);
        checks.add("a multi that fails does nothing and names the error of each operation", Multis::nothing);
        checks.add("a transaction commits what it was given", Multis::transaction);
    }

    private static void all(Scene scene) throws Exception {
        scene.create("/old");
        List<OpResult> results = scene.zk.multi(Arrays.asList(Op.check(scene.home, 0), create(scene, "/a"),
                Op.setData(scene.path("/a"), "new".getBytes(), 0), Op.delete(scene.path("/old"), -1)));
        List<Integer> types = results.stream().map(OpResult::getType).collect(Collectors.toList());
        Expect.equal(types, Arrays.asList(13, 1, 5, 2), "types of the results");
        Expect.equal(((OpResult.CreateResult) results.get(1)).getPath(), scene.path("/a"), "created");
        Expect.equal(((OpResult.SetDataResult) results.get(2)).getStat().getVersion(), 1, "version");
        Expect.equal(scene.zk.exists(scene.home, false).getPzxid(), scene.zk.exists(scene.path("/a"), false).getCzxid(),
                "zxid of the create and the delete");
    }

    private static void nothing(Scene scene) throws Exception {
        KeeperException error = Expect.refused(KeeperException.BadVersionException.class, () -> scene.zk.multi(
                Arrays.asList(create(scene, "/a"), Op.check(scene.home, 7), create(scene, "/b"))), "multi");
        List<Code> codes = error.getResults().stream().map(result -> Code.get(((OpResult.ErrorResult) result).getErr()))
                .collect(Collectors.toList());
        Expect.equal(codes, Arrays.asList(Code.OK, Code.BADVERSION, Code.RUNTIMEINCONSISTENCY), "codes");
        Expect.equal(scene.zk.exists(scene.path("/a"), false), null, "the first create");
    }

    private static void transaction(Scene scene) throws Exception {
        scene.zk.transaction().create(scene.path("/t"), Scene.DATA, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL)
                .check(scene.path("/t"), 0).setData(scene.path("/t"), null, 0).commit();
        Expect.equal(scene.zk.exists(scene.path("/t"), false).getEphemeralOwner(), scene.zk.getSessionId(), "owner");
    }

    private static Op create(Scene scene, String name) {
        return Op.create(scene.path(name), Scene.DATA, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    }
}
