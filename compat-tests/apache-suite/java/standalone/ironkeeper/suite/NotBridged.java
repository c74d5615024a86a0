package ironkeeper.suite;

/** A test has reached for something of a server that its process cannot be asked for. The message names the member. */
public final class NotBridged extends UnsupportedOperationException {
    /** `member` is a method or field of Apache's, as in "DataTree.getNode". */
    public NotBridged(String member) {
        super("not bridged to the server's process: " + member);
    }
}
