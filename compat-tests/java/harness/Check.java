package compat;

/** One claim about the server and how it is tried. */
final class Check {
    final String claim;
    private final Action action;

    Check(String claim, Action action) {
        this.claim = claim;
        this.action = action;
    }

    /** Tries the claim; what went wrong as one line, or null when it holds. */
    String failure() {
        try {
            action.run();
            return null;
        } catch (Throwable error) { // whatever breaks, the claim has not been shown
            error.printStackTrace();
            return error.toString().replaceAll("[\\n\\t]", " ");
        }
    }
}
