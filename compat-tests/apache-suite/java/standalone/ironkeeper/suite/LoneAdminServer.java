package ironkeeper.suite;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.apache.zookeeper.PortAssignment;

/** A server whose admin server alone is of interest: at the port that the test has set in this JVM. */
public final class LoneAdminServer {
    private final ServerProcess process;

    private LoneAdminServer(ServerProcess process) {
        this.process = process;
    }

    /**
     * Starts it, and returns once the admin server listens.
     *
     * @throws IOException when the server ends at its start, or does not listen there
     */
    public static LoneAdminServer start() throws IOException, InterruptedException {
        Path home = ServerProcess.newDirectory("admin");
        Path zooCfg = home.resolve("zoo.cfg");
        Files.writeString(zooCfg, "clientPort=" + PortAssignment.unique() + "\nclientPortAddress=127.0.0.1\ndataDir="
            + home.resolve("data") + "\n");
        ServerProcess process = ServerProcess.start(zooCfg, Map.of(), Optional.empty());
        try {
            process.awaitListening(Integer.getInteger("zookeeper.admin.serverPort"));
        } catch (IOException e) {
            process.kill();
            throw e;
        }
        return new LoneAdminServer(process);
    }

    /** Ends it. */
    public void stop() {
        try {
            process.stop();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
