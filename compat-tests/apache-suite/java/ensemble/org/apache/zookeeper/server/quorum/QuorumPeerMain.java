package org.apache.zookeeper.server.quorum;

import ironkeeper.suite.ProcessPeer;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.zookeeper.server.ExitCode;
import org.apache.zookeeper.server.admin.AdminServer.AdminServerException;
import org.apache.zookeeper.server.quorum.QuorumPeerConfig.ConfigException;

/** Runs a server, member of an ensemble or not, as a process of its own, and gives back how it ended as Apache's does. */
public class QuorumPeerMain {
    protected QuorumPeer quorumPeer;

    /**
     * Starts a server and returns when it has ended.
     *
     * @param args the path of its zoo.cfg
     * @throws ConfigException with what the server wrote, when it refused its zoo.cfg
     */
    protected void initializeAndRun(String[] args) throws ConfigException, IOException, AdminServerException {
        ProcessPeer peer = new ProcessPeer(Path.of(args[0]));
        peer.start();
        quorumPeer = peer;
        try {
            tell(peer.awaitEnd(), peer);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void tell(int code, ProcessPeer peer) throws ConfigException, IOException, AdminServerException {
        if (code == ExitCode.INVALID_INVOCATION.getValue()) {
            throw new ConfigException(peer.log());
        }
        if (code == ExitCode.ERROR_STARTING_ADMIN_SERVER.getValue()) {
            throw new AdminServerException(peer.log(), null);
        }
    }
}
