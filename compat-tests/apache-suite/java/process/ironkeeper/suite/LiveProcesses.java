package ironkeeper.suite;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * The servers' processes that run now. They end with this JVM: at its exit here, and when it is killed by the runner, which
 * kills its whole process group.
 */
final class LiveProcesses {
    /** Each with the way to ask it, where there is one. */
    private static final Map<Process, Optional<FourLetters>> LIVE = new ConcurrentHashMap<>();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> LIVE.keySet().forEach(Process::destroyForcibly)));
    }

    private LiveProcesses() {
    }

    static void add(Process process, Optional<FourLetters> words) {
        LIVE.put(process, words);
        process.onExit().thenRun(() -> LIVE.remove(process));
    }

    static List<FourLetters> toAsk() {
        return LIVE.entrySet().stream().filter(entry -> entry.getKey().isAlive()).map(Map.Entry::getValue)
            .flatMap(Optional::stream).sorted(Comparator.comparing(FourLetters::port)).collect(Collectors.toList());
    }
}
