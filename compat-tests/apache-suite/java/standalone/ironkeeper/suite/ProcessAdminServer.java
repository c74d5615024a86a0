package ironkeeper.suite;

import java.io.IOException;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.WeakHashMap;
import java.util.stream.Collectors;
import org.apache.zookeeper.server.ZooKeeperServer;

/**
 * The admin server of a standalone server's process, where a test has started one for its ZooKeeperServer. It has the settings
 * that stood in the JVM of the test when it was started.
 *
 * <p>Apache's reads some switches at each request, and a process only at its start. So a process whose test has turned one is
 * started again before the next request leaves this JVM. The JVM asks before each request which proxy to take, and is told here
 * to take none. Apache's server finds at such a start what was there before a restore: no test looks for it behind one.
 */
public final class ProcessAdminServer extends ProxySelector {
    private static final String SETTINGS = "zookeeper.admin.";
    private static final Map<ZooKeeperServer, ProcessAdminServer> STARTED = Collections.synchronizedMap(new WeakHashMap<>());

    private final Map<String, String> settings;
    private final ProxySelector before = ProxySelector.getDefault();
    private StandaloneServer process;

    private ProcessAdminServer(Map<String, String> settings) {
        this.settings = settings;
    }

    /** Starts the admin server of a server, whose process may run already or be started later. */
    public static void start(ZooKeeperServer server) {
        Map<String, String> settings = System.getProperties().stringPropertyNames().stream()
            .filter(name -> name.startsWith(SETTINGS)).collect(Collectors.toMap(name -> name, System::getProperty));
        settings.put("zookeeper.admin.enableServer", "true");
        ProcessAdminServer admin = new ProcessAdminServer(settings);
        STARTED.put(server, admin);
        ProcessCnxnFactory.process(server).ifPresent(admin::open);
    }

    /** Ends what {@link #start} began. A process that runs keeps its admin server until its own end. */
    public static void stop(ZooKeeperServer server) {
        ProcessAdminServer admin = STARTED.remove(server);
        if (admin != null && admin.process != null) {
            ProxySelector.setDefault(admin.before);
        }
    }

    /** What the process of a server gets for its admin server: without one, that it is to have none. */
    static Map<String, String> properties(ZooKeeperServer server) {
        ProcessAdminServer admin = STARTED.get(server);
        return admin == null ? Map.of("zookeeper.admin.enableServer", "false") : admin.properties();
    }

    private Map<String, String> properties() {
        Map<String, String> all = new TreeMap<>(settings);
        for (String command : List.of("snapshot", "restore")) {
            String name = SETTINGS + command + ".enabled";
            all.put(name, System.getProperty(name, "true"));
        }
        all.put(ZooKeeperServer.ZOOKEEPER_SERIALIZE_LAST_PROCESSED_ZXID_ENABLED,
            String.valueOf(ZooKeeperServer.isSerializeLastProcessedZxidEnabled()));
        return all;
    }

    private void open(StandaloneServer running) {
        process = running;
        process.define(properties());
        ProxySelector.setDefault(this);
    }

    /** The client's plain sockets ask too, with other schemes. */
    @Override
    public List<Proxy> select(URI uri) {
        if (uri.getScheme().startsWith("http") && Integer.toString(uri.getPort()).equals(settings.get(SETTINGS + "serverPort"))) {
            process.define(properties());
        }
        return List.of(Proxy.NO_PROXY);
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException failure) {
    }
}
