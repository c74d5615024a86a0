package ironkeeper.suite;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The lines of the audit, as a stream that a test reads: they are taken out of the logs of servers' processes when they are
 * asked for. Both kinds of server write a request's line before they answer it, so it is there when its client has the reply.
 *
 * <p>For two kinds of lines no client waits, so a reader waits here, until they must have been written: those of starts, which
 * Apache's main classes write when the server serves already, and those of txns that other members of an ensemble still apply.
 */
public final class AuditLines extends ByteArrayOutputStream {
    /** The audit's logger, behind which ironkeeper also writes a number. */
    private static final Pattern LINE = Pattern.compile("\\bSlf4jAuditLogger(@[0-9]+])? - ");
    private static final String START = "\toperation=serverStart\t";
    private static final long DEADLINE_MS = 10_000;

    private static final List<Log> LOGS = new CopyOnWriteArrayList<>();

    /**
     * Reads the log of a process that has just been started. The line of its start is left out where `hasMain` is false: Apache's
     * main classes write it, and a test that starts a server by a factory of connections has none.
     */
    static void follow(ServerProcess process, boolean hasMain) {
        LOGS.add(new Log(process, hasMain));
    }

    @Override
    public synchronized String toString() {
        fetch();
        return super.toString();
    }

    @Override
    public synchronized byte[] toByteArray() {
        fetch();
        return super.toByteArray();
    }

    @Override
    public synchronized void reset() {
        fetch();
        super.reset();
    }

    private void fetch() {
        Poll.until(() -> LOGS.stream().allMatch(Log::hasStart), DEADLINE_MS, "some server has not written that it has started");
        awaitOthers();
        LOGS.forEach(log -> log.next().forEach(line -> writeBytes((line + "\n").getBytes(StandardCharsets.UTF_8))));
    }

    /** A server says the zxid of a txn only when it has applied it, and has written what the audit says of that. */
    private static void awaitOthers() {
        List<ServerAnswers> servers = ServerProcess.toAsk().stream().map(ServerAnswers::new).collect(Collectors.toList());
        long newest = servers.stream().map(ServerAnswers::zxid).max(Long::compareUnsigned).orElse(0L);
        Poll.until(() -> servers.stream().noneMatch(server -> Long.compareUnsigned(server.zxid(), newest) < 0), DEADLINE_MS,
            "some server has not applied zxid 0x" + Long.toHexString(newest));
    }

    /** The log of one process, and how much of it is read. */
    private static final class Log {
        private final ServerProcess process;
        private final boolean hasMain;
        private int read;

        Log(ServerProcess process, boolean hasMain) {
            this.process = process;
            this.hasMain = hasMain;
        }

        /** False while a process that runs has not written the line of its start. */
        boolean hasStart() {
            return !process.isAlive() || text().contains(START);
        }

        /** The audit's lines that have been written since the last time. */
        List<String> next() {
            String text = text();
            int end = Math.max(read, text.lastIndexOf('\n') + 1);
            List<String> lines = text.substring(read, end).lines()
                .filter(line -> LINE.matcher(line).find() && (hasMain || !line.contains(START)))
                .collect(Collectors.toList());
            read = end;
            return lines;
        }

        private String text() {
            try {
                return process.log();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
