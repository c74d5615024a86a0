use super::*;

#[tokio::test]
async fn packets_come_in_the_order_in_which_they_were_sent() {
    let (mut leader, to_learner, mut learner, to_leader) = pair().await;
    let sent: Vec<ToLearner> = (0..2000)
        .map(|zxid| proposal(zxid, zxid as usize * 7))
        .collect();
    sent.iter()
        .for_each(|packet| to_learner.send(packet.clone()));
    assert!(learner.events.all_of(2000).await == sent);
    let acks: Vec<ToLeader> = (0..2000).map(ack).collect();
    acks.iter()
        .for_each(|packet| to_leader.send(packet.clone()));
    assert!(leader.events.all_of(2000).await == acks);
}

#[tokio::test]
async fn the_packets_of_one_read_are_one_batch() {
    let mut leader = Leader::open().await;
    let (mut stranger, _link) = leader.stranger().await;
    let acks = [ack(1), ack(2), ack(3)];
    stranger.write_all(&encoded(&acks)).await.unwrap();
    assert_eq!(leader.events.packets().await, acks);
}

#[tokio::test]
async fn a_stream_stands_between_the_packets_around_it() {
    let (_leader, to_learner, mut learner, _to_leader) = pair().await;
    let snapshot = Bytes::from((0..3_000_000u32).map(|at| at as u8).collect::<Vec<_>>());
    to_learner.send(proposal(1, 10));
    to_learner.send(ToLearner::Snap(Zxid(7)));
    let source = to_learner.stream();
    to_learner.send(ToLearner::UpToDate);
    let whole = snapshot.clone();
    let thread = std::thread::spawn(move || {
        let length = i32::try_from(whole.len()).unwrap().to_be_bytes();
        source
            .blocking_put(Bytes::copy_from_slice(&length))
            .unwrap();
        for chunk in whole.chunks(10_007) {
            source.blocking_put(whole.slice_ref(chunk)).unwrap();
        }
        source.blocking_finish().unwrap();
    });
    let before = learner.events.all_of(2).await;
    assert_eq!(before, [proposal(1, 10), ToLearner::Snap(Zxid(7))]);
    match learner.events.next().await {
        LinkEvent::SnapshotReceived { snapshot: came, .. } => assert!(came == (Zxid(7), snapshot)),
        other => panic!("no snapshot: {other:?}"),
    }
    assert_eq!(learner.events.packets().await, [ToLearner::UpToDate]);
    thread.join().unwrap();
}

#[tokio::test]
async fn a_stream_that_is_not_finished_is_never_taken_for_whole() {
    let (mut leader, to_learner, mut learner, _to_leader) = pair().await;
    to_learner.send(ToLearner::Snap(Zxid(7)));
    let source = to_learner.stream();
    source
        .put(Bytes::from_static(&[0, 0, 0, 9, 1]))
        .await
        .unwrap();
    drop(source);
    assert!(matches!(
        leader.events.down().await,
        DownReason::StreamBroken
    ));
    assert_eq!(learner.events.packets().await, [ToLearner::Snap(Zxid(7))]);
    let reason = learner.events.down().await;
    assert!(matches!(reason, DownReason::Cut("a snapshot")), "{reason}");
}

#[tokio::test]
async fn the_source_of_a_stream_hears_that_the_link_is_gone() {
    let (mut leader, to_learner, mut learner, _to_leader) = pair().await;
    let source = to_learner.stream();
    learner.connector.close().await;
    let end = leader.events.down().await;
    assert!(
        matches!(end, DownReason::Closed | DownReason::Lost(_)),
        "{end}"
    );
    assert_eq!(source.put(Bytes::from_static(b"more")).await, Err(LinkGone));
    learner.events.ended().await;
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_ends_the_link() {
    for bytes in [&[0xff; 4][..], b"\0\0\0\x06broken"] {
        let (_leader, to_learner, mut learner, _to_leader) = pair().await;
        to_learner.send(ToLearner::Snap(Zxid(7)));
        let source = to_learner.stream();
        source.put(Bytes::from_static(bytes)).await.unwrap();
        learner.events.packets().await;
        let reason = learner.events.down().await;
        assert!(matches!(reason, DownReason::BadSnapshot(_)), "{reason}");
    }
}

#[tokio::test]
async fn a_link_that_is_ended_is_down_at_both_ends() {
    let (mut leader, to_learner, mut learner, _to_leader) = pair().await;
    to_learner.end();
    assert!(matches!(leader.events.down().await, DownReason::Ended));
    assert!(matches!(learner.events.down().await, DownReason::Closed));
    to_learner.send(ToLearner::UpToDate); // goes nowhere
}

#[tokio::test]
async fn a_leader_that_closes_its_port_drops_its_learners_and_lets_none_in() {
    let (leader, _to_learner, mut learner, _to_leader) = pair().await;
    let Leader {
        port,
        acceptor,
        mut events,
    } = leader;
    acceptor.close().await;
    assert!(matches!(learner.events.down().await, DownReason::Closed));
    events.ended().await;
    let refused = TcpStream::connect(("127.0.0.1", port.number)).await;
    assert!(refused.is_err());
    let mut again = Leader::open_on(port).await;
    again.stranger().await;
}

#[tokio::test]
async fn each_link_has_a_number_of_its_own() {
    let mut leader = Leader::open().await;
    let (_first, one) = leader.stranger().await;
    let (_second, two) = leader.stranger().await;
    assert_ne!(one.id(), two.id());
}
