package ironkeeper.suite;

import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/**
 * One server as a process of its own, of the kind that suite.server names, started from a zoo.cfg.
 *
 * <p>Knows nothing of tests. What it writes goes to a file in suite.workdir, one for each start.
 */
public final class ServerProcess {
    private static final long START_DEADLINE_MS = 40_000;
    private static final long STOP_DEADLINE_MS = 20_000;
    private static final int POLL_MS = 50;
    private static final int LOG_LINES_SHOWN = 25;
    private static final AtomicInteger STARTED = new AtomicInteger();

    private final Process process;
    private final Path log;

    private ServerProcess(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /**
     * Starts a server and returns at once. It has the properties that the test has set in this JVM, and above them those
     * given here. `words` asks it at the port that its zoo.cfg names for clients, if it names one.
     */
    public static ServerProcess start(Path zooCfg, Map<String, String> properties, Optional<FourLetters> words)
            throws IOException {
        Map<String, String> all = HandedOver.properties();
        JaasSections.handOver(all);
        all.putAll(properties);
        Path log = newLog();
        List<String> command = ServerKind.chosen().command(all, zooCfg.toString());
        Process process = new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
            .start();
        LiveProcesses.add(process, words);
        return new ServerProcess(process, log);
    }

    /** The servers that run now and can be asked. */
    public static List<FourLetters> toAsk() {
        return LiveProcesses.toAsk();
    }

    /** A new directory in suite.workdir, for a zoo.cfg or for data. */
    public static Path newDirectory(String name) throws IOException {
        Path workdir = Files.createDirectories(Path.of(ServerKind.required("suite.workdir")));
        return Files.createTempDirectory(workdir, name + "-");
    }

    /**
     * Returns once the server takes connections on a port of 127.0.0.1 and, where it can be asked there, says its mode.
     *
     * @throws IOException with the end of the log when the process ends, or takes more than 40 s
     */
    public void awaitServing(int port) throws IOException, InterruptedException {
        awaitServing("127.0.0.1", port);
    }

    /** As {@link #awaitServing(int)}, on another address of this machine. */
    public void awaitServing(String host, int port) throws IOException, InterruptedException {
        await(() -> serves(new FourLetters(host, port, false)), "serve on " + host + " port " + port);
    }

    /** Returns once the server takes connections on a port, which need not be a client's: one for TLS cannot be asked. */
    public void awaitListening(int port) throws IOException, InterruptedException {
        await(() -> accepts(port), "listen on port " + port);
    }

    /** True while the process runs. */
    public boolean isAlive() {
        return process.isAlive();
    }

    /** The process id. */
    public long pid() {
        return process.pid();
    }

    /** All that the server has written since it was started. */
    public String log() throws IOException {
        return Files.readString(log, StandardCharsets.UTF_8);
    }

    /** SIGTERM, and a wait for the end; a server that needs more than 20 s is killed, and that is an error. */
    public void stop() throws IOException, InterruptedException {
        process.destroy();
        if (!process.waitFor(STOP_DEADLINE_MS, TimeUnit.MILLISECONDS)) {
            kill();
            throw new IOException("the server did not end within " + STOP_DEADLINE_MS + " ms of SIGTERM\n" + logTail());
        }
    }

    /** SIGKILL, and a wait for the end. */
    public void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** Waits for the process to end by itself and returns its exit code. */
    public int waitFor() throws InterruptedException {
        return process.waitFor();
    }

    private void await(Condition condition, String what) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(START_DEADLINE_MS);
        while (!condition.holds()) {
            if (!isAlive()) {
                throw new IOException("the server ended with code " + process.exitValue() + " at start\n" + logTail());
            }
            if (System.nanoTime() > deadline) {
                throw new IOException("the server did not " + what + " within " + START_DEADLINE_MS + " ms\n" + logTail());
            }
            Thread.sleep(POLL_MS);
        }
    }

    private boolean serves(FourLetters words) {
        if (!isAlive()) {
            return false;
        }
        try {
            String answer = words.ask("srvr");
            return answer.contains("\nMode: ") || !FourLetters.executed(answer);
        } catch (IOException notYet) {
            return false;
        }
    }

    private boolean accepts(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress("127.0.0.1", port), 1000);
            return isAlive();
        } catch (IOException notYet) {
            return false;
        }
    }

    private String logTail() throws IOException {
        List<String> lines = log().lines().collect(Collectors.toList());
        return String.join("\n", lines.subList(Math.max(0, lines.size() - LOG_LINES_SHOWN), lines.size()));
    }

    private static Path newLog() throws IOException {
        Path workdir = Files.createDirectories(Path.of(ServerKind.required("suite.workdir")));
        Path log = workdir.resolve("server-" + STARTED.incrementAndGet() + ".log");
        Files.deleteIfExists(log);
        return log;
    }

    /** Something that comes true in time. */
    @FunctionalInterface
    private interface Condition {
        boolean holds();
    }
}
