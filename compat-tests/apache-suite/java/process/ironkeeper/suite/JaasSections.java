package ironkeeper.suite;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;

/** The sections of JAAS that a test has put into its JVM without a file: a process reads one. */
final class JaasSections {
    private static final String FILE = "java.security.auth.login.config";

    private JaasSections() {
    }

    /** Names a file in the properties, where they name none and the JVM has sections that servers read. */
    static void handOver(Map<String, String> properties) throws IOException {
        if (properties.containsKey(FILE)) {
            return;
        }
        String own = properties.getOrDefault("zookeeper.sasl.serverconfig", "Server");
        String text = Stream.of(own, "QuorumServer", "QuorumLearner").map(JaasSections::section).collect(Collectors.joining());
        if (!text.isEmpty()) {
            Path file = ServerProcess.newDirectory("jaas").resolve("jaas.conf");
            properties.put(FILE, Files.writeString(file, text).toString());
        }
    }

    /** Empty where the JVM has none of that name, or nobody has told it of any. */
    private static String section(String name) {
        AppConfigurationEntry[] modules;
        try {
            modules = Configuration.getConfiguration().getAppConfigurationEntry(name);
        } catch (SecurityException noFile) {
            return "";
        }
        return modules == null ? "" : Stream.of(modules).map(JaasSections::module)
            .collect(Collectors.joining("", name + " {\n", "};\n"));
    }

    private static String module(AppConfigurationEntry module) {
        return module.getOptions().entrySet().stream()
            .map(option -> " " + option.getKey() + "=\"" + option.getValue() + "\"")
            .collect(Collectors.joining("\n", module.getLoginModuleName() + " required\n", ";\n"));
    }
}
