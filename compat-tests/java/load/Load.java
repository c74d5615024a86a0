package compat.load;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Many sessions of Apache's own client on an ensemble whose servers come and go. Arguments are name=value: connect (the servers),
 * root (a znode of its own), sessions, watches, rate (writes each second, over all sessions), timeout (of sessions, ms).
 *
 * <p>It says "ready" when all sessions have what they begin with, and then does what the lines on stdin say, one answer each:
 * mark (a stretch begins, for the longest time without a write), move (sessions change servers, with id and password),
 * stats, pause (no more writes; waits for all that is under way), resume, check SERVER (all that was acknowledged is on this
 * server), quit. An answer that begins with "failed" says what an ensemble has lost.
 */
public final class Load {
    private static final long NANOS = 1_000_000_000L;

    private final List<Session> sessions = new ArrayList<>();
    private final Ledger ledger = new Ledger();
    private final long nanosPerWrite;
    private volatile boolean paused;
    private volatile boolean over;
    private int nextToMove;

    private Load(Map<String, String> settings) throws Exception {
        int count = Integer.parseInt(settings.get("sessions"));
        int watches = Integer.parseInt(settings.get("watches"));
        int timeoutMs = Integer.parseInt(settings.get("timeout"));
        nanosPerWrite = NANOS / Integer.parseInt(settings.get("rate"));
        for (int number = 0; number < count; number++) {
            sessions.add(new Session(settings.get("connect"), settings.get("root"), number, timeoutMs, ledger));
        }
        sessions.get(0).makeRoot();
        for (Session session : sessions) {
            session.begin();
        }
        for (int watch = 0; watch < watches; watch++) {
            int watched = (watch / count + watch + 1) % count;
            sessions.get(watch % count).watch(sessions.get(watched).path());
        }
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> settings = new TreeMap<>();
        for (String argument : arguments) {
            String[] parts = argument.split("=", 2);
            settings.put(parts[0], parts[1]);
        }
        Load load = new Load(settings);
        Thread writer = new Thread(load::write, "writer");
        writer.setDaemon(true);
        writer.start();
        System.out.println("ready");
        load.obey();
        System.exit(0); // clients whose servers are away would keep the process for a while
    }

    private void obey() throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null && !line.equals("quit"); line = lines.readLine()) {
            System.out.println(answer(line.split(" ")));
        }
        over = true;
    }

    private String answer(String[] words) {
        try {
            return done(words);
        } catch (Exception | AssertionError error) {
            return ("failed " + error).replaceAll("\\s+", " ");
        }
    }

    private String done(String[] words) throws Exception {
        switch (words[0]) {
            case "mark":
                ledger.mark();
                return "marked";
            case "move":
                return move(Integer.parseInt(words[1]));
            case "stats":
                return ledger.stats();
            case "pause":
                return pause();
            case "resume":
                paused = false;
                ledger.mark();
                return "resumed";
            case "check":
                return check(words[1]);
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    /** One write after the other, each by the next session that can, at an even pace. */
    private void write() {
        long due = System.nanoTime();
        for (int turn = 0; !over; turn++) {
            if (paused) {
                LockSupport.parkNanos(NANOS / 1000);
                due = System.nanoTime();
                continue;
            }
            sessions.get(turn % sessions.size()).write();
            due = Math.max(due + nanosPerWrite, System.nanoTime() - NANOS / 10);
            LockSupport.parkNanos(due - System.nanoTime());
        }
    }

    private String move(int count) throws Exception {
        for (int moved = 0; moved < count; moved++) {
            sessions.get(nextToMove++ % sessions.size()).move();
        }
        return "moved " + count;
    }

    private String pause() throws Exception {
        paused = true;
        for (Session session : sessions) {
            session.settle();
        }
        for (Session session : sessions) {
            session.expectNewestSeen(sessions);
        }
        ledger.expectNoFailure();
        return "paused " + ledger.stats();
    }

    private String check(String server) throws Exception {
        try (Reader reader = new Reader(server)) {
            for (Session session : sessions) {
                session.check(reader);
            }
        }
        ledger.expectNoFailure();
        return "checked " + sessions.size();
    }
}
