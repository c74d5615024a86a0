package ironkeeper.suite;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The properties that a server's process gets from the JVM of the test, where Apache's tests set them for a server in the
 * same JVM.
 */
final class HandedOver {
    private static final List<String> PREFIXES = List.of(
        "zookeeper.", "jute.", "readonlymode.", "znode.container.", "java.security.", "sun.security.", "javax.net.ssl.");

    private HandedOver() {
    }

    /**
     * What stands now in this JVM. All four letter words are allowed unless the test says which, as the tests' own wait
     * for a server asks one.
     */
    static Map<String, String> properties() {
        Map<String, String> found = new TreeMap<>();
        found.put("zookeeper.4lw.commands.whitelist", "*");
        for (String name : System.getProperties().stringPropertyNames()) {
            if (PREFIXES.stream().anyMatch(name::startsWith)) {
                found.put(name, System.getProperty(name));
            }
        }
        return found;
    }
}
