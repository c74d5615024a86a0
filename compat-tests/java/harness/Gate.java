package compat;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A relay in front of the server, with an address of its own. While it is shut, nothing gets through. */
final class Gate implements Closeable {
    private final ServerSocket door;
    private final String host;
    private final int port;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private boolean open = true;

    /** A gate to a server's {@code host:port}. */
    Gate(String server) throws IOException {
        int colon = server.lastIndexOf(':');
        host = server.substring(0, colon);
        port = Integer.parseInt(server.substring(colon + 1));
        door = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        daemon(this::acceptAll);
    }

    String address() {
        return "127.0.0.1:" + door.getLocalPort();
    }

    /** Cuts the connections that are there and refuses new ones. */
    synchronized void shut() {
        open = false;
        sockets.forEach(Gate::closeQuietly);
        sockets.clear();
    }

    synchronized void open() {
        open = true;
    }

    /** Cuts the connections that are there; clients may come back at once. */
    void cut() {
        shut();
        open();
    }

    @Override
    public void close() throws IOException {
        door.close();
        shut();
    }

    private void acceptAll() {
        while (!door.isClosed()) {
            try {
                relay(door.accept());
            } catch (IOException error) {
                continue; // the door is closed, or the server is not there: the client sees its connection end
            }
        }
    }

    private void relay(Socket client) throws IOException {
        Socket server = connect(client);
        if (server != null) {
            daemon(() -> copy(client, server));
            daemon(() -> copy(server, client));
        }
    }

    /** The connection that serves a client's, or null when the client is turned away. */
    private synchronized Socket connect(Socket client) throws IOException {
        if (!open) {
            client.close();
            return null;
        }
        sockets.add(client);
        try {
            Socket server = new Socket(host, port);
            server.setTcpNoDelay(true);
            client.setTcpNoDelay(true);
            sockets.add(server);
            return server;
        } catch (IOException error) {
            client.close();
            throw error;
        }
    }

    private static void copy(Socket from, Socket to) {
        byte[] buffer = new byte[65536];
        try (InputStream in = from.getInputStream(); OutputStream out = to.getOutputStream()) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                out.write(buffer, 0, count);
            }
        } catch (IOException error) {
            closeQuietly(to); // the end of one side is the end of the other
        }
    }

    private static void daemon(Runnable task) {
        Thread thread = new Thread(task, "gate");
        thread.setDaemon(true);
        thread.start();
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException error) {
            return; // it is closed all the same
        }
    }
}
