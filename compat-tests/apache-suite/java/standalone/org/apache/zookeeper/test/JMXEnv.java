package org.apache.zookeeper.test;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import ironkeeper.suite.Beans;
import ironkeeper.suite.NotBridged;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stands in for Apache's class of this name: what is registered is asked of the servers' processes. Attributes of beans
 * cannot be had.
 */
public class JMXEnv {
    protected static final Logger LOG = LoggerFactory.getLogger(JMXEnv.class);
    private static final long DEADLINE_MS = 60_000;
    private static final int POLL_MS = 50;

    /** There is no connection to open: processes are asked anew each time. */
    public static void setUp() {
    }

    /** Nothing is held. */
    public static void tearDown() {
    }

    /**
     * Waits until each name is part of a bean's, and returns the beans that no name was found in. The bean of a connection that
     * the server closes at once is gone before a process can be asked: then its session tells that it was there.
     */
    public static Set<ObjectName> ensureAll(String... expectedNames) throws InterruptedException {
        Set<ObjectName> rest = new HashSet<>();
        await(() -> {
            rest.clear();
            rest.addAll(Beans.registered());
            return Arrays.stream(expectedNames).allMatch(
                name -> take(rest, bean -> bean.toString().contains(name)) || Beans.wasOfEndedConnection(name));
        }, () -> "no beans are named " + Arrays.toString(expectedNames));
        return rest;
    }

    /** Waits until each name ends a bean's name, but for a suffix, and returns the beans that no name was found in. */
    public static Set<ObjectName> ensureParent(String... expectedNames) throws InterruptedException {
        Set<ObjectName> rest = new HashSet<>();
        await(() -> {
            rest.clear();
            rest.addAll(Beans.registered());
            return Arrays.stream(expectedNames).allMatch(name -> take(rest, bean -> lastPart(bean).contains(name)));
        }, () -> "no beans end in " + Arrays.toString(expectedNames));
        return rest;
    }

    /** As {@link #ensureAll}, and no other bean is there. */
    public static Set<ObjectName> ensureOnly(String... expectedNames) throws InterruptedException {
        Set<ObjectName> rest = ensureAll(expectedNames);
        assertTrue(rest.isEmpty(), () -> "these beans are too many: " + rest);
        return rest;
    }

    /** Waits until no name is part of a bean's. */
    public static void ensureNone(String... expectedNames) throws InterruptedException {
        await(() -> Beans.registered().stream().noneMatch(
            bean -> Arrays.stream(expectedNames).anyMatch(bean.toString()::contains)),
            () -> "there are beans named as " + Arrays.toString(expectedNames));
    }

    /** Writes all names to the log. */
    public static void dump() {
        Beans.registered().forEach(bean -> LOG.info("bean {}", bean));
    }

    public static MBeanServerConnection conn() {
        throw new NotBridged("JMXEnv.conn");
    }

    public static Object ensureBeanAttribute(String expectedName, String expectedAttribute) {
        throw new NotBridged("JMXEnv.ensureBeanAttribute");
    }

    public static List<ObjectName> getServerBeans() {
        throw new NotBridged("JMXEnv.getServerBeans");
    }

    public static ObjectName getServerBean() {
        throw new NotBridged("JMXEnv.getServerBean");
    }

    /** Takes one bean out of the set, if there is one of this kind. */
    private static boolean take(Set<ObjectName> beans, Predicate<ObjectName> kind) {
        return beans.stream().filter(kind).findAny().map(beans::remove).orElse(false);
    }

    private static String lastPart(ObjectName bean) {
        String text = bean.toString();
        return text.substring(text.lastIndexOf('=') + 1);
    }

    private static void await(BooleanSupplier condition, Supplier<String> otherwise)
            throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(DEADLINE_MS);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                fail(otherwise.get() + "; there are " + Beans.registered());
            }
            Thread.sleep(POLL_MS);
        }
    }
}
