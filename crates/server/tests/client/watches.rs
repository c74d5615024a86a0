//! Watches: told once, told always, told below.

use zookeeper_client::{AddWatchMode, EventType, OneshotWatcher, PersistentWatcher};

use super::{PERSISTENT, connect, server};

async fn once(watcher: OneshotWatcher) -> (EventType, String) {
    let event = watcher.changed().await;
    (event.event_type, event.path)
}

async fn next(watcher: &mut PersistentWatcher) -> (EventType, String) {
    let event = watcher.changed().await;
    (event.event_type, event.path)
}

fn event(kind: EventType, path: &str) -> (EventType, String) {
    (kind, path.to_owned())
}

#[tokio::test]
async fn a_one_shot_watch_tells_the_first_change() {
    let server = server();
    let (client, other) = (connect(&server).await, connect(&server).await);
    let (_, created) = client.check_and_watch_stat("/a").await.unwrap();
    other.create("/a", b"", &PERSISTENT).await.unwrap();
    assert_eq!(once(created).await, event(EventType::NodeCreated, "/a"));

    let (_, _, changed) = client.get_and_watch_data("/a").await.unwrap();
    let (_, _, child) = client.get_and_watch_children("/a").await.unwrap();
    other.create("/a/b", b"", &PERSISTENT).await.unwrap();
    let kind = EventType::NodeChildrenChanged;
    assert_eq!(once(child).await, event(kind, "/a"));
    other.set_data("/a", b"1", None).await.unwrap();
    assert_eq!(once(changed).await, event(EventType::NodeDataChanged, "/a"));

    let (_, _, deleted) = client.get_and_watch_data("/a/b").await.unwrap();
    other.delete("/a/b", None).await.unwrap();
    assert_eq!(once(deleted).await, event(EventType::NodeDeleted, "/a/b"));
}

#[tokio::test]
async fn a_watch_comes_before_the_read_that_shows_the_change() {
    let server = server();
    let (client, other) = (connect(&server).await, connect(&server).await);
    other.create("/a", b"0", &PERSISTENT).await.unwrap();
    for round in 1..=50_u8 {
        let (_, _, changed) = client.get_and_watch_data("/a").await.unwrap();
        other.set_data("/a", &[round], None).await.unwrap();
        let (data, _) = client.get_data("/a").await.unwrap();
        assert_eq!(data, [round]);
        // The event was read before the reply: it is there without any waiting.
        tokio::select! {
            biased;
            told = once(changed) => assert_eq!(told, event(EventType::NodeDataChanged, "/a")),
            () = std::future::ready(()) => panic!("round {round}: the event comes late"),
        }
    }
}

#[tokio::test]
async fn a_persistent_watch_tells_every_change_of_its_znode() {
    let server = server();
    let (client, other) = (connect(&server).await, connect(&server).await);
    let mut watcher = client.watch("/a", AddWatchMode::Persistent).await.unwrap();
    other.create("/a", b"", &PERSISTENT).await.unwrap();
    other.set_data("/a", b"1", None).await.unwrap();
    other.set_data("/a", b"2", None).await.unwrap();
    other.create("/a/b", b"", &PERSISTENT).await.unwrap();
    other.set_data("/a/b", b"not told", None).await.unwrap();
    other.delete("/a/b", None).await.unwrap();
    other.delete("/a", None).await.unwrap();
    for kind in [
        EventType::NodeCreated,
        EventType::NodeDataChanged,
        EventType::NodeDataChanged,
        EventType::NodeChildrenChanged,
        EventType::NodeChildrenChanged,
        EventType::NodeDeleted,
    ] {
        assert_eq!(next(&mut watcher).await, event(kind, "/a"));
    }
}

#[tokio::test]
async fn a_recursive_watch_tells_every_change_below() {
    let server = server();
    let (client, other) = (connect(&server).await, connect(&server).await);
    let mode = AddWatchMode::PersistentRecursive;
    let mut watcher = client.watch("/a", mode).await.unwrap();
    other.create("/ab", b"not told", &PERSISTENT).await.unwrap();
    other.create("/a", b"", &PERSISTENT).await.unwrap();
    other.create("/a/b", b"", &PERSISTENT).await.unwrap();
    other.create("/a/b/c", b"", &PERSISTENT).await.unwrap();
    other.set_data("/a/b/c", b"1", None).await.unwrap();
    other.delete("/a/b/c", None).await.unwrap();
    for (kind, path) in [
        (EventType::NodeCreated, "/a"),
        (EventType::NodeCreated, "/a/b"),
        (EventType::NodeCreated, "/a/b/c"),
        (EventType::NodeDataChanged, "/a/b/c"),
        (EventType::NodeDeleted, "/a/b/c"),
    ] {
        assert_eq!(next(&mut watcher).await, event(kind, path));
    }
}
