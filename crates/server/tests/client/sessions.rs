//! Sessions: what goes with them, what outlives a restart, and recipes that stand on them.

use std::time::Duration;

use zookeeper_client::{
    Client, CreateMode, Error, EventType, LockPrefix, OneshotWatcher, SessionState, StateWatcher,
};

use super::common::{Ironkeeper, Relay};
use super::{EPHEMERAL, OPEN, PERSISTENT, connect, connector, exists, server};

/// Waits for a state, whatever comes before it.
async fn reach(watcher: &mut StateWatcher, state: SessionState) {
    while watcher.changed().await != state {}
}

async fn watch(client: &Client, path: &str) -> OneshotWatcher {
    let (_, _, watcher) = client.get_and_watch_data(path).await.unwrap();
    watcher
}

#[tokio::test]
async fn closing_a_session_deletes_its_ephemerals() {
    let server = server();
    let (leaving, staying) = (connect(&server).await, connect(&server).await);
    leaving.create("/e", b"", &EPHEMERAL).await.unwrap();
    staying.create("/stays", b"", &EPHEMERAL).await.unwrap();
    let deleted = watch(&staying, "/e").await;
    drop(leaving);
    let event = deleted.changed().await;
    assert_eq!(event.event_type, EventType::NodeDeleted);
    assert!(!exists(&staying, "/e").await);
    assert!(exists(&staying, "/stays").await);
}

#[tokio::test]
async fn a_session_that_nobody_keeps_alive_expires() {
    let server = server();
    let observer = connect(&server).await;
    let short = Client::connector()
        .with_session_timeout(Duration::from_millis(500))
        .with_detached();
    let address = server.address().to_string();
    let client = short.connect(&address).await.unwrap();
    assert_eq!(client.session_timeout(), Duration::from_millis(500));
    client.create("/e", b"", &EPHEMERAL).await.unwrap();
    let deleted = watch(&observer, "/e").await;
    // Detached: the connection ends, the session does not.
    let session = client.into_session();
    let event = deleted.changed().await;
    assert_eq!(event.event_type, EventType::NodeDeleted);
    let again = connector().with_session(session).connect(&address).await;
    assert_eq!(again.unwrap_err(), Error::SessionExpired);
}

#[tokio::test]
async fn a_session_goes_on_over_another_connection() {
    let server = server();
    let address = server.address().to_string();
    let first = connector().with_detached().connect(&address).await.unwrap();
    first.create("/e", b"", &EPHEMERAL).await.unwrap();
    let id = first.session_id();
    let session = first.into_session();
    let second = connector().with_session(session).connect(&address).await;
    let second = second.unwrap();
    assert_eq!(second.session_id(), id);
    assert!(exists(&second, "/e").await);
    second.delete("/e", None).await.unwrap();
}

/// Ends the server by `end`, starts it again, and returns it with a client that has lived through
/// it, and the relay between them.
async fn restart(end: fn(&mut Ironkeeper)) -> (Ironkeeper, Relay, Client) {
    let mut server = server();
    let relay = Relay::to(server.address()).await;
    let address = relay.address().to_string();
    let client = connector().connect(&address).await.unwrap();
    client.create("/p", b"kept", &PERSISTENT).await.unwrap();
    client.create("/e", b"", &EPHEMERAL).await.unwrap();
    let sequential = CreateMode::PersistentSequential.with_acls(OPEN);
    client.create("/p/s-", b"", &sequential).await.unwrap();
    let changed = watch(&client, "/p").await;
    let id = client.session_id();
    let mut states = client.state_watcher();

    relay.switch_to(None);
    reach(&mut states, SessionState::Disconnected).await;
    end(&mut server);
    server.start_again();
    relay.switch_to(Some(server.address()));
    reach(&mut states, SessionState::SyncConnected).await;

    assert_eq!(client.session_id(), id);
    let other = connect(&server).await;
    assert_ne!(other.session_id(), id);
    let (_, stat) = other.get_data("/e").await.unwrap();
    assert_eq!(stat.ephemeral_owner, id.0);
    assert_eq!(other.get_data("/p").await.unwrap().0, b"kept");
    let (_, sequence) = other.create("/p/s-", b"", &sequential).await.unwrap();
    assert_eq!(sequence.into_i64(), 1);
    // The client has set its watch again.
    other.set_data("/p", b"new", None).await.unwrap();
    let event = changed.changed().await;
    assert_eq!(event.event_type, EventType::NodeDataChanged);
    (server, relay, client)
}

#[tokio::test]
async fn a_session_outlives_a_stop_and_start() {
    let (server, _relay, client) = restart(|server| {
        assert_eq!(server.stop().code(), Some(0));
    })
    .await;
    let observer = connect(&server).await;
    let deleted = watch(&observer, "/e").await;
    drop(client);
    let event = deleted.changed().await;
    assert_eq!(event.event_type, EventType::NodeDeleted);
}

#[tokio::test]
async fn a_session_outlives_a_kill() {
    restart(Ironkeeper::kill).await;
}

#[tokio::test]
async fn a_session_in_the_data_expires_when_its_client_does_not_come_back() {
    let mut server = server();
    let address = server.address().to_string();
    let short = Client::connector().with_session_timeout(Duration::from_millis(1500));
    let client = short.with_detached().connect(&address).await.unwrap();
    client.create("/e", b"", &EPHEMERAL).await.unwrap();
    let session = client.into_session();
    server.kill();
    server.start_again();
    let observer = connect(&server).await;
    // It may be gone already when the machine is slow.
    let (stat, gone) = observer.check_and_watch_stat("/e").await.unwrap();
    if stat.is_some() {
        assert_eq!(gone.changed().await.event_type, EventType::NodeDeleted);
    }
    let address = server.address().to_string();
    let again = connector().with_session(session).connect(&address).await;
    assert_eq!(again.unwrap_err(), Error::SessionExpired);
}

#[tokio::test]
async fn what_happened_while_the_client_was_away_is_told_on_its_return() {
    let server = server();
    let relay = Relay::to(server.address()).await;
    let address = relay.address().to_string();
    let client = connector().connect(&address).await.unwrap();
    client.create("/a", b"", &PERSISTENT).await.unwrap();
    let changed = watch(&client, "/a").await;
    let mut states = client.state_watcher();
    relay.switch_to(None);
    reach(&mut states, SessionState::Disconnected).await;
    let other = connect(&server).await;
    other.set_data("/a", b"1", None).await.unwrap();
    relay.switch_to(Some(server.address()));
    let event = changed.changed().await;
    assert_eq!(event.event_type, EventType::NodeDataChanged);
    assert_eq!(client.get_data("/a").await.unwrap().0, b"1");
}

#[tokio::test]
async fn a_lock_goes_from_holder_to_holder_in_order() {
    let server = server();
    let setup = connect(&server).await;
    setup.create("/lock", b"", &PERSISTENT).await.unwrap();
    setup.create("/log", b"", &PERSISTENT).await.unwrap();
    let mut contenders = Vec::new();
    for number in 0..4_u8 {
        let client = connect(&server).await;
        let address = server.address().to_string();
        contenders.push(tokio::spawn(hold_lock(client, address, number)));
    }
    for contender in contenders {
        contender.await.unwrap();
    }
    let entries = setup.list_children("/log").await.unwrap();
    assert_eq!(entries.len(), 4);
}

/// Takes the lock; while it is held, nobody else is inside.
async fn hold_lock(client: Client, address: String, number: u8) {
    let prefix = LockPrefix::new_curator("/lock", "lock-").unwrap();
    let lock = client.lock(prefix, &[number], OPEN).await.unwrap();
    let inside = connector().connect(&address).await.unwrap();
    inside
        .create("/inside", &[number], &EPHEMERAL)
        .await
        .unwrap();
    let entry = CreateMode::PersistentSequential.with_acls(OPEN);
    inside.create("/log/n-", &[number], &entry).await.unwrap();
    inside.delete("/inside", None).await.unwrap();
    drop(lock);
}

#[tokio::test]
async fn a_lock_passes_on_when_its_holder_is_gone() {
    let server = server();
    let (holder, observer) = (connect(&server).await, connect(&server).await);
    observer.create("/lock", b"", &PERSISTENT).await.unwrap();
    let prefix = LockPrefix::new_curator("/lock", "lock-").unwrap();
    let held = holder.lock(prefix, b"", OPEN).await.unwrap();
    let waiter = connect(&server).await;
    let waiting = tokio::spawn(async move {
        let prefix = LockPrefix::new_curator("/lock", "lock-").unwrap();
        waiter.lock(prefix, b"", OPEN).await.map(drop)
    });
    until_children(&observer, "/lock", 2).await;
    // The end of the session must free the lock, not the client's own cleaning up.
    std::mem::forget(held);
    drop(holder);
    waiting.await.unwrap().unwrap();
}

async fn until_children(client: &Client, path: &str, count: usize) {
    loop {
        let (children, _, watcher) = client.get_and_watch_children(path).await.unwrap();
        if children.len() == count {
            return;
        }
        watcher.changed().await;
    }
}
