package compat;

/** The recipes that Curator 4 has, and any later one. */
final class Recipes {
    private Recipes() {
    }

    static void addTo(CuratorChecks checks) {
        Locks.addTo(checks);
        Leaders.addTo(checks);
        Caches.addTo(checks);
        Values.addTo(checks);
    }

    public static void main(String[] args) throws Exception {
        CuratorChecks checks = new CuratorChecks(args);
        addTo(checks);
        checks.run();
    }
}
