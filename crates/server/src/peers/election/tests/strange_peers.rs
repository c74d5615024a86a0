use super::*;

/// As 3.4 says who it is.
fn sid_only(sid: i64) -> [u8; 8] {
    sid.to_be_bytes()
}

#[tokio::test]
async fn what_is_no_hello_is_closed_and_harms_nobody() {
    let ensemble = Ensemble::of(&[5, 9]);
    let mut server = ensemble.start(5).await;
    let unknown_version = sid_only(-7);
    let no_addresses = [&sid_only(-65536)[..], &sid_only(9), &[0; 4]].concat();
    let bad_address = [&sid_only(-65536)[..], &sid_only(9), &[0, 0, 0, 3], b"zoo"].concat();
    for hello in [&unknown_version[..], &no_addresses, &bad_address] {
        let mut stream = ensemble.connect(5, hello).await;
        is_closed(&mut stream).await;
    }
    let mut good = ensemble.connect(5, &sid_only(9)).await;
    good.write_all(&frame(&notification(1).encode()))
        .await
        .unwrap();
    assert_eq!(server.heard().await, (9, 1));
}

#[tokio::test(start_paused = true)]
async fn a_half_hello_is_closed_when_its_time_is_over() {
    let ensemble = Ensemble::of(&[5]);
    let _server = ensemble.start(5).await;
    let began = Instant::now();
    let mut stream = ensemble.connect(5, &[0xff; 7]).await;
    is_closed(&mut stream).await;
    assert_eq!(began.elapsed().as_secs(), HANDSHAKE.as_secs());
}

#[tokio::test]
async fn frames_of_a_length_that_cannot_be_end_the_connection() {
    let ensemble = Ensemble::of(&[5, 9]);
    let mut server = ensemble.start(5).await;
    for length in [0, -1, 524_289, i32::MAX] {
        let mut stream = ensemble.connect(5, &sid_only(9)).await;
        stream.write_all(&i32::to_be_bytes(length)).await.unwrap();
        is_closed(&mut stream).await;
    }
    let mut good = ensemble.connect(5, &sid_only(9)).await;
    good.write_all(&frame(&notification(1).encode()))
        .await
        .unwrap();
    assert_eq!(server.heard().await, (9, 1));
}

#[tokio::test]
async fn a_message_that_is_no_notification_is_skipped() {
    let ensemble = Ensemble::of(&[5, 9]);
    let mut server = ensemble.start(5).await;
    let mut stream = ensemble.connect(5, &sid_only(9)).await;
    let mut bytes = frame(b"not a notification of any version");
    bytes.extend(frame(&[1]));
    bytes.extend(frame(&notification(1).encode()));
    stream.write_all(&bytes).await.unwrap();
    assert_eq!(server.heard().await, (9, 1));
}

#[tokio::test]
async fn the_own_sid_is_closed() {
    let ensemble = Ensemble::of(&[5]);
    let server = ensemble.start(5).await;
    let mut stream = ensemble.connect(5, &sid_only(5)).await;
    is_closed(&mut stream).await;
    assert!(server.open_links().is_empty());
}

#[tokio::test]
async fn a_newer_connection_of_a_server_ends_the_older_one() {
    let ensemble = Ensemble::of(&[5, 9]);
    let mut server = ensemble.start(5).await;
    let mut older = ensemble.connect(5, &sid_only(9)).await;
    older
        .write_all(&frame(&notification(1).encode()))
        .await
        .unwrap();
    assert_eq!(server.heard().await, (9, 1));
    server.send(9, 2);
    assert_eq!(read_notification(&mut older).await.round, 2);

    let mut newer = ensemble.connect(5, &sid_only(9)).await;
    is_closed(&mut older).await;
    let again = read_notification(&mut newer).await;
    assert_eq!(
        again,
        notification(2),
        "it may have been lost with the older one"
    );
    newer
        .write_all(&frame(&notification(3).encode()))
        .await
        .unwrap();
    assert_eq!(server.heard().await, (9, 3));
}

#[tokio::test]
async fn a_larger_sid_in_no_server_line_is_heard_and_answered() {
    let ensemble = Ensemble::of(&[5]);
    let mut server = ensemble.start(5).await;
    let mut stream = ensemble.connect(5, &sid_only(7)).await;
    stream
        .write_all(&frame(&notification(1).encode()))
        .await
        .unwrap();
    assert_eq!(server.heard().await, (7, 1));
    server.send(7, 2);
    assert_eq!(read_notification(&mut stream).await, notification(2));
}

#[tokio::test]
async fn a_smaller_sid_in_no_server_line_is_connected_back_to_where_it_says() {
    let ensemble = Ensemble::of(&[5]);
    let mut server = ensemble.start(5).await;
    let own = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("127.0.0.1:{}", own.local_addr().unwrap().port());
    let hello = Hello {
        sid: Sid(2),
        addresses: vec![PeerAddress::parse(&address).unwrap()],
    };
    let mut knock = ensemble.connect(5, &hello.encode()).await;
    is_closed(&mut knock).await;
    let (mut back, _) = soon(own.accept()).await.unwrap();
    let said = Hello::read(&mut back).await.unwrap();
    assert_eq!(
        (said.sid, said.addresses),
        (Sid(5), vec![ensemble.address(5)])
    );
    back.write_all(&frame(&notification(1).encode()))
        .await
        .unwrap();
    assert_eq!(server.heard().await, (2, 1));
}

/// A smaller sid knocks and does not keep what it has made; without an answer it knocks no second time.
#[tokio::test]
async fn a_smaller_server_knocks_once_until_it_is_heard() {
    let ensemble = Ensemble::of(&[1, 2]);
    let server = ensemble.start(1).await;
    let larger = TcpListener::bind(("127.0.0.1", ensemble.address(2).port))
        .await
        .unwrap();
    server.send(2, 1);
    let (mut knock, _) = soon(larger.accept()).await.unwrap();
    assert_eq!(Hello::read(&mut knock).await.unwrap().sid, Sid(1));
    server.send(2, 2);
    let mut back = ensemble.connect(1, &sid_only(2)).await;
    assert_eq!(read_notification(&mut back).await.round, 2);
    is_closed(&mut knock).await;
    let second = tokio::time::timeout(Duration::ZERO, larger.accept()).await;
    assert!(second.is_err(), "it has knocked a second time");
}

#[tokio::test]
async fn a_server_that_sends_without_end_waits_until_it_is_heard() {
    let ensemble = Ensemble::of(&[5, 8, 9]);
    let mut server = ensemble.start(5).await;
    let mut loud = ensemble.connect(5, &sid_only(9)).await;
    let bound = crate::limits::MAX_ELECTION_EVENTS;
    for round in 0..=bound {
        loud.write_all(&frame(&notification(round as i64).encode()))
            .await
            .unwrap();
    }
    let mut untaken = Vec::new();
    for _ in 0..bound {
        untaken.push(soon(server.events.recv()).await.unwrap());
    }
    let mut other = ensemble.connect(5, &sid_only(8)).await;
    other
        .write_all(&frame(&notification(77).encode()))
        .await
        .unwrap();
    assert_eq!(server.heard().await, (8, 77), "others are heard meanwhile");
    untaken.pop();
    assert_eq!(server.heard().await, (9, bound as i64));
}
