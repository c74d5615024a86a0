use super::*;

#[tokio::test]
async fn garbage_ends_its_own_link_and_no_other() {
    let (mut leader, _to_learner, _learner, to_leader) = pair().await;
    let http = b"GET / HTTP/1.1\r\nHost: zoo1:2888\r\n\r\n";
    let to_learner = {
        let mut bytes = BytesMut::new();
        ToLearner::UpToDate.encode(&mut bytes);
        bytes
    };
    for garbage in [&http[..], &to_learner, &[0xff; 64]] {
        let (mut stranger, link) = leader.stranger().await;
        stranger.write_all(garbage).await.unwrap();
        match leader.events.next().await {
            LinkEvent::Down { link: down, reason } => {
                assert_eq!(down, link.id());
                let expected = matches!(reason, DownReason::BadFrame(_) | DownReason::BadPacket(_));
                assert!(expected, "{reason}");
            }
            other => panic!("not down: {other:?}"),
        }
        let _ = stranger.read_to_end(&mut Vec::new()).await; // it is closed
    }
    to_leader.send(ack(1));
    assert_eq!(leader.events.packets().await, [ack(1)]);
}

#[tokio::test]
async fn good_packets_before_garbage_come_before_the_end() {
    let mut leader = Leader::open().await;
    let (mut stranger, _link) = leader.stranger().await;
    let mut bytes = encoded(&[ack(1), ack(2)]);
    bytes.extend_from_slice(&[0x7f; 64]);
    stranger.write_all(&bytes).await.unwrap();
    assert_eq!(leader.events.all_of(2).await, [ack(1), ack(2)]);
    assert!(matches!(
        leader.events.down().await,
        DownReason::BadFrame(_)
    ));
}

#[tokio::test]
async fn a_close_is_told_at_once_with_what_it_cut() {
    let mut leader = Leader::open().await;
    let (stranger, _link) = leader.stranger().await;
    drop(stranger);
    assert!(matches!(leader.events.down().await, DownReason::Closed));
    let (mut stranger, _link) = leader.stranger().await;
    let bytes = encoded(&[ack(1)]);
    stranger.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
    drop(stranger);
    let reason = leader.events.down().await;
    assert!(matches!(reason, DownReason::Cut("a packet")), "{reason}");
}

#[tokio::test]
async fn a_reset_is_told_at_once() {
    let mut leader = Leader::open().await;
    let (stranger, _link) = leader.stranger().await;
    let no_wait = Some(Duration::ZERO);
    socket2::SockRef::from(&stranger)
        .set_linger(no_wait)
        .unwrap();
    drop(stranger);
    assert!(matches!(leader.events.down().await, DownReason::Lost(_)));
}

#[tokio::test]
async fn a_learner_that_does_not_read_is_dropped_when_too_much_waits() {
    let mut leader = Leader::open().await;
    let (_stranger, link) = leader.stranger().await;
    let record = Bytes::from(vec![7; 8 << 20]); // shared: the bound is on what waits, not on what is held once
    let bound = crate::limits::MAX_LINK_QUEUE_BYTES;
    for zxid in 0..(bound / record.len() + 8) as i64 {
        // the system takes a few
        let (zxid, record) = (Zxid(zxid), record.clone());
        link.send(ToLearner::Proposal { zxid, record });
    }
    let reason = leader.events.down().await;
    assert!(
        matches!(reason, DownReason::QueueFull(bytes) if bytes > bound),
        "{reason}"
    );
}
