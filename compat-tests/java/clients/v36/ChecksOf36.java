package compat;

/** What the client of 3.6, and any later one, can do. */
final class ChecksOf36 {
    private ChecksOf36() {
    }

    static void addTo(Checks checks) {
        ChecksOf35.addTo(checks);
        Since36.addTo(checks);
    }

    public static void main(String[] args) throws Exception {
        Checks checks = new Checks(args);
        addTo(checks);
        checks.run();
    }
}
