package compat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;

/** The recipes of Curator 4 and what came with 5: both new ones stand on persistent recursive watches. */
final class RecipesOf5 {
    private RecipesOf5() {
    }

    public static void main(String[] args) throws Exception {
        CuratorChecks checks = new CuratorChecks(args);
        Recipes.addTo(checks);
        checks.add("CuratorCache follows a whole tree", RecipesOf5::cache);
        checks.add("PersistentWatcher is told of each change below", RecipesOf5::watcher);
        checks.addAlone("a CuratorCache and a PersistentWatcher go on after a restart", RecipesOf5::restart);
        checks.run();
    }

    private static void cache(CuratorScene scene) throws Exception {
        scene.second.create().creatingParentsIfNeeded().forPath(scene.path("/a"), "1".getBytes());
        BlockingQueue<String> events = cacheEvents(scene);
        scene.second.create().forPath(scene.path("/a/b"), new byte[0]);
        Caches.expect(events, "NODE_CREATED " + scene.path("/a/b"));
        scene.second.setData().forPath(scene.path("/a"), "2".getBytes());
        Caches.expect(events, "NODE_CHANGED " + scene.path("/a"));
        scene.second.delete().forPath(scene.path("/a/b"));
        Caches.expect(events, "NODE_DELETED " + scene.path("/a/b"));
    }

    /** The events of a cache from its first full picture on. */
    private static BlockingQueue<String> cacheEvents(CuratorScene scene) throws Exception {
        BlockingQueue<String> events = new LinkedBlockingQueue<>();
        CountDownLatch initialized = new CountDownLatch(1);
        CuratorCache cache = scene.closing(CuratorCache.build(scene.first, scene.home));
        cache.listenable().addListener(CuratorCacheListener.builder().afterInitialized()
                .forAll((type, old, data) -> events.add(type + " " + (data == null ? old : data).getPath())).build());
        cache.listenable().addListener(CuratorCacheListener.builder().forInitialized(initialized::countDown).build());
        cache.start();
        Expect.reached(initialized, "the cache is initialized");
        return events;
    }

    private static void watcher(CuratorScene scene) throws Exception {
        scene.second.create().forPath(scene.home);
        BlockingQueue<String> events = watcherEvents(scene);
        scene.second.create().forPath(scene.path("/a"), new byte[0]);
        Caches.expect(events, "NodeCreated " + scene.path("/a"));
        scene.second.setData().forPath(scene.path("/a"), "2".getBytes());
        Caches.expect(events, "NodeDataChanged " + scene.path("/a"));
    }

    private static BlockingQueue<String> watcherEvents(CuratorScene scene) throws Exception {
        BlockingQueue<String> events = new LinkedBlockingQueue<>();
        CountDownLatch set = new CountDownLatch(1);
        PersistentWatcher watcher = scene.closing(new PersistentWatcher(scene.first, scene.home, true));
        watcher.getListenable().addListener(event -> {
            if (event.getPath() != null) {
                events.add(event.getType() + " " + event.getPath());
            }
        });
        watcher.getResetListenable().addListener(set::countDown);
        watcher.start();
        Expect.reached(set, "the watch is set");
        return events;
    }

    private static void restart(CuratorScene scene) throws Exception {
        scene.second.create().forPath(scene.home);
        BlockingQueue<String> cached = cacheEvents(scene);
        BlockingQueue<String> watched = watcherEvents(scene);
        scene.restart();
        scene.second.create().forPath(scene.path("/later"), new byte[0]);
        Caches.until(cached, "NODE_CREATED " + scene.path("/later"));
        Caches.until(watched, "NodeCreated " + scene.path("/later"));
    }
}
