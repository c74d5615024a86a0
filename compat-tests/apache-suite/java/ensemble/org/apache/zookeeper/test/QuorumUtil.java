package org.apache.zookeeper.test;

import static org.junit.jupiter.api.Assertions.assertTrue;

import ironkeeper.suite.MemberPeer;
import ironkeeper.suite.ProcessPeer;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.zookeeper.PortAssignment;
import org.apache.zookeeper.ZKTestCase;
import org.apache.zookeeper.server.quorum.QuorumPeer;
import org.apache.zookeeper.server.quorum.QuorumPeer.LearnerType;
import org.apache.zookeeper.server.quorum.QuorumPeer.QuorumServer;
import org.apache.zookeeper.server.quorum.QuorumPeer.ServerState;

/** An ensemble of 2n+1 members, each a process of its own, that are started and ended one by one. Ids count from 1. */
public class QuorumUtil {
    private static final int SYNC_LIMIT = 3;
    /** Longer than the time that tests give one server: here are several processes that start at once. */
    private static final int START_MS = 90_000;

    /** A member: its peer is another one after each start. */
    public static class PeerStruct {
        public int id;
        public QuorumPeer peer;
        public File dataDir;
        public int clientPort;
    }

    public final int N;
    public final int ALL;
    /** Here for the tests that set it: no beans are looked for in any case. */
    public boolean disableJMXTest = false;

    private final List<QuorumServer> members = new ArrayList<>();
    private final List<PeerStruct> peers = new ArrayList<>();
    private final int syncLimit;
    private boolean localSessions;

    public QuorumUtil(int n) throws RuntimeException {
        this(n, SYNC_LIMIT);
    }

    /** An ensemble that is not started yet; `syncLimit` is in ticks of two seconds. */
    public QuorumUtil(int n, int syncLimit) throws RuntimeException {
        N = n;
        ALL = 2 * n + 1;
        this.syncLimit = syncLimit;
        ClientBase.setupTestEnv();
        for (int id = 1; id <= ALL; id++) {
            members.add(new QuorumServer(id, newAddress(), newAddress(), newAddress(), LearnerType.PARTICIPANT));
        }
        try {
            for (QuorumServer member : members) {
                peers.add(newPeerStruct(member));
            }
        } catch (IOException e) {
            throw new RuntimeException(e);
        }
    }

    private static InetSocketAddress newAddress() {
        return new InetSocketAddress("127.0.0.1", PortAssignment.unique());
    }

    private PeerStruct newPeerStruct(QuorumServer member) throws IOException {
        PeerStruct made = new PeerStruct();
        made.id = (int) member.id;
        made.dataDir = ClientBase.createTmpDir();
        made.clientPort = member.clientAddr.getPort();
        made.peer = newPeer(made);
        return made;
    }

    private MemberPeer newPeer(PeerStruct member) throws IOException {
        MemberPeer peer = new MemberPeer(member.id, members, member.dataDir, syncLimit);
        peer.enableLocalSessions(localSessions);
        return peer;
    }

    /** A member, the role of its peer asked just now. */
    public PeerStruct getPeer(int id) {
        PeerStruct found = peers.get(id - 1);
        ((ProcessPeer) found.peer).refreshRole();
        return found;
    }

    /** Whether members that are started from now on allow local sessions. */
    public void enableLocalSession(boolean localSessionEnabled) {
        localSessions = localSessionEnabled;
    }

    /** Starts all members anew, and returns when all serve. */
    public void startAll() throws IOException {
        startFirst(ALL);
    }

    /** Starts the smallest majority anew, and returns when it serves. */
    public void startQuorum() throws IOException {
        startFirst(N + 1);
    }

    private void startFirst(int count) throws IOException {
        shutdownAll();
        for (int id = 1; id <= count; id++) {
            launch(id);
        }
        for (int id = 1; id <= count; id++) {
            awaitUp(id);
        }
    }

    /** Starts a member, and returns when its process answers, be it only that it serves nobody yet. */
    public void start(int id) throws IOException {
        launch(id);
        ProcessPeer peer = (ProcessPeer) peers.get(id - 1).peer;
        try {
            ZKTestCase.waitFor("server " + id + " does not start", peer::answers, START_MS / 1000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void launch(int id) throws IOException {
        PeerStruct member = peers.get(id - 1);
        member.peer = newPeer(member);
        member.peer.start();
    }

    /** Starts a member, and returns when it serves. */
    public void restart(int id) throws IOException {
        start(id);
        awaitUp(id);
    }

    /** Starts a member, waits until it serves, and ends it. */
    public void startThenShutdown(int id) throws IOException {
        restart(id);
        shutdown(id);
    }

    private void awaitUp(int id) {
        String server = getConnectionStringForServer(id);
        assertTrue(ClientBase.waitForServerUp(server, START_MS), "server " + server + " did not come up");
    }

    public void shutdownAll() {
        for (int id = 1; id <= ALL; id++) {
            shutdown(id);
        }
        for (String server : getConnString().split(",")) {
            assertTrue(ClientBase.waitForServerDown(server, ClientBase.CONNECTION_TIMEOUT),
                "server " + server + " did not go down");
        }
    }

    public void shutdown(int id) {
        peers.get(id - 1).peer.shutdown();
    }

    public void tearDown() throws Exception {
        shutdownAll();
    }

    /** The clients' addresses of all members. */
    public String getConnString() {
        return peers.stream().map(peer -> getConnectionStringForServer(peer.id)).collect(Collectors.joining(","));
    }

    public String getConnectString(QuorumPeer peer) {
        return "127.0.0.1:" + peer.getClientPort();
    }

    public String getConnectionStringForServer(int id) {
        return "127.0.0.1:" + peers.get(id - 1).clientPort;
    }

    /** True if every member says that it leads, follows or observes. */
    public boolean allPeersAreConnected() {
        return peers.stream().noneMatch(member -> member.peer.getPeerState() == ServerState.LOOKING);
    }

    public boolean leaderExists() {
        return peers.stream().anyMatch(QuorumUtil::leads);
    }

    /** The id of the leader; there has to be one. */
    public int getLeaderServer() {
        return peers.stream().filter(QuorumUtil::leads).findFirst().orElseThrow(() -> new AssertionError("no leader")).id;
    }

    public QuorumPeer getLeaderQuorumPeer() {
        return peers.get(getLeaderServer() - 1).peer;
    }

    /** All members but the leader. */
    public List<QuorumPeer> getFollowerQuorumPeers() {
        return Collections.unmodifiableList(
            peers.stream().filter(member -> !leads(member)).map(member -> member.peer).collect(Collectors.toList()));
    }

    private static boolean leads(PeerStruct member) {
        return member.peer.getPeerState() == ServerState.LEADING;
    }
}
