package ironkeeper.suite;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.zookeeper.PortAssignment;
import org.apache.zookeeper.server.EphemeralType;

/**
 * Gives a server an id other than 1. By configuration only members of ensembles have one, so the server becomes the only
 * member of an ensemble.
 */
final class OtherId {
    private OtherId() {
    }

    /**
     * Writes the file of the id, and returns the keys of zoo.cfg that go with it. A server of Apache's asks this of its id when
     * it is made; as a member of an ensemble it is made when it leads, and after the refusal looks for a leader again and again.
     */
    static Map<String, String> give(int id, String dataDir) throws IOException {
        if (ServerKind.chosen() == ServerKind.APACHE) {
            EphemeralType.validateServerId(id);
        }
        Files.writeString(Path.of(dataDir, "myid"), Integer.toString(id));
        String line = "127.0.0.1:" + PortAssignment.unique() + ":" + PortAssignment.unique();
        return Map.of("standaloneEnabled", "false", "initLimit", "10", "syncLimit", "5", "server." + id, line);
    }
}
