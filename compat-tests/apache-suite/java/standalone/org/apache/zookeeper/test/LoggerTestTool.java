package org.apache.zookeeper.test;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.Encoder;
import ironkeeper.suite.AuditLines;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.apache.zookeeper.audit.Slf4jAuditLogger;
import org.slf4j.LoggerFactory;

/**
 * Stands in for Apache's class of this name, which gives a test what a logger writes. The audit's logger writes in the
 * servers' processes; every other one, as a client's, in this JVM.
 */
public class LoggerTestTool implements AutoCloseable {
    private final Logger logger;
    private final ByteArrayOutputStream lines;
    private final Copy copy = new Copy();

    public LoggerTestTool(Class<?> cls) {
        this(cls, Level.INFO);
    }

    public LoggerTestTool(Class<?> cls, Level level) {
        this(cls.getName(), level);
    }

    public LoggerTestTool(String name) {
        this(name, Level.INFO);
    }

    private LoggerTestTool(String name, Level level) {
        lines = name.equals(Slf4jAuditLogger.class.getName()) ? new AuditLines() : new ByteArrayOutputStream();
        logger = logger(name);
        logger.setLevel(level);
        logger(Logger.ROOT_LOGGER_NAME).setLevel(level);
        copy.start();
        logger.addAppender(copy);
    }

    public ByteArrayOutputStream getOutputStream() {
        return lines;
    }

    /** The first line with this text, or null; all that was written until now is gone then. */
    public String readLogLine(String search) throws IOException {
        String found = lines.toString().lines().filter(line -> line.contains(search)).findFirst().orElse(null);
        lines.reset();
        return found;
    }

    @Override
    public void close() throws Exception {
        logger.detachAppender(copy);
        lines.close();
    }

    private static Logger logger(String name) {
        return (Logger) LoggerFactory.getLogger(name);
    }

    /** Writes what the logger writes in this JVM in the form of the appender CONSOLE. */
    private final class Copy extends AppenderBase<ILoggingEvent> {
        private final Encoder<ILoggingEvent> form =
            ((OutputStreamAppender<ILoggingEvent>) logger(Logger.ROOT_LOGGER_NAME).getAppender("CONSOLE")).getEncoder();

        @Override
        protected void append(ILoggingEvent event) {
            lines.writeBytes(form.encode(event));
        }
    }
}
