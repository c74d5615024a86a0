package ironkeeper.suite;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;
import org.apache.zookeeper.server.quorum.QuorumPeer.QuorumServer;
import org.apache.zookeeper.server.quorum.QuorumPeerConfig.ConfigException;

/**
 * What a zoo.cfg says, together with the file of the membership that it may point to. A server rewrites both when it is
 * reconfigured, so this is what stood there when it was read.
 */
final class CurrentCfg {
    private final Properties keys;

    private CurrentCfg(Properties keys) {
        this.keys = keys;
    }

    static CurrentCfg read(Path path) throws IOException {
        Properties keys = new Properties();
        load(keys, path);
        String membership = keys.getProperty("dynamicConfigFile");
        if (membership != null) {
            load(keys, Path.of(membership));
        }
        return new CurrentCfg(keys);
    }

    private static void load(Properties keys, Path path) throws IOException {
        try (Reader reader = Files.newBufferedReader(path)) {
            keys.load(reader);
        }
    }

    Properties keys() {
        return keys;
    }

    Path dataDir() {
        return Path.of(keys.getProperty("dataDir").trim());
    }

    /** Empty for a standalone server, which needs none. */
    Optional<Long> myId() throws IOException {
        Path file = dataDir().resolve("myid");
        return Files.exists(file) ? Optional.of(Long.valueOf(Files.readString(file).trim())) : Optional.empty();
    }

    /** The server's own line; empty where it is no member, or not yet, or no more. */
    Optional<QuorumServer> self() throws IOException {
        Optional<Long> id = myId();
        String line = id.isPresent() ? keys.getProperty("server." + id.get()) : null;
        if (line == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(new QuorumServer(id.get(), line));
        } catch (ConfigException e) {
            throw new IOException("not a server's line: " + line, e);
        }
    }

    /** The port for plain clients, from the server's own line or else the key clientPort; -1 where there is none. */
    int clientPort() throws IOException {
        Optional<QuorumServer> self = self();
        if (self.isPresent() && self.get().clientAddr != null) {
            return self.get().clientAddr.getPort();
        }
        return Integer.parseInt(keys.getProperty("clientPort", "-1").trim());
    }

    /** The port for clients with TLS; -1 where there is none. */
    int secureClientPort() {
        return Integer.parseInt(keys.getProperty("secureClientPort", "-1").trim());
    }
}
