package compat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Collects the checks of one run and gives each a scene of its own. */
final class Checks {
    /** What a check does in its scene. */
    @FunctionalInterface
    interface Body {
        void run(Scene scene) throws Exception;
    }

    private final String address;
    private final String root;
    private final List<Check> together = new ArrayList<>();
    private final List<Check> alone = new ArrayList<>();
    private final AtomicInteger scenes = new AtomicInteger();

    /** @param args the server's host:port and the start of the paths of all znodes of this run */
    Checks(String[] args) {
        address = args[0];
        root = args[1];
    }

    void add(String claim, Body body) {
        together.add(new Check(claim, () -> play(body)));
    }

    /** A check that restarts the server, and so cannot run beside others. */
    void addAlone(String claim, Body body) {
        alone.add(new Check(claim, () -> play(body)));
    }

    void run() throws Exception {
        Program.run(together, alone);
    }

    private void play(Body body) throws Exception {
        try (Scene scene = new Scene(address, root + "-" + scenes.incrementAndGet())) {
            body.run(scene);
        }
    }
}
