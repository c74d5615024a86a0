package ironkeeper.suite;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.zookeeper.ClientsHere;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.server.DataTree;
import org.apache.zookeeper.server.ServerCnxn;
import org.apache.zookeeper.server.ZKDatabase;
import org.apache.zookeeper.server.ZooKeeperServer;

/** What tests ask the objects of a server in their JVM, asked of the server's process. */
final class Questions {
    private static final Pattern MNTR_LINE = Pattern.compile("zk_(\\S+)\\t(.*)");
    private static final Pattern CONNECTION = Pattern.compile("(?m)^ /(.*):([0-9]+)\\[");

    private final FourLetters words;

    Questions(FourLetters words) {
        this.words = words;
    }

    /** The whole answer to a four letter word. */
    String ask(String word) {
        try {
            return words.ask(word);
        } catch (IOException e) {
            throw new UncheckedIOException("the server did not answer " + word, e);
        }
    }

    /** The numbers of mntr, without the zk_ in front of their names. */
    Map<String, Number> mntr() {
        return ask("mntr").lines().map(MNTR_LINE::matcher).filter(Matcher::matches)
            .filter(line -> isNumber(line.group(2)))
            .collect(Collectors.toMap(line -> line.group(1), line -> number(line.group(2))));
    }

    /** One number of mntr. */
    Number mntr(String name) {
        Number number = mntr().get(name);
        if (number == null) {
            throw new IllegalStateException("mntr has no number zk_" + name);
        }
        return number;
    }

    /**
     * The ids of the sessions that have a connection to the server: it lists the connections in stat, the word that every
     * test allows, and the clients of this JVM know which is whose.
     */
    List<Long> sessions() {
        return connected().map(ClientsHere::sessionAt).flatMap(Optional::stream).collect(Collectors.toList());
    }

    /** The clients' ends of all connections to the server, those without a session too. */
    private Stream<InetSocketAddress> connected() {
        return CONNECTION.matcher(ask("stat")).results()
            .map(match -> new InetSocketAddress(match.group(1), Integer.parseInt(match.group(2))));
    }

    /** True if the server has a session of this id, written with 0x, with a connection or without. */
    boolean tracks(String session) {
        return ask("dump").lines().anyMatch(line -> line.equals("\t" + session));
    }

    /** The connections that have sessions of clients of this JVM. */
    List<ServerCnxn> connections() {
        return connected().flatMap(end -> ClientsHere.sessionAt(end).map(id -> connection(end, id)).stream())
            .collect(Collectors.toList());
    }

    private static ServerCnxn connection(InetSocketAddress clientsEnd, long sessionId) {
        return new StandIn<>(ServerCnxn.class)
            .on("getSessionId", none -> sessionId)
            .on("getRemoteSocketAddress", none -> clientsEnd)
            .on("getAuthInfo", none -> ClientsHere.whoAmI(sessionId))
            .make();
    }

    ZooKeeperServer server(ZooKeeperServer configured, StandaloneServer process) {
        return new StandIn<>(ZooKeeperServer.class)
            .on("getZKDatabase", none -> configured.getZKDatabase())
            .on("getTickTime", none -> configured.getTickTime())
            .on("getMinSessionTimeout", none -> configured.getMinSessionTimeout())
            .on("getMaxSessionTimeout", none -> configured.getMaxSessionTimeout())
            .on("setMinSessionTimeout", ms -> restart(process, "minSessionTimeout", ms[0]))
            .on("setMaxSessionTimeout", ms -> restart(process, "maxSessionTimeout", ms[0]))
            .on("isRunning", none -> process.isRunning())
            .on("getClientPort", none -> words.port())
            .on("getZkShutdownHandler", none -> configured.getZkShutdownHandler())
            .make();
    }

    ZKDatabase database() {
        DataTree tree = tree();
        return new StandIn<>(ZKDatabase.class)
            .on("getDataTree", none -> tree)
            .on("getNodeCount", none -> mntr("znode_count").intValue())
            .ignore("close", "clear")
            .make();
    }

    private DataTree tree() {
        return new StandIn<>(DataTree.class)
            .on("getNodeCount", none -> mntr("znode_count").intValue())
            .on("getWatchCount", none -> mntr("watch_count").intValue())
            .on("getEphemeralsCount", none -> mntr("ephemerals_count").intValue())
            .on("getMaxPrefixWithQuota", path -> QuotaPaths.longestPrefix(words.port(), (String) path[0]))
            .on("containsWatcher", asked -> ClientsHere.hasWatch(
                ((ServerCnxn) asked[2]).getSessionId(), (String) asked[0], (WatcherType) asked[1]))
            .make();
    }

    private static Object restart(StandaloneServer process, String key, Object value) {
        process.restartWith(Map.of(key, value.toString()));
        return null;
    }

    private static boolean isNumber(String text) {
        return text.matches("-?[0-9]+(\\.[0-9]+)?");
    }

    /** Java's metrics are of type Long where they have no fraction. */
    private static Number number(String text) {
        if (text.contains(".")) {
            return Double.valueOf(text);
        }
        return Long.valueOf(text);
    }
}
