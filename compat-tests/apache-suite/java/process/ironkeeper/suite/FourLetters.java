package ironkeeper.suite;

import java.io.IOException;
import org.apache.zookeeper.client.FourLetterWordMain;
import org.apache.zookeeper.common.X509Exception.SSLContextException;

/** Asks a server its four letter words. */
public final class FourLetters {
    private static final int TIMEOUT_MS = 5000;

    private final String host;
    private final int port;
    private final boolean secure;

    /** A server on 127.0.0.1. The port takes TLS where `secure`, with the client's keys of this JVM. */
    public FourLetters(int port, boolean secure) {
        this("127.0.0.1", port, secure);
    }

    /** A server on another address of this machine. */
    public FourLetters(String host, int port, boolean secure) {
        this.host = host;
        this.port = port;
        this.secure = secure;
    }

    /** The port that is asked. */
    public int port() {
        return port;
    }

    /** The whole answer; it says "is not executed" where the server does not allow the word. */
    public String ask(String word) throws IOException {
        try {
            return FourLetterWordMain.send4LetterWord(host, port, word, secure, TIMEOUT_MS);
        } catch (SSLContextException e) {
            throw new IOException("no TLS to " + host + " port " + port, e);
        }
    }

    /** True if the server allows the word. */
    public static boolean executed(String answer) {
        return !answer.contains("is not executed because it is not in the whitelist");
    }
}
