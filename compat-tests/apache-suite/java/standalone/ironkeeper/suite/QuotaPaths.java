package ironkeeper.suite;

import org.apache.zookeeper.Quotas;
import org.apache.zookeeper.ZooKeeper;

/** Which paths of a server have a quota, read from its tree by a client. */
final class QuotaPaths {
    private static final int SESSION_TIMEOUT_MS = 30_000;

    private QuotaPaths() {
    }

    /** The path itself, or the nearest one above it, that has a quota; null where none has. */
    static String longestPrefix(int port, String path) throws Exception {
        try (ZooKeeper client = new ZooKeeper("127.0.0.1:" + port, SESSION_TIMEOUT_MS, event -> { })) {
            for (String prefix = path; !prefix.isEmpty(); prefix = prefix.substring(0, prefix.lastIndexOf('/'))) {
                if (client.exists(Quotas.limitPath(prefix), false) != null) {
                    return prefix;
                }
            }
            return null;
        }
    }
}
