package ironkeeper.suite;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The servers' processes that run now. They end with this JVM: at its exit here, and when it is killed by the runner, which
 * kills its whole process group.
 */
final class LiveProcesses {
    private static final Set<Process> LIVE = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> LIVE.forEach(Process::destroyForcibly)));
    }

    private LiveProcesses() {
    }

    static void add(Process process) {
        LIVE.add(process);
        process.onExit().thenRun(() -> LIVE.remove(process));
    }
}
