import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryForever;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;
import org.apache.curator.x.discovery.details.ServiceCacheListener;
import org.apache.curator.x.discovery.strategies.RoundRobinStrategy;
import org.apache.zookeeper.data.Stat;

/**
 * Services that register with Curator's discovery, and one that looks for them.
 *
 * <p>Run as {@code Discovery server INSTANCE...} with one word an instance it is a process that registers them and waits to
 * be killed. Run as {@code Discovery check ADDRESS} it speaks to its driver: it prints {@code ok<TAB>claim} or
 * {@code FAIL<TAB>claim<TAB>reason} for each check, and {@code @word} to have the driver do something, which answers "done".
 */
public final class Discovery {
    private static final String BASE = "/services";
    private static final String NAME = "shop";
    /** Curator gives a session up by itself after so long without a connection: a restart of the server is shorter. */
    private static final int SESSION_MS = 30_000;
    private static final int KILLED_SESSION_MS = 2_000;
    private static final long DEADLINE_MS = 60_000;

    private final BufferedReader driver = new BufferedReader(new InputStreamReader(System.in));
    private final ConcurrentLinkedQueue<ConnectionState> states = new ConcurrentLinkedQueue<>();
    private final CuratorFramework client;
    private final ServiceDiscovery<Payload> discovery;
    private final ServiceCache<Payload> cache;
    private final ServiceProvider<Payload> provider;
    private final ConcurrentLinkedQueue<Integer> cacheSizes = new ConcurrentLinkedQueue<>();
    private int passed;
    private int failed;

    /** What an instance tells of itself, kept as JSON. */
    public static final class Payload {
        private String version;

        public Payload() {
        }

        Payload(String version) {
            this.version = version;
        }

        public String getVersion() {
            return version;
        }

        public void setVersion(String version) {
            this.version = version;
        }
    }

    private interface Check {
        void run() throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("server")) {
            serve(arguments[1], List.of(arguments).subList(2, arguments.length));
        } else {
            System.exit(new Discovery(arguments[1]).checkAll());
        }
    }

    /** Registers instances and stays until it is killed. */
    private static void serve(String address, List<String> ids) throws Exception {
        ServiceDiscovery<Payload> own = discovery(client(address, KILLED_SESSION_MS));
        own.start();
        for (String id : ids) {
            own.registerService(instance(id, "1"));
        }
        Thread.sleep(Long.MAX_VALUE);
    }

    private Discovery(String address) throws Exception {
        client = client(address, SESSION_MS);
        client.getConnectionStateListenable().addListener((same, state) -> states.add(state));
        discovery = discovery(client);
        discovery.start();
        cache = discovery.serviceCacheBuilder().name(NAME).build();
        cache.addListener(new ServiceCacheListener() {
            @Override
            public void cacheChanged() {
                cacheSizes.add(cache.getInstances().size());
            }

            @Override
            public void stateChanged(CuratorFramework same, ConnectionState state) {
            }
        });
        cache.start();
        provider = discovery.serviceProviderBuilder().serviceName(NAME).providerStrategy(new RoundRobinStrategy<>()).build();
        provider.start();
    }

    private int checkAll() throws Exception {
        check("no instance is found at first", () -> expect(List.of(), ids(discovery.queryForInstances(NAME))));
        check("instances that register are discovered", this::register);
        check("an instance tells its address and payload", this::payload);
        check("the provider takes turns", this::turns);
        check("an update reaches query and cache", this::update);
        check("an instance that unregisters is gone from query and cache", this::unregister);
        check("the instances of another process are discovered", this::otherProcess);
        check("a killed process loses its instances", this::killed);
        check("a failing instance is left out by the provider", this::failing);
        check("instances and cache outlive a restart of the server", this::restart);
        check("the cache goes on after the restart", this::afterRestart);
        check("all can be closed", this::close);
        System.out.println(passed + " passed, " + failed + " failed");
        return failed == 0 ? 0 : 1;
    }

    private void register() throws Exception {
        discovery.registerService(instance("a", "1"));
        discovery.registerService(instance("b", "1"));
        expect(List.of(NAME), List.copyOf(discovery.queryForNames()));
        expect(List.of("a", "b"), ids(discovery.queryForInstances(NAME)));
        await("both in the cache", () -> ids(cache.getInstances()).equals(List.of("a", "b")));
    }

    private void payload() throws Exception {
        ServiceInstance<Payload> found = discovery.queryForInstance(NAME, "a");
        expect("127.0.0.1", found.getAddress());
        expect(4000, found.getPort());
        expect("1", found.getPayload().getVersion());
        expect(true, client.checkExists().forPath(BASE + "/" + NAME + "/a").getEphemeralOwner() != 0);
        expect(null, discovery.queryForInstance(NAME, "nobody"));
    }

    private void turns() throws Exception {
        await("the provider knows both", () -> provider.getAllInstances().size() == 2);
        List<String> taken = List.of(provider.getInstance().getId(), provider.getInstance().getId());
        expect(List.of("a", "b"), taken.stream().sorted().toList());
    }

    private void update() throws Exception {
        discovery.updateService(instance("a", "2"));
        expect("2", discovery.queryForInstance(NAME, "a").getPayload().getVersion());
        await("the update in the cache", () -> cache.getInstances().stream()
                .anyMatch(one -> one.getId().equals("a") && one.getPayload().getVersion().equals("2")));
        expect(List.of("a", "b"), ids(discovery.queryForInstances(NAME)));
    }

    private void unregister() throws Exception {
        discovery.unregisterService(instance("b", "1"));
        expect(List.of("a"), ids(discovery.queryForInstances(NAME)));
        await("one in the cache", () -> ids(cache.getInstances()).equals(List.of("a")));
        discovery.registerService(instance("b", "1"));
        await("two in the cache", () -> ids(cache.getInstances()).equals(List.of("a", "b")));
    }

    private void otherProcess() throws Exception {
        ask("server");
        await("four in the cache", () -> ids(cache.getInstances()).equals(List.of("a", "b", "c", "d")));
        expect(List.of("a", "b", "c", "d"), ids(discovery.queryForInstances(NAME)));
    }

    private void killed() throws Exception {
        cacheSizes.clear();
        ask("kill-server");
        await("two in the cache", () -> ids(cache.getInstances()).equals(List.of("a", "b")));
        expect(List.of("a", "b"), ids(discovery.queryForInstances(NAME)));
        expect(2, cacheSizes.stream().reduce((first, last) -> last).orElse(-1));
    }

    private void failing() throws Exception {
        ServiceInstance<Payload> bad = provider.getInstance();
        provider.noteError(bad);
        provider.noteError(bad);
        for (int turn = 0; turn < 4; turn++) {
            expect(false, provider.getInstance().getId().equals(bad.getId()));
        }
    }

    private void restart() throws Exception {
        long session = session();
        long before = newestCreation();
        states.clear();
        ask("stop");
        await("the connection is seen to be lost", () -> states.contains(ConnectionState.SUSPENDED));
        expect(List.of("a", "b"), ids(cache.getInstances()));
        ask("start");
        await("the connection is back", () -> states.contains(ConnectionState.RECONNECTED));
        expect(session, session());
        // Curator makes each znode anew in the background; until it has, what is unregistered may come back.
        await("both registered again", () -> creation("a") > before && creation("b") > before);
        expect(List.of("a", "b"), ids(discovery.queryForInstances(NAME)));
    }

    private void afterRestart() throws Exception {
        discovery.registerService(instance("e", "1"));
        await("three in the cache", () -> ids(cache.getInstances()).equals(List.of("a", "b", "e")));
        discovery.unregisterService(instance("e", "1"));
        await("two in the cache", () -> ids(cache.getInstances()).equals(List.of("a", "b")));
    }

    private void close() throws Exception {
        provider.close();
        cache.close();
        discovery.close();
        client.close();
    }

    private static CuratorFramework client(String address, int sessionMs) throws InterruptedException {
        CuratorFramework made = CuratorFrameworkFactory.builder().connectString(address).sessionTimeoutMs(sessionMs)
                .connectionTimeoutMs(15_000).retryPolicy(new RetryForever(100)).build();
        made.start();
        if (!made.blockUntilConnected((int) DEADLINE_MS, TimeUnit.MILLISECONDS)) {
            throw new IllegalStateException("not connected to " + address);
        }
        return made;
    }

    private static ServiceDiscovery<Payload> discovery(CuratorFramework client) {
        return ServiceDiscoveryBuilder.builder(Payload.class).client(client).basePath(BASE).build();
    }

    private static ServiceInstance<Payload> instance(String id, String version) throws Exception {
        return ServiceInstance.<Payload>builder().name(NAME).id(id).address("127.0.0.1").port(4000)
                .payload(new Payload(version)).build();
    }

    private static List<String> ids(Collection<ServiceInstance<Payload>> instances) {
        return instances.stream().map(ServiceInstance::getId).sorted().collect(Collectors.toList());
    }

    private long newestCreation() throws Exception {
        return Math.max(creation("a"), creation("b"));
    }

    /** The zxid that created an instance's znode, -1 when there is none. */
    private long creation(String id) throws Exception {
        Stat stat = client.checkExists().forPath(BASE + "/" + NAME + "/" + id);
        return stat == null ? -1 : stat.getCzxid();
    }

    private long session() throws Exception {
        return client.getZookeeperClient().getZooKeeper().getSessionId();
    }

    private void ask(String word) throws Exception {
        System.out.println("@" + word);
        expect("done", driver.readLine());
    }

    private void check(String claim, Check check) {
        try {
            check.run();
            passed++;
            System.out.println("ok\t" + claim);
        } catch (Throwable error) {
            failed++;
            error.printStackTrace();
            System.out.println("FAIL\t" + claim + "\t" + error.toString().replace('\n', ' '));
        }
    }

    private static void expect(Object expected, Object actual) {
        if (expected == null ? actual != null : !expected.equals(actual)) {
            throw new AssertionError(actual + " instead of " + expected);
        }
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        long end = System.currentTimeMillis() + DEADLINE_MS;
        while (!condition.call()) {
            if (System.currentTimeMillis() > end) {
                throw new AssertionError("not in time: " + what);
            }
            Thread.sleep(20);
        }
    }
}
