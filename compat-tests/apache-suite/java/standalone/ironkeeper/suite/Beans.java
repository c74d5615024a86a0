package ironkeeper.suite;

import java.util.HashSet;
import java.util.Set;
import javax.management.MalformedObjectNameException;
import javax.management.ObjectName;
import org.apache.zookeeper.ClientsHere;
import org.apache.zookeeper.jmx.MBeanRegistry;

/**
 * The names of the beans that Apache's standalone servers would have registered in the JVM of the test: one for each
 * server's process, one for its tree, one for each session that has a connection there.
 */
public final class Beans {
    private Beans() {
    }

    /** The beans of all servers that run now. */
    public static Set<ObjectName> registered() {
        Set<ObjectName> names = new HashSet<>();
        for (FourLetters words : ServerProcess.toAsk()) {
            String server = MBeanRegistry.DOMAIN + ":name0=StandaloneServer_port" + words.port();
            names.add(name(server));
            names.add(name(server + ",name1=InMemoryDataTree"));
            for (long session : new Questions(words).sessions()) {
                names.add(name(server + ",name1=Connections,name2=0x" + Long.toHexString(session)));
            }
        }
        return names;
    }

    /** True of a session, written with 0x, that a server has and whose client in this JVM has given up. */
    public static boolean wasOfEndedConnection(String name) {
        return name.matches("0x[0-9a-f]{1,16}")
            && !ClientsHere.lives(Long.parseUnsignedLong(name.substring(2), 16))
            && ServerProcess.toAsk().stream().anyMatch(words -> new Questions(words).tracks(name));
    }

    private static ObjectName name(String text) {
        try {
            return new ObjectName(text);
        } catch (MalformedObjectNameException e) {
            throw new IllegalStateException(text, e);
        }
    }
}
