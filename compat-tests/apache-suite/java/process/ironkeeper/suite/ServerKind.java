package ironkeeper.suite;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The server that the tests run against, chosen by the system property suite.server. Knows its command line and nothing
 * of processes: both kinds take the same zoo.cfg and the same -D properties.
 */
enum ServerKind {
    APACHE {
        @Override
        List<String> program(List<String> definitions) {
            List<String> words = new ArrayList<>(List.of(
                System.getProperty("java.home") + "/bin/java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m"));
            String logback = System.getProperty("logback.configurationFile");
            if (logback != null) {
                words.add("-Dlogback.configurationFile=" + logback);
            }
            words.addAll(definitions);
            words.addAll(List.of("-cp", required("suite.apache.classpath"),
                "org.apache.zookeeper.server.quorum.QuorumPeerMain"));
            return words;
        }
    },
    IRONKEEPER {
        @Override
        List<String> program(List<String> definitions) {
            List<String> words = new ArrayList<>(List.of(required("suite.ironkeeper"), "serve"));
            words.addAll(definitions);
            return words;
        }
    };

    /** The kind that suite.server names. */
    static ServerKind chosen() {
        String name = required("suite.server");
        switch (name) {
            case "apache":
                return APACHE;
            case "ironkeeper":
                return IRONKEEPER;
            default:
                throw new IllegalArgumentException("-Dsuite.server=" + name + ": apache or ironkeeper is meant");
        }
    }

    /** The command line of a server with these properties and this zoo.cfg. */
    List<String> command(Map<String, String> properties, String zooCfg) {
        List<String> definitions = new ArrayList<>();
        properties.forEach((name, value) -> definitions.add("-D" + name + "=" + value));
        List<String> words = program(definitions);
        words.add(zooCfg);
        return words;
    }

    /** All of the command line but the zoo.cfg at its end. */
    abstract List<String> program(List<String> definitions);

    /** A system property that the runner has to set. */
    static String required(String name) {
        String value = System.getProperty(name);
        if (value == null) {
            throw new IllegalStateException("-D" + name + " is missing: the runner of the suite sets it");
        }
        return value;
    }
}
