package compat;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.shared.SharedCountListener;
import org.apache.curator.framework.recipes.shared.SharedCountReader;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;

/** Counters, queues, nodes that are kept in being, transactions. */
final class Values {
    private static final int TTL_MS = 2_000;

    private Values() {
    }

    static void addTo(CuratorChecks checks) {
        checks.add("DistributedAtomicLong counts from two clients", Values::atomicLong);
        checks.add("SharedCount tells its listeners", Values::sharedCount);
        checks.add("SimpleDistributedQueue gives in the order of offers", Values::simpleQueue);
        checks.add("DistributedQueue hands on each item once", Values::queue);
        checks.add("PersistentNode comes back when it is deleted", Values::persistentNode);
        checks.add("PersistentTtlNode stays while it is kept, and goes then", Values::persistentTtlNode);
        checks.add("a transaction is done whole or not at all", Values::transaction);
        checks.add("a protected ephemeral sequential create is found by its owner", Values::protection);
        checks.addAlone("a persistent node and a shared count go on after a restart", Values::restart);
    }

    private static void atomicLong(CuratorScene scene) throws Exception {
        DistributedAtomicLong first = new DistributedAtomicLong(scene.first, scene.path("/n"), CuratorScene.RETRY);
        DistributedAtomicLong second = new DistributedAtomicLong(scene.second, scene.path("/n"), CuratorScene.RETRY);
        Expect.holds(first.increment().succeeded(), "incremented");
        AtomicValue<Long> added = second.add(41L);
        Expect.equal(added.preValue() + " " + added.postValue(), "1 42", "before and after");
        Expect.holds(!first.compareAndSet(1L, 7L).succeeded(), "an old value is refused");
        Expect.equal(first.get().postValue(), 42L, "value");
    }

    private static void sharedCount(CuratorScene scene) throws Exception {
        SharedCount first = started(scene, scene.first);
        SharedCount second = started(scene, scene.second);
        BlockingQueue<Integer> seen = countEvents(first);
        second.setCount(7);
        Expect.equal(Expect.next(seen, "count"), 7, "count");
        Expect.holds(first.trySetCount(first.getVersionedValue(), 8), "set from the value seen");
        Expect.eventually(() -> second.getCount() == 8, "8 is seen by the other");
        first.setCount(9);
        Expect.eventually(() -> second.getCount() == 9, "9 is seen by the other");
    }

    private static SharedCount started(CuratorScene scene, CuratorFramework client) throws Exception {
        SharedCount count = scene.closing(new SharedCount(client, scene.path("/count"), 1));
        count.start();
        Expect.equal(count.getCount(), 1, "seed");
        return count;
    }

    private static BlockingQueue<Integer> countEvents(SharedCount count) {
        BlockingQueue<Integer> seen = new LinkedBlockingQueue<>();
        count.addListener(new SharedCountListener() {
            @Override
            public void countHasChanged(SharedCountReader reader, int newCount) {
                seen.add(newCount);
            }

            @Override
            public void stateChanged(CuratorFramework client, ConnectionState state) {
                // what matters is the count
            }
        });
        return seen;
    }

    private static void simpleQueue(CuratorScene scene) throws Exception {
        SimpleDistributedQueue queue = new SimpleDistributedQueue(scene.first, scene.path("/queue"));
        queue.offer("one".getBytes());
        queue.offer("two".getBytes());
        SimpleDistributedQueue other = new SimpleDistributedQueue(scene.second, scene.path("/queue"));
        Expect.equal(new String(other.take()), "one", "first");
        Expect.equal(new String(other.poll()), "two", "second");
        Expect.equal(other.poll(), null, "empty");
    }

    private static void queue(CuratorScene scene) throws Exception {
        BlockingQueue<String> taken = new LinkedBlockingQueue<>();
        QueueConsumer<String> consumer = new Consumer(taken);
        DistributedQueue<String> in = scene.closing(QueueBuilder.builder(scene.first, null, new Text(),
                scene.path("/queue")).buildQueue());
        DistributedQueue<String> out = scene.closing(QueueBuilder.builder(scene.second, consumer, new Text(),
                scene.path("/queue")).lockPath(scene.path("/queue-lock")).buildQueue());
        in.start();
        in.put("one");
        in.put("two");
        out.start();
        List<String> both = List.of(Expect.next(taken, "first"), Expect.next(taken, "second"));
        Expect.equal(both.stream().sorted().collect(Collectors.toList()), List.of("one", "two"), "taken");
        Expect.eventually(() -> scene.first.getChildren().forPath(scene.path("/queue")).isEmpty(), "the queue is empty");
        Expect.equal(taken.peek(), null, "more");
    }

    private static void persistentNode(CuratorScene scene) throws Exception {
        PersistentNode node = persistentNode(scene, "kept");
        Expect.equal(new String(scene.second.getData().forPath(scene.path("/node"))), "kept", "data");
        long created = scene.second.checkExists().forPath(scene.path("/node")).getCzxid();
        scene.second.delete().forPath(scene.path("/node"));
        Expect.eventually(() -> scene.second.checkExists().forPath(scene.path("/node")) != null, "it is back");
        Expect.holds(scene.second.checkExists().forPath(scene.path("/node")).getCzxid() > created, "a new znode");
        node.close();
        Expect.equal(scene.second.checkExists().forPath(scene.path("/node")), null, "after close");
    }

    private static PersistentNode persistentNode(CuratorScene scene, String data) throws Exception {
        PersistentNode node = scene.closing(new PersistentNode(scene.first, CreateMode.EPHEMERAL, false,
                scene.path("/node"), data.getBytes()));
        node.start();
        Expect.holds(node.waitForInitialCreate(Expect.DEADLINE_S, TimeUnit.SECONDS), "created");
        return node;
    }

    private static void persistentTtlNode(CuratorScene scene) throws Exception {
        PersistentTtlNode node = scene.closing(new PersistentTtlNode(scene.first, scene.path("/ttl"), TTL_MS,
                "kept".getBytes()));
        node.start();
        Expect.holds(node.waitForInitialCreate(Expect.DEADLINE_S, TimeUnit.SECONDS), "created");
        String touch = scene.path("/ttl/" + PersistentTtlNode.DEFAULT_CHILD_NODE_NAME);
        Expect.eventually(() -> scene.second.checkExists().forPath(touch) != null, "the child is made");
        int version = scene.second.checkExists().forPath(touch).getVersion();
        Expect.eventually(() -> scene.second.checkExists().forPath(touch).getVersion() > version + 1, "it is touched");
        Expect.equal(new String(scene.second.getData().forPath(scene.path("/ttl"))), "kept", "data");
        node.close();
        Expect.eventually(() -> scene.second.checkExists().forPath(scene.path("/ttl")) == null, "it is gone");
    }

    private static void transaction(CuratorScene scene) throws Exception {
        CuratorFramework client = scene.first;
        client.create().forPath(scene.home);
        List<CuratorTransactionResult> results = client.transaction().forOperations(
                client.transactionOp().create().forPath(scene.path("/a"), "1".getBytes()),
                client.transactionOp().setData().forPath(scene.path("/a"), "2".getBytes()),
                client.transactionOp().check().withVersion(1).forPath(scene.path("/a")));
        Expect.equal(results.get(0).getResultPath() + results.get(1).getResultStat().getVersion(),
                scene.path("/a") + 1, "results");
        Expect.refused(KeeperException.BadVersionException.class, () -> client.transaction().forOperations(
                client.transactionOp().create().forPath(scene.path("/b")),
                client.transactionOp().delete().withVersion(7).forPath(scene.path("/a"))), "wrong version");
        Expect.equal(client.checkExists().forPath(scene.path("/b")), null, "the create before it");
    }

    private static void protection(CuratorScene scene) throws Exception {
        String path = scene.first.create().creatingParentContainersIfNeeded().withProtection()
                .withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(scene.path("/p-"));
        Expect.holds(path.matches(".*/_c_[0-9a-f-]{36}-p-0000000000"), "name " + path);
    }

    private static void restart(CuratorScene scene) throws Exception {
        persistentNode(scene, "kept");
        SharedCount count = started(scene, scene.first);
        scene.restart();
        Expect.eventually(() -> scene.second.checkExists().forPath(scene.path("/node")) != null, "the node is there");
        SharedCount other = started(scene, scene.second);
        other.setCount(5);
        Expect.eventually(() -> count.getCount() == 5, "5 is seen by the first");
    }

    /** Keeps what it is given. */
    private static final class Consumer implements QueueConsumer<String> {
        private final BlockingQueue<String> taken;

        Consumer(BlockingQueue<String> taken) {
            this.taken = taken;
        }

        @Override
        public void consumeMessage(String message) {
            taken.add(message);
        }

        @Override
        public void stateChanged(CuratorFramework client, ConnectionState state) {
            // what matters is the messages
        }
    }

    private static final class Text implements QueueSerializer<String> {
        @Override
        public byte[] serialize(String item) {
            return item.getBytes();
        }

        @Override
        public String deserialize(byte[] bytes) {
            return new String(bytes);
        }
    }
}
