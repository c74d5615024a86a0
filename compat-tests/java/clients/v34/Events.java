package compat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;

/** A watcher that keeps what it is told, session states and watch events apart. */
final class Events implements Watcher {
    private final BlockingQueue<KeeperState> states = new LinkedBlockingQueue<>();
    private final BlockingQueue<WatchedEvent> events = new LinkedBlockingQueue<>();

    @Override
    public void process(WatchedEvent event) {
        if (event.getType() == EventType.None) {
            states.add(event.getState());
        } else {
            events.add(event);
        }
    }

    /** The next watch event is this one. */
    void expect(EventType type, String path) throws InterruptedException {
        WatchedEvent event = Expect.next(events, type + " " + path);
        Expect.equal(event.getType() + " " + event.getPath(), type + " " + path, "event");
    }

    /** No watch event has come. All that a server sent before a reply is here when the reply is. */
    void expectNone() {
        Expect.equal(events.peek(), null, "event");
    }

    /** The next state of the session is this one. */
    void expect(KeeperState state) throws InterruptedException {
        Expect.equal(Expect.next(states, "state " + state), state, "state");
    }

    /** Passes over the states up to and with this one. */
    void until(KeeperState state) throws InterruptedException {
        while (Expect.next(states, "state " + state) != state) {
            continue;
        }
    }
}
