package org.apache.zookeeper;

import java.lang.reflect.Field;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.proto.CheckWatchesRequest;
import org.apache.zookeeper.proto.ReplyHeader;
import org.apache.zookeeper.proto.RequestHeader;
import org.apache.zookeeper.proto.WhoAmIResponse;

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

    /** The session of the client whose end of its connection has this address's port; none while it is not connected. */
    public static Optional<Long> sessionAt(InetSocketAddress clientsEnd) {
        return connections().filter(cnxn -> localPort(cnxn) == clientsEnd.getPort() && cnxn.getSessionId() != 0)
            .map(ClientCnxn::getSessionId).findAny();
    }

    /**
     * Asks the server, on the session's connection, for the identities of that connection (whoAmI). It tells of a digest's
     * user alone, and nothing of the password.
     */
    public static List<Id> whoAmI(long sessionId) throws Exception {
        RequestHeader header = new RequestHeader();
        header.setType(ZooDefs.OpCode.whoAmI);
        WhoAmIResponse answer = new WhoAmIResponse();
        ReplyHeader reply = connection(sessionId).submitRequest(header, null, answer, null);
        if (reply.getErr() != 0) {
            throw KeeperException.create(KeeperException.Code.get(reply.getErr()));
        }
        return answer.getClientInfo().stream().map(info -> new Id(info.getAuthScheme(), info.getUser()))
            .collect(Collectors.toList());
    }

    /** The sessions of all clients that have one and have not given up. */
    public static List<Long> sessions() {
        return connections().map(ClientCnxn::getSessionId).filter(id -> id != 0).collect(Collectors.toList());
    }

    /** True if a client has this session and has not given up. */
    public static boolean lives(long sessionId) {
        return connections().anyMatch(cnxn -> cnxn.getSessionId() == sessionId);
    }

    private static ClientCnxn connection(long sessionId) {
        return connections().filter(cnxn -> cnxn.getSessionId() == sessionId).findAny().orElseThrow(
            () -> new IllegalStateException("no client of this JVM has session 0x" + Long.toHexString(sessionId)));
    }

    private static Stream<ClientCnxn> connections() {
        return Thread.getAllStackTraces().keySet().stream()
            .filter(ClientCnxn.SendThread.class::isInstance).map(ClientsHere::owner);
    }

    private static ClientCnxn owner(Thread sender) {
        try {
            Field outer = ClientCnxn.SendThread.class.getDeclaredField("this$0");
            outer.setAccessible(true);
            return (ClientCnxn) outer.get(sender);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("ClientCnxn.SendThread is not as in 3.9.5", e);
        }
    }

    private static int localPort(ClientCnxn cnxn) {
        SocketAddress address = cnxn.sendThread.getClientCnxnSocket().getLocalSocketAddress();
        return address instanceof InetSocketAddress ? ((InetSocketAddress) address).getPort() : 0;
    }
}
