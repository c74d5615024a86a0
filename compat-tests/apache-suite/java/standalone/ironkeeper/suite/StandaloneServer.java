package ironkeeper.suite;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.zookeeper.ClientsHere;
import org.apache.zookeeper.server.SyncRequestProcessor;

/** A standalone server with a zoo.cfg of its own, which can be started again with a key changed. */
final class StandaloneServer {
    /** Apache's default; a test that sets another number in this JVM means its server. */
    private static final int DEFAULT_SNAP_COUNT = 100_000;
    private static final long CLIENTS_DEADLINE_MS = 30_000;

    private final Map<String, String> keys;
    private Map<String, String> properties;
    private final int port;
    private final boolean secure;
    private final Path zooCfg;
    private ServerProcess process;

    /** `keys` are those of its zoo.cfg; `properties` go above those that the test has set in this JVM. */
    StandaloneServer(Map<String, String> keys, Map<String, String> properties, int port, boolean secure) throws IOException {
        this.keys = new LinkedHashMap<>(keys);
        this.properties = properties;
        this.port = port;
        this.secure = secure;
        this.zooCfg = ServerProcess.newDirectory("standalone").resolve("zoo.cfg");
    }

    /** Starts the process and returns once it serves. */
    void start() throws IOException, InterruptedException {
        Files.writeString(zooCfg, keys.entrySet().stream()
            .map(entry -> entry.getKey() + "=" + entry.getValue() + "\n").collect(Collectors.joining()));
        Map<String, String> definitions = new TreeMap<>(properties);
        definitions.putAll(statics());
        process = ServerProcess.start(zooCfg, definitions, Optional.of(fourLetters()));
        AuditLines.follow(process, false);
        if (secure) {
            process.awaitListening(port);
        } else {
            process.awaitServing(keys.get("clientPortAddress"), port);
        }
    }

    /** Stops the process and returns once it has ended. */
    void stop() throws IOException, InterruptedException {
        process.stop();
    }

    /** Starts the server again with keys of zoo.cfg changed. Its sessions go on. */
    void restartWith(Map<String, String> changed) {
        keys.putAll(changed);
        try {
            stop();
            start();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException("the server was not started again with " + changed, e);
        }
    }

    /**
     * Starts the server again if it has other properties than these. All clients of this JVM are connected again at the
     * return: for their test it is the same server, whose connections nothing has closed.
     */
    synchronized void define(Map<String, String> wanted) {
        if (!wanted.equals(properties)) {
            properties = wanted;
            restartWith(Map.of());
            awaitClients();
        }
    }

    private void awaitClients() {
        Questions questions = new Questions(fourLetters());
        Poll.until(() -> questions.sessions().containsAll(ClientsHere.sessions()), CLIENTS_DEADLINE_MS,
            "some client is not connected again to port " + port);
    }

    boolean isRunning() {
        return process.isAlive();
    }

    FourLetters fourLetters() {
        return new FourLetters(keys.get(secure ? "secureClientPortAddress" : "clientPortAddress"), port, secure);
    }

    /** What tests set in static fields of Apache's server. */
    private static Map<String, String> statics() {
        Map<String, String> properties = new TreeMap<>();
        if (SyncRequestProcessor.getSnapCount() != DEFAULT_SNAP_COUNT) {
            properties.put("zookeeper.snapCount", Integer.toString(SyncRequestProcessor.getSnapCount()));
        }
        return properties;
    }
}
