package ironkeeper.suite;

import java.util.Map;
import java.util.Properties;
import org.apache.zookeeper.server.ZooKeeperServer;
import org.apache.zookeeper.server.quorum.QuorumPeerConfig;

/**
 * What tests set for the servers of their JVM by static calls. A process gets it as lines of its zoo.cfg or as properties,
 * as it stood when the zoo.cfg was written or the process was started.
 */
public final class JvmSettings {
    private JvmSettings() {
    }

    /** Lines for a zoo.cfg; none where the defaults stand. What a test writes itself has to follow them, to win. */
    public static String lines() {
        StringBuilder lines = new StringBuilder();
        if (QuorumPeerConfig.isReconfigEnabled()) {
            lines.append("reconfigEnabled=true\n");
        }
        if (!QuorumPeerConfig.isStandaloneEnabled()) {
            lines.append("standaloneEnabled=false\n");
        }
        return lines.toString();
    }

    /** Properties for a process. */
    static Map<String, String> properties() {
        return Map.of(
            ZooKeeperServer.ENABLE_EAGER_ACL_CHECK, String.valueOf(ZooKeeperServer.isEnableEagerACLCheck()),
            ZooKeeperServer.CLOSE_SESSION_TXN_ENABLED, String.valueOf(ZooKeeperServer.isCloseSessionTxnEnabled()));
    }

    /** A zoo.cfg that was started sets the same for all later servers: a test of Apache's counts on it. */
    static void learn(Properties zooCfg) {
        String reconfig = zooCfg.getProperty("reconfigEnabled");
        if (reconfig != null) {
            QuorumPeerConfig.setReconfigEnabled(Boolean.parseBoolean(reconfig));
        }
        String standalone = zooCfg.getProperty("standaloneEnabled");
        if (standalone != null) {
            QuorumPeerConfig.setStandaloneEnabled(Boolean.parseBoolean(standalone));
        }
    }
}
