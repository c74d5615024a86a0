package ironkeeper.suite;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.WeakHashMap;
import org.apache.zookeeper.server.ServerCnxn;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ServerMetrics;
import org.apache.zookeeper.server.ShutdownNotice;
import org.apache.zookeeper.server.ZooKeeperServer;

/**
 * Starts and stops a server's process where Apache's factories open a listener in the JVM of the test.
 *
 * <p>All ways of Apache's tests to a standalone server meet here: ClientBase, ZooKeeperServerMain, ZooKeeperServerEmbedded
 * and the tests that start one themselves. The ZooKeeperServer that comes in is never started; it says which directories
 * and times its process gets.
 */
public class ProcessCnxnFactory extends ServerCnxnFactory {
    /** Who has started a server: a second factory opens one more port of its process. */
    private static final Map<ZooKeeperServer, ProcessCnxnFactory> STARTERS = Collections.synchronizedMap(new WeakHashMap<>());

    private InetSocketAddress address;
    private int maxPerHost;
    private int backlog;
    private ZooKeeperServer configured;
    private StandaloneServer server;
    private ServerBean bean;

    @Override
    public void configure(InetSocketAddress wanted, int maxcc, int listenBacklog, boolean isSecure) throws IOException {
        address = wanted.getPort() == 0 ? new InetSocketAddress(wanted.getAddress(), freePort()) : wanted;
        maxPerHost = maxcc;
        backlog = listenBacklog;
        secure = isSecure;
        initMaxCnxns();
    }

    /** A test may stop its server as soon as it answers, which is before this method returns: {@link #shutdown} waits. */
    @Override
    public synchronized void startup(ZooKeeperServer asked, boolean startServer) throws IOException, InterruptedException {
        if (!startServer) {
            openPort(STARTERS.get(asked));
            return;
        }
        configured = asked;
        StandaloneServer starting = new StandaloneServer(
            ZooCfg.of(configured, this), ProcessAdminServer.properties(configured), getLocalPort(), secure);
        start(starting);
        server = starting;
        Questions questions = new Questions(starting.fourLetters());
        configured.setZKDatabase(questions.database());
        zkServer = questions.server(configured, starting);
        ServerMetrics.metricsProviderInitialized(new ProcessMetrics(questions));
        STARTERS.put(asked, this);
        bean = ServerBean.register(zkServer);
    }

    /** The process of a server; empty where none has been started for it. */
    static Optional<StandaloneServer> process(ZooKeeperServer asked) {
        return Optional.ofNullable(STARTERS.get(asked)).map(starter -> starter.server);
    }

    /** A process listens on what its zoo.cfg names at its start, so it is started again. It ends with its first factory. */
    private void openPort(ProcessCnxnFactory first) {
        first.server.restartWith(ZooCfg.port(this));
        zkServer = first.zkServer;
    }

    /** Where an id is refused, Apache's server throws this exception: a test waits for it. */
    private void start(StandaloneServer starting) throws IOException, InterruptedException {
        try {
            starting.start();
        } catch (IOException e) {
            if (ZooCfg.hasOtherId(configured)) {
                throw new IllegalStateException("a server with another id does not start", e);
            }
            throw e;
        }
    }

    @Override
    public synchronized void shutdown() {
        if (server == null) {
            return;
        }
        try {
            server.stop();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException("the server's process was not stopped", e);
        } finally {
            server = null;
            bean.unregister();
            ShutdownNotice.give(configured);
        }
    }

    @Override
    public int getMaxClientCnxnsPerHost() {
        return maxPerHost;
    }

    /** Restarts a server that runs, as a process reads the limit at its start. */
    @Override
    public void setMaxClientCnxnsPerHost(int max) {
        maxPerHost = max;
        if (server != null) {
            server.restartWith(Map.of("maxClientCnxns", Integer.toString(ZooCfg.limit(max))));
        }
    }

    @Override
    public int getLocalPort() {
        return address.getPort();
    }

    @Override
    public InetSocketAddress getLocalAddress() {
        return address;
    }

    @Override
    public int getSocketListenBacklog() {
        return backlog;
    }

    @Override
    public Iterable<ServerCnxn> getConnections() {
        return questions().connections();
    }

    @Override
    public int getNumAliveConnections() {
        return questions().mntr("num_alive_connections").intValue();
    }

    @Override
    public void resetAllConnectionStats() {
        questions().ask("crst");
    }

    /** The process serves since its start. */
    @Override
    public void start() {
    }

    /** A process that has been stopped has ended. */
    @Override
    public void join() {
    }

    @Override
    public void reconfigure(InetSocketAddress addr) {
        throw new NotBridged("ServerCnxnFactory.reconfigure");
    }

    @Override
    public void closeAll(ServerCnxn.DisconnectReason reason) {
        throw new NotBridged("ServerCnxnFactory.closeAll");
    }

    @Override
    public boolean closeSession(long sessionId, ServerCnxn.DisconnectReason reason) {
        throw new NotBridged("ServerCnxnFactory.closeSession");
    }

    @Override
    public Iterable<Map<String, Object>> getAllConnectionInfo(boolean brief) {
        throw new NotBridged("ServerCnxnFactory.getAllConnectionInfo");
    }

    private Questions questions() {
        if (server == null) {
            throw new IllegalStateException("no server runs on port " + getLocalPort());
        }
        return new Questions(server.fourLetters());
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
