package ironkeeper.suite;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Field;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ZooKeeperServer;
import org.apache.zookeeper.server.quorum.QuorumPeerConfig;

/** The keys of a zoo.cfg that say what a test has told a ZooKeeperServer object and its factory. Starts nothing. */
final class ZooCfg {
    private static final int STANDALONE_ID = 1;

    private ZooCfg() {
    }

    static Map<String, String> of(ZooKeeperServer server, ServerCnxnFactory factory) throws IOException {
        Map<String, String> keys = new LinkedHashMap<>();
        keys.put("dataDir", parent(server.getTxnLogFactory().getSnapDir()));
        keys.put("dataLogDir", parent(server.getTxnLogFactory().getDataLogDir()));
        keys.putAll(port(factory));
        keys.put("tickTime", Integer.toString(server.getTickTime()));
        keys.put("minSessionTimeout", Integer.toString(server.getMinSessionTimeout()));
        keys.put("maxSessionTimeout", Integer.toString(server.getMaxSessionTimeout()));
        keys.put("maxClientCnxns", Integer.toString(limit(factory.getMaxClientCnxnsPerHost())));
        if (factory.getSocketListenBacklog() > 0) {
            keys.put("clientPortListenBacklog", Integer.toString(factory.getSocketListenBacklog()));
        }
        keys.put("reconfigEnabled", Boolean.toString(QuorumPeerConfig.isReconfigEnabled()));
        if (hasOtherId(server)) {
            keys.putAll(OtherId.give(serverId(server), keys.get("dataDir")));
        }
        return keys;
    }

    /** Where a factory listens. */
    static Map<String, String> port(ServerCnxnFactory factory) {
        String prefix = factory.isSecure() ? "secureClientPort" : "clientPort";
        return Map.of(prefix, Integer.toString(factory.getLocalPort()), prefix + "Address", host(factory));
    }

    /** True where a test has given the server an id that no configuration gives a standalone one. */
    static boolean hasOtherId(ZooKeeperServer server) {
        return serverId(server) != STANDALONE_ID;
    }

    /** In zoo.cfg 0 means that there is no limit; in the API every number below 1 does. */
    static int limit(int maxClientCnxns) {
        return Math.max(0, maxClientCnxns);
    }

    /** FileTxnSnapLog names the directories below the configured ones, version-2. */
    private static String parent(File version2) {
        return version2.getParentFile().getAbsolutePath();
    }

    /** Servers of tests listen on the loopback alone, unless the test names another address. */
    private static String host(ServerCnxnFactory factory) {
        var address = factory.getLocalAddress().getAddress();
        return address.isAnyLocalAddress() ? "127.0.0.1" : address.getHostAddress();
    }

    private static int serverId(ZooKeeperServer server) {
        try {
            Field id = ZooKeeperServer.class.getDeclaredField("createSessionTrackerServerId");
            id.setAccessible(true);
            return id.getInt(server);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("ZooKeeperServer is not as in 3.9.5", e);
        }
    }
}
