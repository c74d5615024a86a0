package compat;

/** What the client of 3.7, and any later one, can do. */
final class ChecksOf37 {
    private ChecksOf37() {
    }

    static void addTo(Checks checks) {
        ChecksOf36.addTo(checks);
        Since37.addTo(checks);
    }

    public static void main(String[] args) throws Exception {
        Checks checks = new Checks(args);
        addTo(checks);
        checks.run();
    }
}
