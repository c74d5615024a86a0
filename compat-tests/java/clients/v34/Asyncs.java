package compat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.ZooDefs.Ids;

/** Requests in flight: their callbacks come in order, with codes and contexts. */
final class Asyncs {
    private static final int COUNT = 200;

    private Asyncs() {
    }

    static void addTo(Checks checks) {
        checks.add("callbacks of 200 requests in flight come in the order of the calls", Asyncs::order);
        checks.add("a callback has the error, the path and the context of its call", Asyncs::errors);
        checks.add("sync comes back behind the writes before it", Asyncs::sync);
        checks.add("a watch event comes before the read that shows the change", Asyncs::eventFirst);
    }

    private static void order(Scene scene) throws Exception {
        BlockingQueue<Object> done = new LinkedBlockingQueue<>();
        List<Object> expected = new ArrayList<>();
        for (int at = 0; at < COUNT; at++) {
            expected.add(at);
            request(scene, at, done);
        }
        List<Object> seen = new ArrayList<>();
        for (int at = 0; at < COUNT; at++) {
            seen.add(Expect.next(done, "callback " + at));
        }
        Expect.equal(seen, expected, "order");
    }

    /** Writes and reads by turns: a read must not overtake a write. */
    private static void request(Scene scene, int at, BlockingQueue<Object> done) {
        if (at % 2 == 0) {
            scene.zk.create(scene.path("/" + at), null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT,
                    (code, path, context, name) -> done.add(context), at);
        } else {
            scene.zk.exists(scene.path("/" + (at - 1)), false,
                    (code, path, context, stat) -> done.add(stat == null ? "too early: " + path : context), at);
        }
    }

    private static void errors(Scene scene) throws Exception {
        BlockingQueue<String> done = new LinkedBlockingQueue<>();
        scene.zk.delete(scene.path("/no"), -1, (code, path, context) -> done.add(Code.get(code) + path + context), 1);
        scene.zk.getData(scene.home, false, (code, path, context, data, stat) ->
                done.add(Code.get(code) + path + context + new String(data) + stat.getVersion()), "two");
        Expect.equal(Expect.next(done, "delete"), "NONODE" + scene.path("/no") + 1, "delete");
        Expect.equal(Expect.next(done, "getData"), "OK" + scene.home + "twodata0", "getData");
    }

    private static void sync(Scene scene) throws Exception {
        BlockingQueue<String> done = new LinkedBlockingQueue<>();
        scene.zk.setData(scene.home, null, -1, (code, path, context, stat) -> done.add("set " + Code.get(code)), null);
        scene.zk.sync(scene.home, (code, path, context) -> done.add("sync " + Code.get(code) + path), null);
        Expect.equal(Expect.next(done, "setData"), "set OK", "setData");
        Expect.equal(Expect.next(done, "sync"), "sync OK" + scene.home, "sync");
    }

    private static void eventFirst(Scene scene) throws Exception {
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        BlockingQueue<String> end = new LinkedBlockingQueue<>();
        scene.zk.getData(scene.home, (WatchedEvent event) -> seen.add("event " + event.getType()), null);
        scene.zk.setData(scene.home, "new".getBytes(), -1, (code, path, context, stat) -> seen.add("set"), null);
        scene.zk.getData(scene.home, false, (code, path, context, data, stat) -> end.add(new String(data)), null);
        Expect.equal(Expect.next(end, "the read"), "new", "data");
        Expect.equal(seen, List.of("event NodeDataChanged", "set"), "before the read");
    }
}
