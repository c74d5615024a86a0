package compat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.TreeCache;

/** The caches of Curator 4, which 5 still has. */
final class Caches {
    private Caches() {
    }

    static void addTo(CuratorChecks checks) {
        checks.add("PathChildrenCache follows the children", Caches::pathChildren);
        checks.add("NodeCache follows one znode", Caches::node);
        checks.add("TreeCache follows a whole tree", Caches::tree);
        checks.addAlone("a tree cache goes on after a restart", Caches::restart);
    }

    private static void pathChildren(CuratorScene scene) throws Exception {
        scene.second.create().creatingParentsIfNeeded().forPath(scene.path("/a"), "1".getBytes());
        BlockingQueue<String> events = new LinkedBlockingQueue<>();
        PathChildrenCache cache = scene.closing(new PathChildrenCache(scene.first, scene.home, true));
        cache.getListenable().addListener((client, event) -> {
            if (event.getData() != null) {
                events.add(event.getType() + " " + event.getData().getPath());
            }
        });
        cache.start(PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
        Expect.equal(new String(cache.getCurrentData(scene.path("/a")).getData()), "1", "initial data");
        scene.second.create().forPath(scene.path("/b"));
        expect(events, "CHILD_ADDED " + scene.path("/b"));
        scene.second.setData().forPath(scene.path("/a"), "2".getBytes());
        expect(events, "CHILD_UPDATED " + scene.path("/a"));
        scene.second.delete().forPath(scene.path("/b"));
        expect(events, "CHILD_REMOVED " + scene.path("/b"));
    }

    private static void node(CuratorScene scene) throws Exception {
        BlockingQueue<String> events = new LinkedBlockingQueue<>();
        NodeCache cache = scene.closing(new NodeCache(scene.first, scene.path("/n")));
        cache.getListenable().addListener(() -> events.add(
                cache.getCurrentData() == null ? "gone" : new String(cache.getCurrentData().getData())));
        cache.start(true);
        scene.second.create().creatingParentsIfNeeded().forPath(scene.path("/n"), "1".getBytes());
        expect(events, "1");
        scene.second.setData().forPath(scene.path("/n"), "2".getBytes());
        expect(events, "2");
        scene.second.delete().forPath(scene.path("/n"));
        expect(events, "gone");
    }

    private static void tree(CuratorScene scene) throws Exception {
        scene.second.create().creatingParentsIfNeeded().forPath(scene.path("/a/b"), "1".getBytes());
        BlockingQueue<String> events = treeEvents(scene);
        until(events, "INITIALIZED");
        scene.second.create().forPath(scene.path("/a/b/c"), new byte[0]);
        expect(events, "NODE_ADDED " + scene.path("/a/b/c"));
        scene.second.setData().forPath(scene.path("/a/b"), "2".getBytes());
        expect(events, "NODE_UPDATED " + scene.path("/a/b"));
        scene.second.delete().forPath(scene.path("/a/b/c"));
        expect(events, "NODE_REMOVED " + scene.path("/a/b/c"));
    }

    private static void restart(CuratorScene scene) throws Exception {
        scene.second.create().creatingParentsIfNeeded().forPath(scene.path("/a"), "1".getBytes());
        BlockingQueue<String> events = treeEvents(scene);
        until(events, "INITIALIZED");
        scene.restart();
        scene.second.create().forPath(scene.path("/later"), new byte[0]);
        until(events, "NODE_ADDED " + scene.path("/later"));
    }

    private static BlockingQueue<String> treeEvents(CuratorScene scene) throws Exception {
        BlockingQueue<String> events = new LinkedBlockingQueue<>();
        TreeCache cache = scene.closing(new TreeCache(scene.first, scene.home));
        cache.getListenable().addListener((client, event) -> events.add(
                event.getData() == null ? event.getType().name() : event.getType() + " " + event.getData().getPath()));
        cache.start();
        return events;
    }

    static void expect(BlockingQueue<String> events, String expected) throws Exception {
        Expect.equal(Expect.next(events, expected), expected, "event");
    }

    static void until(BlockingQueue<String> events, String expected) throws Exception {
        while (!Expect.next(events, expected).equals(expected)) {
            continue;
        }
    }
}
