package compat;

import org.apache.zookeeper.ZooKeeper;

/** A client handle with the events of its session, which are also those of its default watcher. */
final class Client {
    final ZooKeeper zk;
    final Events events;

    Client(ZooKeeper zk, Events events) {
        this.zk = zk;
        this.events = events;
    }
}
