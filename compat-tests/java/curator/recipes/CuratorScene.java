package compat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryUntilElapsed;

/** One check's own place: two clients, a gate for one of them, a path to work below; all closed at its end. */
final class CuratorScene implements AutoCloseable {
    static final RetryUntilElapsed RETRY = new RetryUntilElapsed(Expect.DEADLINE_S * 1000, 50);
    private static final int TIMEOUT_MS = 15_000;

    final String home;
    final Gate gate;
    /** Goes through the gate. */
    final CuratorFramework first;
    final CuratorFramework second;
    private final List<AutoCloseable> opened = new ArrayList<>();

    CuratorScene(String address, String home) throws Exception {
        this.home = home;
        gate = closing(new Gate(address));
        first = client(gate.address());
        second = client(gate.address());
    }

    String path(String name) {
        return home + name;
    }

    /** Closes a recipe at the scene's end, before the clients. */
    <T extends AutoCloseable> T closing(T thing) {
        opened.add(thing);
        return thing;
    }

    /**
     * Restarts the server and returns when the first client has seen its connection go and come back and has its watches
     * again: they are sent before the request whose answer is waited for.
     */
    void restart() throws Exception {
        CompletableFuture<Void> back = new CompletableFuture<>();
        first.getConnectionStateListenable().addListener((client, state) -> {
            if (state == ConnectionState.RECONNECTED) {
                back.complete(null);
            }
        });
        Driver.restart(gate);
        back.get(Expect.DEADLINE_S, TimeUnit.SECONDS);
        first.checkExists().forPath(home);
    }

    private CuratorFramework client(String address) throws Exception {
        CuratorFramework client = closing(CuratorFrameworkFactory.newClient(address, TIMEOUT_MS, TIMEOUT_MS, RETRY));
        client.start();
        Expect.holds(client.blockUntilConnected(Expect.DEADLINE_S, TimeUnit.SECONDS), "connected");
        return client;
    }

    @Override
    public void close() throws Exception {
        for (int at = opened.size() - 1; at >= 0; at--) {
            opened.get(at).close();
        }
    }
}
