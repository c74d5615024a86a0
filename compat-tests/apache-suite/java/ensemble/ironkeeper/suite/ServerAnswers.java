package ironkeeper.suite;

import java.io.IOException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.zookeeper.server.quorum.QuorumPeer.ServerState;

/** Facts that a running server tells of itself by four letter words. */
final class ServerAnswers {
    private static final String MEMBERSHIP = "membership: ";

    private final FourLetters words;

    ServerAnswers(int clientPort) {
        this(new FourLetters(clientPort, false));
    }

    ServerAnswers(FourLetters words) {
        this.words = words;
    }

    /** True if the server answers at all. */
    boolean any() {
        return !ask("srvr").isEmpty();
    }

    /** The role of a member, LOOKING where it serves nobody or only reads; empty for a standalone server. */
    Optional<ServerState> state() {
        switch (srvr("Mode").orElse("")) {
            case "standalone":
                return Optional.empty();
            case "leader":
                return Optional.of(ServerState.LEADING);
            case "follower":
                return Optional.of(ServerState.FOLLOWING);
            case "observer":
                return Optional.of(ServerState.OBSERVING);
            default:
                return Optional.of(ServerState.LOOKING);
        }
    }

    /** The zxid that the server processed last. */
    long zxid() {
        return Long.parseUnsignedLong(required("Zxid").substring("0x".length()), 16);
    }

    /** Requests that the server has taken and not answered. */
    int outstanding() {
        return Integer.parseInt(required("Outstanding"));
    }

    /** The membership in use, as the text of a dynamic configuration; empty where the server serves nobody. */
    Optional<String> membership() {
        String answer = ask("conf");
        int start = answer.indexOf(MEMBERSHIP);
        return start < 0 ? Optional.empty() : Optional.of(answer.substring(start + MEMBERSHIP.length()).trim());
    }

    private String required(String key) {
        return srvr(key).orElseThrow(() -> new IllegalStateException("srvr says no " + key + ": the server does not serve"));
    }

    private Optional<String> srvr(String key) {
        Matcher line = Pattern.compile("^" + key + ": (\\S+)$", Pattern.MULTILINE).matcher(ask("srvr"));
        return line.find() ? Optional.of(line.group(1)) : Optional.empty();
    }

    /** Empty where nobody listens. */
    private String ask(String word) {
        try {
            return words.ask(word);
        } catch (IOException e) {
            return "";
        }
    }
}
