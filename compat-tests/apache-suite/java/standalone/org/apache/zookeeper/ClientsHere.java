package org.apache.zookeeper;

import java.lang.reflect.Field;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.proto.CheckWatchesRequest;
import org.apache.zookeeper.proto.ReplyHeader;
import org.apache.zookeeper.proto.RequestHeader;

/**
 * The clients of this JVM, found by their sessions.
 *
 * <p>A server answers only on a session's own connection whether that has a watch. The threads that send are the one way
 * from a session's id to its connection that needs nothing of the test.
 */
public final class ClientsHere {
    private ClientsHere() {
    }

    /** Asks the server, on the session's connection, whether it has a watch on a path (checkWatches). */
    public static boolean hasWatch(long sessionId, String path, WatcherType type) throws Exception {
        RequestHeader header = new RequestHeader();
        header.setType(ZooDefs.OpCode.checkWatches);
        ReplyHeader reply = connection(sessionId)
            .submitRequest(header, new CheckWatchesRequest(path, type.getIntValue()), null, null);
        if (reply.getErr() != 0 && reply.getErr() != KeeperException.Code.NOWATCHER.intValue()) {
            throw KeeperException.create(KeeperException.Code.get(reply.getErr()), path);
        }
        return reply.getErr() == 0;
    }

    private static ClientCnxn connection(long sessionId) throws ReflectiveOperationException {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread instanceof ClientCnxn.SendThread && cnxn(thread).getSessionId() == sessionId) {
                return cnxn(thread);
            }
        }
        throw new IllegalStateException("no client of this JVM has session 0x" + Long.toHexString(sessionId));
    }

    private static ClientCnxn cnxn(Thread sender) throws ReflectiveOperationException {
        Field outer = ClientCnxn.SendThread.class.getDeclaredField("this$0");
        outer.setAccessible(true);
        return (ClientCnxn) outer.get(sender);
    }
}
