package org.apache.zookeeper.test;

import static org.junit.jupiter.api.Assertions.assertTrue;

import ironkeeper.suite.MemberPeer;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.zookeeper.PortAssignment;
import org.apache.zookeeper.TestableZooKeeper;
import org.apache.zookeeper.server.quorum.QuorumPeer;
import org.apache.zookeeper.server.quorum.QuorumPeer.LearnerType;
import org.apache.zookeeper.server.quorum.QuorumPeer.QuorumServer;
import org.apache.zookeeper.server.quorum.QuorumPeer.ServerState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * Base of the tests that need an ensemble of five, each member a process of its own.
 *
 * <p>The oracle that Apache's own set-up names decides between two voters only; with five or three it is left out.
 */
public class QuorumBase extends ClientBase {
    protected static final String LOCALADDR = "127.0.0.1";

    private static final int MEMBERS = 5;
    private static final int VOTERS_BESIDE_OBSERVERS = 3;
    private static final int SYNC_LIMIT = 3;
    /** Longer than the time that tests give one server: here are five processes that start at once. */
    private static final int START_MS = 90_000;

    File s1dir;
    File s2dir;
    File s3dir;
    File s4dir;
    File s5dir;
    QuorumPeer s1;
    QuorumPeer s2;
    QuorumPeer s3;
    QuorumPeer s4;
    QuorumPeer s5;
    protected boolean localSessionsEnabled = false;
    protected boolean localSessionsUpgradingEnabled = false;

    private List<QuorumServer> members;

    @BeforeEach
    @Override
    public void setUp() throws Exception {
        setUp(false, true);
    }

    /** Starts the ensemble; with observers, the fourth and the fifth member are such. */
    protected void setUp(boolean withObservers, boolean withOracle) throws Exception {
        setupTestEnv();
        setUpAll();
        members = newMembers(withObservers);
        hostPort = members.stream().map(QuorumBase::client).collect(Collectors.joining(","));
        s1dir = createTmpDir();
        s2dir = createTmpDir();
        s3dir = createTmpDir();
        s4dir = createTmpDir();
        s5dir = createTmpDir();
        startServers();
    }

    private static List<QuorumServer> newMembers(boolean withObservers) {
        List<QuorumServer> members = new ArrayList<>();
        for (int id = 1; id <= MEMBERS; id++) {
            boolean observer = withObservers && id > VOTERS_BESIDE_OBSERVERS;
            members.add(new QuorumServer(id, newAddress(), newAddress(), newAddress(),
                observer ? LearnerType.OBSERVER : LearnerType.PARTICIPANT));
        }
        return members;
    }

    private static InetSocketAddress newAddress() {
        return new InetSocketAddress(LOCALADDR, PortAssignment.unique());
    }

    private static String client(QuorumServer member) {
        return LOCALADDR + ":" + member.clientAddr.getPort();
    }

    /** Starts all members on their data, and returns when all serve. */
    void startServers() throws Exception {
        setupServers();
        getPeerList().forEach(QuorumPeer::start);
        for (String server : hostPort.split(",")) {
            assertTrue(waitForServerUp(server, START_MS), "server " + server + " did not come up");
        }
    }

    /** Makes new peers on the same data, not started. */
    public void setupServers() throws IOException {
        s1 = newPeer(1, s1dir);
        s2 = newPeer(2, s2dir);
        s3 = newPeer(3, s3dir);
        s4 = newPeer(4, s4dir);
        s5 = newPeer(5, s5dir);
    }

    private QuorumPeer newPeer(int id, File dataDir) throws IOException {
        MemberPeer peer = new MemberPeer(id, members, dataDir, SYNC_LIMIT);
        peer.enableLocalSessions(localSessionsEnabled);
        peer.enableLocalSessionsUpgrading(localSessionsUpgradingEnabled);
        return peer;
    }

    @AfterEach
    @Override
    public void tearDown() throws Exception {
        shutdownServers();
        for (String server : hostPort.split(",")) {
            assertTrue(waitForServerDown(server, CONNECTION_TIMEOUT), "server " + server + " did not go down");
        }
    }

    public void shutdownServers() {
        getPeerList().forEach(QuorumBase::shutdown);
    }

    /** Ends a member; null is none. */
    public static void shutdown(QuorumPeer peer) {
        if (peer != null) {
            peer.shutdown();
        }
    }

    public ArrayList<QuorumPeer> getPeerList() {
        return new ArrayList<>(Arrays.asList(s1, s2, s3, s4, s5));
    }

    /** The place of the leader among the members, from 0; -1 where none says that it leads. */
    public int getLeaderIndex() {
        List<QuorumPeer> peers = getPeerList();
        for (int index = 0; index < MEMBERS; index++) {
            if (peers.get(index).getPeerState() == ServerState.LEADING) {
                return index;
            }
        }
        return -1;
    }

    /** Null where none says that it leads. */
    public QuorumPeer getLeaderQuorumPeer() {
        int leader = getLeaderIndex();
        return leader < 0 ? null : getPeerList().get(leader);
    }

    /** Null where none says that it leads. */
    public File getLeaderDataDir() {
        int leader = getLeaderIndex();
        return leader < 0 ? null : List.of(s1dir, s2dir, s3dir, s4dir, s5dir).get(leader);
    }

    /** The clients' addresses of all members in a state, each with a comma behind it. */
    public String getPeersMatching(ServerState state) {
        return getPeerList().stream().filter(peer -> peer.getPeerState() == state)
            .map(peer -> LOCALADDR + ":" + peer.getClientPort() + ",").collect(Collectors.joining());
    }

    /** Null where no member has the port. */
    public QuorumPeer getPeerByClientPort(int clientPort) {
        return getPeerList().stream().filter(peer -> peer.getClientPort() == clientPort).findFirst().orElse(null);
    }

    @Override
    protected TestableZooKeeper createClient() throws IOException, InterruptedException {
        return createClient(hostPort);
    }

    @Override
    protected TestableZooKeeper createClient(String hp) throws IOException, InterruptedException {
        return createClient(new CountdownWatcher(), hp);
    }

    /** A client of the members in a state. */
    protected TestableZooKeeper createClient(CountdownWatcher watcher, ServerState state)
            throws IOException, InterruptedException {
        return createClient(watcher, getPeersMatching(state));
    }
}
