package compat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A relay in front of the server, with an address of its own. While it is shut, nothing gets through and new connections are
 * refused, as by a host whose server is down. One that took them and closed them at once would meet a race in the Netty
 * client, which hangs when its connection has ended before it has put its listener on the attempt.
 */
final class Gate implements AutoCloseable {
    /** Nothing else listens here, so that the port of a shut gate is not taken by a server. */
    private static final String HOST = "127.0.0.2";

    private final InetSocketAddress address;
    private final InetSocketAddress server;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private ServerSocket door;
    private Thread doorman;

    /** A gate to a server's {@code host:port}. */
    Gate(String server) throws IOException {
        int colon = server.lastIndexOf(':');
        this.server = new InetSocketAddress(server.substring(0, colon), Integer.parseInt(server.substring(colon + 1)));
        listen(0);
        address = (InetSocketAddress) door.getLocalSocketAddress();
    }

    String address() {
        return HOST + ":" + address.getPort();
    }

    /** Refuses new connections and cuts those that are there. */
    void shut() throws IOException, InterruptedException {
        door.close();
        doorman.join(); // until it has come back from accept, the kernel keeps the port
        cut();
    }

    void open() throws IOException {
        listen(address.getPort());
    }

    /** Cuts the connections that are there; clients may come back at once. */
    synchronized void cut() {
        sockets.forEach(Gate::closeQuietly);
        sockets.clear();
    }

    @Override
    public void close() throws IOException, InterruptedException {
        shut();
    }

    private void listen(int port) throws IOException {
        ServerSocket listening = new ServerSocket();
        listening.setReuseAddress(true); // connections that were cut may still be waiting for their end
        listening.bind(new InetSocketAddress(HOST, port));
        door = listening;
        doorman = daemon(() -> acceptAll(listening));
    }

    private void acceptAll(ServerSocket listening) {
        while (!listening.isClosed()) {
            try {
                relay(listening, listening.accept());
            } catch (IOException error) {
                continue; // the door is closed, or the server is not there: the client sees its connection end
            }
        }
    }

    private void relay(ServerSocket listening, Socket client) throws IOException {
        Socket relayed = connect(listening, client);
        if (relayed != null) {
            daemon(() -> copy(client, relayed));
            daemon(() -> copy(relayed, client));
        }
    }

    /** The connection that serves a client's, or null when the gate was shut meanwhile. */
    private synchronized Socket connect(ServerSocket listening, Socket client) throws IOException {
        if (listening.isClosed()) {
            client.close();
            return null;
        }
        sockets.add(client);
        try {
            Socket relayed = new Socket(server.getAddress(), server.getPort());
            relayed.setTcpNoDelay(true);
            client.setTcpNoDelay(true);
            sockets.add(relayed);
            return relayed;
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

    private static Thread daemon(Runnable task) {
        Thread thread = new Thread(task, "gate");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException error) {
            return; // it is closed all the same
        }
    }
}
