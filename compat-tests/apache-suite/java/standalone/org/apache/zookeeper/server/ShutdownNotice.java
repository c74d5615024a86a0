package org.apache.zookeeper.server;

/** Tells who waits for a server's end, as ZooKeeperServerMain does, that it has come. Is here for a type of this package. */
public final class ShutdownNotice {
    private ShutdownNotice() {
    }

    /** Does nothing where nobody waits. */
    public static void give(ZooKeeperServer server) {
        ZooKeeperServerShutdownHandler handler = server.getZkShutdownHandler();
        if (handler != null) {
            handler.handle(ZooKeeperServer.State.SHUTDOWN);
        }
    }
}
