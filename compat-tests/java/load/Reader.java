package compat.load;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/** Reads what one server has, all before the connect included. */
final class Reader implements AutoCloseable {
    private static final int TIMEOUT_MS = 30_000;

    private final ZooKeeper client;

    Reader(String server) throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        client = new ZooKeeper(server, TIMEOUT_MS, event -> {
            if (event.getState() == KeeperState.SyncConnected) {
                connected.countDown();
            }
        });
        if (!connected.await(TIMEOUT_MS, TimeUnit.MILLISECONDS)) {
            throw new AssertionError(server + " takes no client");
        }
        CountDownLatch synced = new CountDownLatch(1);
        client.sync("/", (rc, path, context) -> synced.countDown(), null);
        synced.await();
    }

    byte[] data(String path, Stat stat) throws Exception {
        try {
            return client.getData(path, false, stat);
        } catch (KeeperException.NoNodeException error) {
            throw new AssertionError(path + " is not there");
        }
    }

    List<String> children(String path) throws Exception {
        return client.getChildren(path, false);
    }

    @Override
    public void close() throws Exception {
        client.close();
    }
}
