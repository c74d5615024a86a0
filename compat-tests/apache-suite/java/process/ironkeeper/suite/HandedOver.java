package ironkeeper.suite;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The properties that a server's process gets from the JVM of the test, where Apache's tests set them for a server in the
 * same JVM.
 */
final class HandedOver {
    private static final String PROVIDER = "zookeeper.authProvider.";
    private static final String APACHES_PROVIDERS = "org.apache.zookeeper.server.auth.";
    private static final List<String> PREFIXES = List.of(
        "zookeeper.", "jute.", "readonlymode.", "znode.container.", "java.security.", "sun.security.", "javax.net.ssl.");

    private HandedOver() {
    }

    /**
     * What stands now in this JVM. All four letter words are allowed unless the test says which, as the tests' own wait
     * for a server asks one; an admin server listens on the loopback.
     */
    static Map<String, String> properties() {
        Map<String, String> found = new TreeMap<>();
        found.put("zookeeper.4lw.commands.whitelist", "*");
        found.put("zookeeper.admin.serverAddress", "127.0.0.1");
        for (String name : System.getProperties().stringPropertyNames()) {
            if (PREFIXES.stream().anyMatch(name::startsWith) && !isOfTheTest(name)) {
                found.put(name, System.getProperty(name));
            }
        }
        return found;
    }

    /**
     * True for a provider that the test has written itself. Apache's server goes on without a class that it cannot load;
     * ironkeeper does not start with one, as it says in its list of differences.
     */
    private static boolean isOfTheTest(String name) {
        return ServerKind.chosen() == ServerKind.IRONKEEPER && name.startsWith(PROVIDER)
            && !System.getProperty(name).startsWith(APACHES_PROVIDERS);
    }
}
