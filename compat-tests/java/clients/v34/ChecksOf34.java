package compat;

/** What the client of 3.4, and any later one, can do. */
final class ChecksOf34 {
    private ChecksOf34() {
    }

    static void addTo(Checks checks) {
        Nodes.addTo(checks);
        Multis.addTo(checks);
        Asyncs.addTo(checks);
        Watches.addTo(checks);
        Sessions.addTo(checks);
    }

    public static void main(String[] args) throws Exception {
        Checks checks = new Checks(args);
        addTo(checks);
        checks.run();
    }
}
