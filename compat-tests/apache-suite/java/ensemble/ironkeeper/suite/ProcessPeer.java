package ironkeeper.suite;

import java.io.IOException;
import java.io.StringReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;
import javax.security.sasl.SaslException;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ZooKeeperServer;
import org.apache.zookeeper.server.quorum.Follower;
import org.apache.zookeeper.server.quorum.Leader;
import org.apache.zookeeper.server.quorum.MultipleAddresses;
import org.apache.zookeeper.server.quorum.Observer;
import org.apache.zookeeper.server.quorum.QuorumPeer;
import org.apache.zookeeper.server.quorum.QuorumPeerConfig;
import org.apache.zookeeper.server.quorum.QuorumPeerConfig.ConfigException;
import org.apache.zookeeper.server.quorum.flexible.QuorumVerifier;

/**
 * A member of an ensemble as a process of its own, in the place of Apache's thread. What tests ask a QuorumPeer is asked of
 * the process by srvr and conf, or read in its zoo.cfg and data directory.
 *
 * <p>Members that are not overridden here are those of a peer that never ran.
 */
public class ProcessPeer extends QuorumPeer {
    private final Path zooCfg;
    private ServerProcess process;
    private boolean suspended;
    private QuorumServer self;
    private QuorumVerifier verifier;

    /** A peer for this zoo.cfg, which may be written later, by {@link #prepare}. */
    public ProcessPeer(Path zooCfg) throws SaslException {
        this.zooCfg = zooCfg;
        setConfigFileName(zooCfg.toString());
    }

    /** Makes the zoo.cfg ready for a start; here it is. */
    protected void prepare() throws IOException {
    }

    /** Starts the process, which then has what the test has set in this JVM until now. */
    @Override
    public synchronized void start() {
        try {
            prepare();
            JvmSettings.learn(CurrentCfg.read(zooCfg).keys());
            Optional<FourLetters> words = Optional.of(getClientPort()).filter(port -> port > 0)
                .map(port -> new FourLetters(port, false));
            process = ServerProcess.start(zooCfg, JvmSettings.properties(), words);
            AuditLines.follow(process, true);
        } catch (IOException e) {
            throw new IllegalStateException("the server of " + zooCfg + " does not start", e);
        }
    }

    /** Ends the process with SIGTERM; nothing where it does not run. */
    @Override
    public void shutdown() {
        if (!isRunning()) {
            return;
        }
        try {
            setSuspended(false);
            process.stop();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * True once the process answers on its port for clients, be it only that it serves nobody yet. Where all clients need
     * TLS, once it listens.
     */
    public boolean answers() {
        try {
            CurrentCfg cfg = CurrentCfg.read(zooCfg);
            return cfg.clientPort() > 0 ? new ServerAnswers(cfg.clientPort()).any() : listens(cfg.secureClientPort());
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean listens(int port) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            return socket.isConnected();
        }
    }

    /** True while the process runs. */
    @Override
    public final synchronized boolean isRunning() {
        return process != null && process.isAlive();
    }

    /** Returns the exit code once the process that was started has ended. */
    public int awaitEnd() throws InterruptedException {
        return process.waitFor();
    }

    /** What the process has written. */
    public String log() throws IOException {
        return process.log();
    }

    /** False where the process says that it is a standalone server. */
    public boolean isMember() {
        return ask().state().isPresent();
    }

    /** Lets {@code leader}, {@code follower} and {@code observer} say, by being null or not, what the process does now. */
    public ProcessPeer refreshRole() {
        ServerState state = getPeerState();
        leader = state == ServerState.LEADING ? new StandIn<>(Leader.class).make() : null;
        follower = state == ServerState.FOLLOWING ? new StandIn<>(Follower.class).make() : null;
        observer = state == ServerState.OBSERVING ? new StandIn<>(Observer.class).make() : null;
        return this;
    }

    @Override
    public synchronized ServerState getPeerState() {
        return isRunning() ? ask().state().orElse(ServerState.LOOKING) : ServerState.LOOKING;
    }

    @Override
    public long getLastLoggedZxid() {
        return ask().zxid();
    }

    @Override
    public ZooKeeperServer getActiveServer() {
        return new StandIn<>(ZooKeeperServer.class)
            .on("getInProcess", none -> ask().outstanding())
            .on("getServerCnxnFactory", none -> connections())
            .make();
    }

    @Override
    public long getAcceptedEpoch() throws IOException {
        return epoch("acceptedEpoch");
    }

    @Override
    public long getCurrentEpoch() throws IOException {
        return epoch("currentEpoch");
    }

    /** The membership that the process says; where it serves nobody, what it said last. */
    @Override
    public synchronized QuorumVerifier getQuorumVerifier() {
        Optional<String> membership = zooCfg == null ? Optional.empty() : ask().membership();
        membership.ifPresent(text -> verifier = parsed(text));
        return verifier;
    }

    @Override
    public QuorumVerifier configFromString(String text) throws IOException, ConfigException {
        Properties keys = new Properties();
        keys.load(new StringReader(text));
        return QuorumPeerConfig.parseDynamicConfig(keys, 3, false, false, null);
    }

    @Override
    public int getClientPort() {
        try {
            return CurrentCfg.read(zooCfg).clientPort();
        } catch (NoSuchFileException replaced) {
            return self().clientAddr.getPort();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public InetSocketAddress getClientAddress() {
        return self().clientAddr;
    }

    @Override
    public MultipleAddresses getQuorumAddress() {
        return self().addr;
    }

    @Override
    public MultipleAddresses getElectionAddress() {
        return self().electionAddr;
    }

    @Override
    public LearnerType getLearnerType() {
        return self().type;
    }

    /** SIGSTOP and SIGCONT: unlike Apache's peer, the process does not even serve reads meanwhile. */
    @Override
    public void setSuspended(boolean wanted) {
        if (wanted == suspended) {
            return;
        }
        try {
            new ProcessBuilder("kill", wanted ? "-STOP" : "-CONT", Long.toString(process.pid())).start().waitFor();
            suspended = wanted;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The own line of the zoo.cfg; the last one that there was, where the server is no member now. */
    private synchronized QuorumServer self() {
        try {
            CurrentCfg.read(zooCfg).self().ifPresent(line -> self = line);
        } catch (NoSuchFileException replaced) {
            // The server put another membership into place between two reads.
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return self;
    }

    private ServerCnxnFactory connections() {
        Questions questions = new Questions(new FourLetters(getClientPort(), false));
        return new StandIn<>(ServerCnxnFactory.class).on("getConnections", none -> questions.connections()).make();
    }

    private ServerAnswers ask() {
        return new ServerAnswers(getClientPort());
    }

    private QuorumVerifier parsed(String membership) {
        try {
            return configFromString(membership);
        } catch (IOException | ConfigException e) {
            throw new IllegalStateException("conf tells a membership that cannot be read:\n" + membership, e);
        }
    }

    private long epoch(String file) throws IOException {
        Path path = CurrentCfg.read(zooCfg).dataDir().resolve("version-2").resolve(file);
        return Long.parseLong(Files.readString(path).trim());
    }
}
