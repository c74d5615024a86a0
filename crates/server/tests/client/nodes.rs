//! Znodes: made, read, changed, guarded, several at once.

use std::time::Duration;

use zookeeper_client::{
    Acl, Acls, AuthId, CreateMode, Error, MultiReadResult, MultiWriteError, MultiWriteResult,
    Permission,
};

use super::{EPHEMERAL, OPEN, PERSISTENT, connect, exists, server};

#[tokio::test]
async fn every_create_mode_makes_its_kind_of_znode() {
    let server = server();
    let client = connect(&server).await;
    let (stat, _) = client.create("/p", b"data", &PERSISTENT).await.unwrap();
    assert_eq!((stat.ephemeral_owner, stat.data_length), (0, 4));
    let (stat, _) = client.create("/e", b"", &EPHEMERAL).await.unwrap();
    assert_eq!(stat.ephemeral_owner, client.session_id().0);
    let container = CreateMode::Container.with_acls(OPEN);
    let (stat, _) = client.create("/c", b"", &container).await.unwrap();
    assert_eq!(stat.ephemeral_owner, 0);
    let ttl = PERSISTENT.clone().with_ttl(Duration::from_secs(3600));
    let (stat, _) = client.create("/t", b"", &ttl).await.unwrap();
    assert_eq!(stat.ephemeral_owner, 0);
    let modes = [
        CreateMode::PersistentSequential,
        CreateMode::EphemeralSequential,
    ];
    for (count, mode) in modes.into_iter().enumerate() {
        let options = mode.with_acls(OPEN);
        let (_, sequence) = client.create("/p/s-", b"", &options).await.unwrap();
        assert_eq!(sequence.into_i64(), count as i64, "{mode:?}");
    }
    let ttl = CreateMode::PersistentSequential
        .with_acls(OPEN)
        .with_ttl(Duration::from_secs(3600));
    let (_, sequence) = client.create("/p/s-", b"", &ttl).await.unwrap();
    assert_eq!(sequence.into_i64(), 2);
    let mut children = client.list_children("/p").await.unwrap();
    children.sort();
    assert_eq!(children, ["s-0000000000", "s-0000000001", "s-0000000002"]);
}

#[tokio::test]
async fn creates_are_refused_with_the_right_code() {
    let server = server();
    let client = connect(&server).await;
    client.create("/e", b"", &EPHEMERAL).await.unwrap();
    for (path, expected) in [
        ("/e", Error::NodeExists),
        ("/e/child", Error::NoChildrenForEphemerals),
        ("/missing/child", Error::NoNode),
    ] {
        let outcome = client.create(path, b"", &PERSISTENT).await;
        assert_eq!(outcome.unwrap_err(), expected, "{path}");
    }
}

#[tokio::test]
async fn data_is_read_set_and_deleted_by_version() {
    let server = server();
    let client = connect(&server).await;
    let (made, _) = client.create("/a", b"one", &PERSISTENT).await.unwrap();
    assert_eq!(
        client.get_data("/a").await.unwrap(),
        (b"one".to_vec(), made)
    );
    let set = client.set_data("/a", b"two", Some(0)).await.unwrap();
    assert_eq!((set.version, set.czxid), (1, made.czxid));
    assert!(set.mzxid > made.mzxid);
    let stale = client.set_data("/a", b"three", Some(0)).await;
    assert_eq!(stale.unwrap_err(), Error::BadVersion);
    assert_eq!(client.check_stat("/a").await.unwrap(), Some(set));
    assert_eq!(client.get_data("/a").await.unwrap(), (b"two".to_vec(), set));
    client.create("/a/b", b"", &PERSISTENT).await.unwrap();
    assert_eq!(
        client.delete("/a", None).await.unwrap_err(),
        Error::NotEmpty
    );
    client.delete("/a/b", None).await.unwrap();
    let stale = client.delete("/a", Some(0)).await;
    assert_eq!(stale.unwrap_err(), Error::BadVersion);
    client.delete("/a", Some(1)).await.unwrap();
    assert!(!exists(&client, "/a").await);
    assert_eq!(client.get_data("/a").await.unwrap_err(), Error::NoNode);
}

#[tokio::test]
async fn a_megabyte_comes_back_whole() {
    let server = server();
    let client = connect(&server).await;
    let data: Vec<u8> = (0..1_000_000).map(|index| (index % 251) as u8).collect();
    client.create("/big", &data, &PERSISTENT).await.unwrap();
    assert!(client.get_data("/big").await.unwrap().0 == data);
}

#[tokio::test]
async fn children_are_listed_and_counted() {
    let server = server();
    let client = connect(&server).await;
    for path in ["/a", "/a/b", "/a/c", "/a/c/d"] {
        client.create(path, b"", &PERSISTENT).await.unwrap();
    }
    client.create("/a/c/e", b"", &EPHEMERAL).await.unwrap();
    let (mut names, stat) = client.get_children("/a").await.unwrap();
    names.sort();
    assert_eq!(names, ["b", "c"]);
    assert_eq!((stat.num_children, stat.cversion), (2, 2));
    assert_eq!(client.count_descendants_number("/a").await.unwrap(), 4);
    assert_eq!(client.list_ephemerals("/a").await.unwrap(), ["/a/c/e"]);
}

#[tokio::test]
async fn only_who_has_the_digest_may_touch_a_guarded_znode() {
    let server = server();
    let owner = connect(&server).await;
    owner.auth("digest", b"alice:secret").await.unwrap();
    let guarded = CreateMode::Persistent.with_acls(Acls::creator_all());
    owner.create("/mine", b"secret", &guarded).await.unwrap();
    let users = owner.list_auth_users().await.unwrap();
    assert!(
        users
            .iter()
            .any(|user| (user.scheme(), user.user()) == ("digest", "alice"))
    );

    let stranger = connect(&server).await;
    assert_eq!(stranger.get_data("/mine").await.unwrap_err(), Error::NoAuth);
    let set = stranger.set_data("/mine", b"", None).await;
    assert_eq!(set.unwrap_err(), Error::NoAuth);
    let create = stranger.create("/mine/x", b"", &PERSISTENT).await;
    assert_eq!(create.unwrap_err(), Error::NoAuth);
    stranger.auth("digest", b"alice:wrong").await.unwrap();
    assert_eq!(stranger.get_data("/mine").await.unwrap_err(), Error::NoAuth);
    stranger.auth("digest", b"alice:secret").await.unwrap();
    assert_eq!(stranger.get_data("/mine").await.unwrap().0, b"secret");
}

#[tokio::test]
async fn an_acl_is_set_by_version_and_read_back() {
    let server = server();
    let client = connect(&server).await;
    client.create("/a", b"", &PERSISTENT).await.unwrap();
    let read_only = [
        Acl::new(Permission::READ, AuthId::anyone()),
        Acl::new(Permission::ADMIN, AuthId::anyone()),
    ];
    let stat = client.set_acl("/a", &read_only, Some(0)).await.unwrap();
    assert_eq!(stat.aversion, 1);
    let stale = client.set_acl("/a", &read_only, Some(0)).await;
    assert_eq!(stale.unwrap_err(), Error::BadVersion);
    let (acl, _) = client.get_acl("/a").await.unwrap();
    assert_eq!(acl, read_only);
    let set = client.set_data("/a", b"", None).await;
    assert_eq!(set.unwrap_err(), Error::NoAuth);
}

#[tokio::test]
async fn a_multi_does_all_at_one_zxid() {
    let server = server();
    let client = connect(&server).await;
    client.create("/old", b"", &PERSISTENT).await.unwrap();
    let mut writer = client.new_multi_writer();
    writer.add_check_version("/old", 0).unwrap();
    writer.add_create("/a", b"1", &PERSISTENT).unwrap();
    writer.add_create("/a/b", b"", &EPHEMERAL).unwrap();
    writer.add_set_data("/a", b"2", Some(0)).unwrap();
    writer.add_delete("/old", None).unwrap();
    let results = writer.commit().await.unwrap();
    assert_eq!(results.len(), 5);
    let MultiWriteResult::SetData { stat } = results[3] else {
        panic!("{results:?}")
    };
    assert_eq!((stat.version, stat.mzxid), (1, stat.czxid));
    let (data, now) = client.get_data("/a").await.unwrap();
    assert_eq!((data, now), (b"2".to_vec(), stat));
    assert!(!exists(&client, "/old").await);
}

#[tokio::test]
async fn a_multi_with_one_failing_part_does_nothing() {
    let server = server();
    let client = connect(&server).await;
    let mut writer = client.new_multi_writer();
    writer.add_create("/a", b"", &PERSISTENT).unwrap();
    writer.add_check_version("/a", 7).unwrap();
    writer.add_create("/b", b"", &PERSISTENT).unwrap();
    let failed = MultiWriteError::OperationFailed {
        index: 1,
        source: Error::BadVersion,
    };
    assert_eq!(writer.commit().await.unwrap_err(), failed);
    assert!(!exists(&client, "/a").await);
    assert!(!exists(&client, "/b").await);
}

#[tokio::test]
async fn a_multi_read_answers_each_part() {
    let server = server();
    let client = connect(&server).await;
    client.create("/a", b"data", &PERSISTENT).await.unwrap();
    client.create("/a/b", b"", &PERSISTENT).await.unwrap();
    let mut reader = client.new_multi_reader();
    reader.add_get_data("/a").unwrap();
    reader.add_get_data("/missing").unwrap();
    reader.add_get_children("/a").unwrap();
    let results = reader.commit().await.unwrap();
    assert!(
        matches!(
            &results[..],
            [
                MultiReadResult::Data { data, .. },
                MultiReadResult::Error { err: Error::NoNode },
                MultiReadResult::Children { children },
            ] if data == b"data" && children == &["b"]
        ),
        "{results:?}"
    );
}
