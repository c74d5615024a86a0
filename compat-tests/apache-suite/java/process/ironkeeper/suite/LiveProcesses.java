package ironkeeper.suite;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * The servers' processes that run now. They end with this JVM: at its exit here, and when it is killed by the runner, which
 * kills its whole process group.
 */
final class LiveProcesses {
    /** Each with its port for clients, or 0 where that is not known. */
    private static final Map<Process, Integer> LIVE = new ConcurrentHashMap<>();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> LIVE.keySet().forEach(Process::destroyForcibly)));
    }

    private LiveProcesses() {
    }

    static void add(Process process, int clientPort) {
        LIVE.put(process, clientPort);
        process.onExit().thenRun(() -> LIVE.remove(process));
    }

    static List<Integer> clientPorts() {
        return LIVE.entrySet().stream().filter(entry -> entry.getKey().isAlive() && entry.getValue() != 0)
            .map(Map.Entry::getValue).sorted().collect(Collectors.toList());
    }
}
