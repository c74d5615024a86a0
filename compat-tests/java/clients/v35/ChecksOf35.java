package compat;

/** What the client of 3.5, and any later one, can do. */
final class ChecksOf35 {
    private ChecksOf35() {
    }

    static void addTo(Checks checks) {
        ChecksOf34.addTo(checks);
        Since35.addTo(checks);
    }

    public static void main(String[] args) throws Exception {
        Checks checks = new Checks(args);
        addTo(checks);
        checks.run();
    }
}
