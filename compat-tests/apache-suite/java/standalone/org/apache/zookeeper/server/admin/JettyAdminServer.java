package org.apache.zookeeper.server.admin;

import ironkeeper.suite.LoneAdminServer;
import ironkeeper.suite.ProcessAdminServer;
import java.io.IOException;
import org.apache.zookeeper.server.ZooKeeperServer;

/**
 * An admin server as a part of a server's process. Where it has a ZooKeeperServer, that one's process gets it. Where it has none,
 * it starts a server for itself.
 */
public class JettyAdminServer implements AdminServer {
    private ZooKeeperServer server;
    private LoneAdminServer alone;

    @Override
    public void start() {
        if (server != null) {
            ProcessAdminServer.start(server);
            return;
        }
        try {
            alone = LoneAdminServer.start();
        } catch (IOException e) {
            // What Apache's constructor throws, where it reads the stores; start() must not declare it.
            JettyAdminServer.<RuntimeException>rethrow(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void rethrow(Throwable thrown) throws T {
        throw (T) thrown;
    }

    @Override
    public void shutdown() {
        if (server != null) {
            ProcessAdminServer.stop(server);
        }
        if (alone != null) {
            alone.stop();
            alone = null;
        }
    }

    @Override
    public void setZooKeeperServer(ZooKeeperServer zkServer) {
        server = zkServer;
    }
}
