package org.apache.zookeeper.server.quorum;

import ironkeeper.suite.JvmSettings;
import ironkeeper.suite.ProcessPeer;
import java.io.File;
import java.io.FileReader;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import java.util.function.BooleanSupplier;
import org.apache.zookeeper.PortAssignment;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZKTestCase;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.server.quorum.QuorumPeer.ServerState;
import org.apache.zookeeper.test.ClientBase;
import org.junit.jupiter.api.AfterEach;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Base of the tests that start servers from a zoo.cfg, each a process of its own. Is itself a watcher that ignores all. */
public class QuorumPeerTestBase extends ZKTestCase implements Watcher {
    protected static final Logger LOG = LoggerFactory.getLogger(QuorumPeerTestBase.class);
    public static final int TIMEOUT = 5000;

    private static final int POLL_MS = 100;
    private static final int START_MS = 60_000;

    protected Servers servers;
    protected int numServers = 0;

    @AfterEach
    public void tearDown() throws Exception {
        if (servers != null) {
            servers.shutDownAllServers();
        }
    }

    @Override
    public void process(WatchedEvent event) {
    }

    /** Starts an ensemble of voters. */
    protected Servers LaunchServers(int numServers) throws IOException, InterruptedException {
        return launch(numServers, 0, Map.of(), null);
    }

    /** Starts an ensemble of voters with further keys in each zoo.cfg. */
    protected Servers LaunchServers(int numServers, Map<String, String> keys) throws IOException, InterruptedException {
        return launch(numServers, 0, keys, null);
    }

    /** Starts an ensemble of voters with a tick time in milliseconds; null is the usual one. */
    protected Servers LaunchServers(int numServers, Integer tickTime) throws IOException, InterruptedException {
        return launch(numServers, 0, Map.of(), tickTime);
    }

    /** Starts an ensemble of voters and observers. */
    protected Servers LaunchServers(int numServers, int numObservers, Integer tickTime)
            throws IOException, InterruptedException {
        return launch(numServers, numObservers, Map.of(), tickTime);
    }

    /** Starts an ensemble of voters and observers, and returns when a client is connected to each. */
    protected Servers LaunchServers(int numServers, int numObservers, Integer tickTime, Map<String, String> keys)
            throws IOException, InterruptedException {
        return launch(numServers, numObservers, keys, tickTime);
    }

    private Servers launch(int voters, int observers, Map<String, String> keys, Integer tickTime)
            throws IOException, InterruptedException {
        Servers launched = new Servers(voters + observers);
        String members = launched.members(voters);
        int tick = tickTime == null ? MainThread.TICK_TIME_MS : tickTime;
        for (int i = 0; i < launched.mt.length; i++) {
            launched.mt[i] = new MainThread(i, launched.clientPorts[i], members, keys, tick);
        }
        launched.restartAllServersAndClients(this);
        waitForAll(launched, ZooKeeper.States.CONNECTED);
        return launched;
    }

    /** Waits for a client's state. */
    public static void waitForOne(ZooKeeper zk, ZooKeeper.States state) throws InterruptedException {
        await(() -> zk.getState() == state, ClientBase.CONNECTION_TIMEOUT, zk.getState() + " does not become " + state);
    }

    /** Waits until all clients are in a state. */
    public static void waitForAll(ZooKeeper[] zks, ZooKeeper.States state) throws InterruptedException {
        await(() -> Arrays.stream(zks).allMatch(zk -> zk.getState() == state), ClientBase.CONNECTION_TIMEOUT,
            "some client does not become " + state);
    }

    protected void waitForAll(Servers servers, ZooKeeper.States state) throws InterruptedException {
        waitForAll(servers.zk, state);
    }

    private static void await(BooleanSupplier condition, int timeoutMs, String otherwise) throws InterruptedException {
        long deadline = System.currentTimeMillis() + timeoutMs;
        while (!condition.getAsBoolean()) {
            if (System.currentTimeMillis() > deadline) {
                throw new RuntimeException(otherwise);
            }
            Thread.sleep(POLL_MS);
        }
    }

    /** The main class of a server that a test can end. */
    public static class TestQPMain extends QuorumPeerMain {
        public void shutdown() {
            if (quorumPeer != null) {
                quorumPeer.shutdown();
            }
        }
    }

    /** A directory with a zoo.cfg and a data directory, and the thread that waits while the server on it runs. */
    public static class MainThread implements Runnable {
        public static final int UNSET_STATIC_CLIENTPORT = -1;
        public static final int UNSET_MYID = -1;

        static final int TICK_TIME_MS = 4000;

        /**
         * Stands for a port that the test has not chosen, and so not in the zoo.cfg either: where it is taken, Apache's members
         * go on without an admin server, and ironkeeper only if the zoo.cfg does not ask for that port.
         */
        private static final int DEFAULT_ADMIN_PORT = 8080;
        private static final String DYNAMIC_FILE = "zoo.cfg.dynamic";
        private static final String LIMITS = "initLimit=10\nsyncLimit=5\nconnectToLearnerMasterLimit=5\n";
        private static final int JOIN_MS = 500;

        final File confFile;
        /** The directory of the zoo.cfg, or the data directory where the test gave the keys in a map. */
        final File tmpDir;
        volatile TestQPMain main;
        File baseDir;
        Thread currentThread;

        private final int myid;
        private final int clientPort;
        private final String quorumCfgSection;
        private final Map<String, String> otherConfigs;

        /** A server with the membership in its zoo.cfg and further keys from a map. */
        public MainThread(int myid, int clientPort, String quorumCfgSection, Map<String, String> otherConfigs, int tickTime)
                throws IOException {
            this.myid = myid;
            this.clientPort = clientPort;
            this.quorumCfgSection = quorumCfgSection;
            this.otherConfigs = otherConfigs;
            baseDir = ClientBase.createTmpDir();
            tmpDir = new File(baseDir, "data");
            confFile = new File(baseDir, "zoo.cfg");
            writeData(tmpDir);
            StringBuilder text = head(tickTime, tmpDir);
            appendClientPort(text);
            otherConfigs.forEach((key, value) -> text.append(key).append('=').append(value).append('\n'));
            Files.writeString(confFile.toPath(), text + quorumCfgSection + "\n");
        }

        public MainThread(int myid, int clientPort, String quorumCfgSection, Map<String, String> otherConfigs)
                throws IOException {
            this(myid, clientPort, quorumCfgSection, otherConfigs, TICK_TIME_MS);
        }

        public MainThread(int myid, int clientPort, String quorumCfgSection) throws IOException {
            this(myid, clientPort, quorumCfgSection, Map.of());
        }

        /**
         * A server with the membership in a file of its own, whose name ends with `version` where that is not null, or in
         * the zoo.cfg. Keys that are null are left out, and a client port that is unset.
         */
        public MainThread(int myid, int clientPort, int adminServerPort, Integer secureClientPort, String quorumCfgSection,
                String configs, String peerType, boolean writeDynamicConfigFile, String version) throws IOException {
            this.myid = myid;
            this.clientPort = clientPort;
            this.quorumCfgSection = quorumCfgSection;
            this.otherConfigs = null;
            tmpDir = ClientBase.createTmpDir();
            confFile = new File(tmpDir, "zoo.cfg");
            File dataDir = new File(tmpDir, "data");
            writeData(dataDir);
            ClientBase.createInitializeFile(dataDir);
            StringBuilder text = head(TICK_TIME_MS, dataDir);
            text.append(configs == null ? "" : configs);
            append(text, "admin.serverPort", adminServerPort == DEFAULT_ADMIN_PORT ? null : adminServerPort);
            appendClientPort(text);
            append(text, "secureClientPort", secureClientPort);
            append(text, "peerType", peerType);
            if (writeDynamicConfigFile) {
                append(text, "dynamicConfigFile", writeMembership(version));
            } else {
                text.append(quorumCfgSection);
            }
            Files.writeString(confFile.toPath(), text);
        }

        public MainThread(int myid, String quorumCfgSection) throws IOException {
            this(myid, quorumCfgSection, true);
        }

        public MainThread(int myid, String quorumCfgSection, boolean writeDynamicConfigFile) throws IOException {
            this(myid, UNSET_STATIC_CLIENTPORT, quorumCfgSection, writeDynamicConfigFile);
        }

        public MainThread(int myid, String quorumCfgSection, Integer secureClientPort, boolean writeDynamicConfigFile)
                throws IOException {
            this(myid, UNSET_STATIC_CLIENTPORT, DEFAULT_ADMIN_PORT, secureClientPort, quorumCfgSection, null, null,
                writeDynamicConfigFile, null);
        }

        public MainThread(int myid, int clientPort, String quorumCfgSection, boolean writeDynamicConfigFile)
                throws IOException {
            this(myid, clientPort, quorumCfgSection, (String) null, writeDynamicConfigFile);
        }

        public MainThread(int myid, int clientPort, String quorumCfgSection, String peerType, boolean writeDynamicConfigFile)
                throws IOException {
            this(myid, clientPort, DEFAULT_ADMIN_PORT, null, quorumCfgSection, null, peerType, writeDynamicConfigFile, null);
        }

        public MainThread(int myid, int clientPort, String quorumCfgSection, boolean writeDynamicConfigFile, String version)
                throws IOException {
            this(myid, clientPort, DEFAULT_ADMIN_PORT, null, quorumCfgSection, null, null, writeDynamicConfigFile, version);
        }

        public MainThread(int myid, int clientPort, String quorumCfgSection, String configs) throws IOException {
            this(myid, clientPort, DEFAULT_ADMIN_PORT, quorumCfgSection, configs);
        }

        public MainThread(int myid, int clientPort, int adminServerPort, String quorumCfgSection, String configs)
                throws IOException {
            this(myid, clientPort, adminServerPort, null, quorumCfgSection, configs, null, true, null);
        }

        private static StringBuilder head(int tickTime, File dataDir) {
            return new StringBuilder(JvmSettings.lines()).append("tickTime=").append(tickTime).append('\n').append(LIMITS)
                .append("admin.serverAddress=127.0.0.1\ndataDir=").append(dataDir.getAbsolutePath()).append('\n');
        }

        /** On the loopback alone, unless the members' lines say where clients connect, as both must not differ. */
        private void appendClientPort(StringBuilder text) {
            if (clientPort == UNSET_STATIC_CLIENTPORT) {
                return;
            }
            append(text, "clientPort", clientPort);
            append(text, "clientPortAddress", quorumCfgSection.contains(";") ? null : "127.0.0.1");
        }

        private static void append(StringBuilder text, String key, Object value) {
            if (value != null) {
                text.append(key).append('=').append(value).append('\n');
            }
        }

        private void writeData(File dataDir) throws IOException {
            Files.createDirectory(dataDir.toPath());
            Files.writeString(dataDir.toPath().resolve("myid"), Integer.toString(myid));
        }

        private File writeMembership(String version) throws IOException {
            File file = new File(tmpDir, version == null ? DYNAMIC_FILE : DYNAMIC_FILE + "." + version).getAbsoluteFile();
            Files.writeString(file.toPath(), quorumCfgSection);
            return file;
        }

        /** Leaves the file of a reconfiguration that has not ended. */
        public void writeTempDynamicConfigFile(String nextQuorumCfgSection, String version) throws IOException {
            File file = new File(tmpDir, "zoo.cfg" + QuorumPeerConfig.nextDynamicConfigFileSuffix);
            Files.writeString(file.toPath(), nextQuorumCfgSection + "\nversion=" + version);
        }

        public synchronized void start() {
            start(getTestQPMain());
        }

        /**
         * Starts the server, and returns when its process answers or has ended: the time that a process takes to start is no
         * part of what tests wait for.
         */
        public synchronized void start(TestQPMain testQPMain) {
            main = testQPMain;
            currentThread = new Thread(this, "server " + myid);
            currentThread.start();
            try {
                await(() -> !isAlive() || peer() != null && peer().answers(), START_MS, "server " + myid + " does not start");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        public TestQPMain getTestQPMain() {
            return new TestQPMain();
        }

        @Override
        public void run() {
            try {
                main.initializeAndRun(new String[] {confFile.getPath()});
            } catch (Exception e) {
                LOG.error("the server of {} ended", confFile, e);
            } finally {
                currentThread = null;
            }
        }

        /** Ends the server; its thread ends then too, but for a short wait. */
        public void shutdown() throws InterruptedException {
            Thread thread = currentThread;
            if (thread != null) {
                main.shutdown();
                thread.join(JOIN_MS);
            }
        }

        public void join(long timeout) throws InterruptedException {
            Thread thread = currentThread;
            if (thread != null) {
                thread.join(timeout);
            }
        }

        public boolean isAlive() {
            Thread thread = currentThread;
            return thread != null && thread.isAlive();
        }

        /** False where the server says that it stands alone. */
        public boolean isQuorumPeerRunning() {
            return peer() != null && peer().isMember();
        }

        public QuorumPeer getQuorumPeer() {
            return peer();
        }

        ServerState state() {
            return peer() == null ? ServerState.LOOKING : peer().getPeerState();
        }

        private ProcessPeer peer() {
            return (ProcessPeer) main.quorumPeer;
        }

        public File[] getDynamicFiles() {
            return getFilesWithPrefix(DYNAMIC_FILE);
        }

        public File[] getFilesWithPrefix(String prefix) {
            return tmpDir.listFiles((directory, name) -> name.startsWith(prefix));
        }

        /** Null where there is no such file. */
        public File getFileByName(String name) {
            File file = new File(tmpDir, name);
            return file.isFile() ? file : null;
        }

        /** Empty where the zoo.cfg has no such key. */
        public String getPropFromStaticFile(String key) throws IOException {
            Properties keys = new Properties();
            try (Reader reader = new FileReader(confFile)) {
                keys.load(reader);
            }
            return keys.getProperty(key, "");
        }

        public void deleteBaseDir() {
            ClientBase.recursiveDelete(baseDir);
        }

        public int getMyid() {
            return myid;
        }

        public int getClientPort() {
            return clientPort;
        }

        public String getQuorumCfgSection() {
            return quorumCfgSection;
        }

        public Map<String, String> getOtherConfigs() {
            return otherConfigs;
        }

        public File getConfFile() {
            return confFile;
        }
    }

    /** An ensemble and one client of each server. Tests also fill the arrays themselves. */
    public static class Servers {
        public MainThread[] mt;
        public ZooKeeper[] zk;
        public int[] clientPorts;
        public int[] adminPorts;

        public Servers() {
        }

        Servers(int count) {
            mt = new MainThread[count];
            zk = new ZooKeeper[count];
            clientPorts = ports(count);
            adminPorts = ports(count);
        }

        private static int[] ports(int count) {
            int[] ports = new int[count];
            Arrays.setAll(ports, i -> PortAssignment.unique());
            return ports;
        }

        /** The servers' lines; the first are voters, the rest observers. */
        String members(int voters) {
            StringBuilder lines = new StringBuilder();
            for (int i = 0; i < clientPorts.length; i++) {
                lines.append(String.format("server.%d=127.0.0.1:%d:%d:%s;127.0.0.1:%d%n", i, PortAssignment.unique(),
                    PortAssignment.unique(), i < voters ? "participant" : "observer", clientPorts[i]));
            }
            return lines.toString();
        }

        public void shutDownAllServers() throws InterruptedException {
            for (MainThread thread : mt) {
                if (thread != null) {
                    thread.shutdown();
                }
            }
        }

        /** Starts the servers that do not run, each with its own admin port, and replaces all clients. */
        public void restartAllServersAndClients(Watcher watcher) throws IOException, InterruptedException {
            for (int i = 0; i < mt.length; i++) {
                if (!mt[i].isAlive()) {
                    System.setProperty("zookeeper.admin.serverPort", Integer.toString(adminPorts[i]));
                    mt[i].start();
                }
            }
            for (int i = 0; i < zk.length; i++) {
                restartClient(i, watcher);
            }
        }

        public void restartClient(int index, Watcher watcher) throws IOException, InterruptedException {
            if (zk[index] != null) {
                zk[index].close();
            }
            zk[index] = new ZooKeeper("127.0.0.1:" + clientPorts[index], ClientBase.CONNECTION_TIMEOUT, watcher);
        }

        /** The index of the leader, -1 where no server says that it leads. */
        public int findLeader() {
            return find(ServerState.LEADING);
        }

        public int findAnyFollower() {
            return find(ServerState.FOLLOWING);
        }

        public int findAnyObserver() {
            return find(ServerState.OBSERVING);
        }

        private int find(ServerState state) {
            for (int i = 0; i < mt.length; i++) {
                if (mt[i].state() == state) {
                    return i;
                }
            }
            return -1;
        }
    }
}
