package compat;

import java.util.stream.Collectors;
import org.apache.zookeeper.ZooKeeper;

/** What came with 3.7: whoAmI. */
final class Since37 {
    private Since37() {
    }

    static void addTo(Checks checks) {
        checks.add("whoAmI names the address and the users", Since37::whoAmI);
    }

    private static void whoAmI(Scene scene) throws Exception {
        Expect.equal(ids(scene.zk), "ip:127.0.0.1", "before");
        scene.zk.addAuthInfo("digest", "ann:secret".getBytes());
        Expect.equal(ids(scene.zk), "digest:ann ip:127.0.0.1", "after");
    }

    private static String ids(ZooKeeper zk) throws Exception {
        return zk.whoAmI().stream().map(info -> info.getAuthScheme() + ":" + info.getUser()).sorted()
                .collect(Collectors.joining(" "));
    }
}
