use super::*;

/// Sends rounds both ways between all until the connections stay the same; then each message went over the connection on
/// which the other side reads, so that there is one for each pair.
async fn settle(servers: &mut [(i64, &mut Running)]) {
    let mut before = Vec::new();
    for round in 100.. {
        let sids: Vec<i64> = servers.iter().map(|(sid, _)| *sid).collect();
        for (sid, server) in servers.iter() {
            let others = sids.iter().filter(|other| *other != sid);
            others.for_each(|other| server.send(*other, round));
        }
        for (sid, server) in servers.iter_mut() {
            let mut missing: Vec<i64> = sids.iter().copied().filter(|other| other != sid).collect();
            while !missing.is_empty() {
                let (from, heard) = server.heard().await;
                missing.retain(|other| *other != from || heard != round);
            }
        }
        let links: Vec<_> = servers
            .iter()
            .map(|(_, server)| server.open_links())
            .collect();
        let complete = links.iter().all(|links| links.len() == sids.len() - 1);
        if complete && links == before {
            return;
        }
        before = links;
    }
}

#[tokio::test]
async fn two_servers_find_each_other_whichever_starts_first() {
    for (first, second) in [(1, 2), (2, 1)] {
        let ensemble = Ensemble::of(&[1, 2]);
        let mut early = ensemble.start(first).await;
        early.send(second, 7);
        assert_eq!(early.refused().await, second);
        let mut late = ensemble.start(second).await;
        late.send(first, 8);
        assert_eq!(late.heard().await, (first, 7), "{first} before {second}");
        assert_eq!(early.heard().await, (second, 8), "{first} before {second}");
        settle(&mut [(first, &mut early), (second, &mut late)]).await;
    }
}

#[tokio::test]
async fn servers_that_connect_at_once_end_with_one_connection_for_each_pair() {
    for _ in 0..20 {
        let ensemble = Ensemble::of(&[1, 2, 3]);
        let mut one = ensemble.start(1).await;
        let mut two = ensemble.start(2).await;
        let mut three = ensemble.start(3).await;
        settle(&mut [(3, &mut three), (1, &mut one), (2, &mut two)]).await;
    }
}

#[tokio::test]
async fn three_servers_find_each_other_as_they_come() {
    for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
        let ensemble = Ensemble::of(&[1, 2, 3]);
        let mut running = Vec::new();
        for sid in order {
            running.push((sid, ensemble.start(sid).await));
            for (early, server) in &running {
                let others = order.iter().filter(|other| *other != early);
                others.for_each(|other| server.send(*other, 1));
            }
        }
        let mut servers: Vec<(i64, &mut Running)> = Vec::new();
        servers.extend(running.iter_mut().map(|(sid, server)| (*sid, server)));
        settle(&mut servers).await;
    }
}

#[tokio::test]
async fn only_the_newest_message_reaches_a_server_that_comes_late() {
    for (early, late) in [(1, 2), (2, 1)] {
        let ensemble = Ensemble::of(&[1, 2]);
        let mut first = ensemble.start(early).await;
        for round in [1, 2, 3] {
            first.send(late, round);
            assert_eq!(first.refused().await, late);
        }
        let mut second = ensemble.start(late).await;
        second.send(early, 9);
        assert_eq!(second.heard().await, (early, 3));
        assert_eq!(first.heard().await, (late, 9));
    }
}

#[tokio::test]
async fn the_last_message_is_sent_again_to_a_server_that_has_restarted() {
    for (stays, restarts) in [(1, 2), (2, 1)] {
        let ensemble = Ensemble::of(&[1, 2]);
        let mut one = ensemble.start(stays).await;
        let mut other = ensemble.start(restarts).await;
        one.send(restarts, 1);
        assert_eq!(other.heard().await, (stays, 1));
        other.links.stop().await;
        let mut again = ensemble.start(restarts).await;
        again.send(stays, 2);
        assert_eq!(again.heard().await, (stays, 1));
        assert_eq!(one.heard().await, (restarts, 2));
    }
}

#[tokio::test]
async fn a_refused_connection_is_told_each_time() {
    let ensemble = Ensemble::of(&[1, 2, 3]);
    let mut two = ensemble.start(2).await;
    for peer in [1, 3, 1] {
        two.send(peer, 1);
        assert_eq!(two.refused().await, peer);
    }
}

#[tokio::test]
async fn a_stopped_server_refuses_connections() {
    let ensemble = Ensemble::of(&[1, 2]);
    let mut one = ensemble.start(1).await;
    let two = ensemble.start(2).await;
    two.links.stop().await;
    one.send(2, 1);
    assert_eq!(one.refused().await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_taken_port_is_tried_again_as_often_as_is_set() {
    let ensemble = Ensemble::of(&[1]);
    let holder = TcpListener::bind(("127.0.0.1", ensemble.address(1).port))
        .await
        .unwrap();
    let mut settings = ensemble.settings(1);
    settings.bind_tries = 3;
    let began = Instant::now();
    let error = ElectionLinks::start(settings.clone(), |_| {})
        .await
        .unwrap_err();
    assert_eq!(
        began.elapsed().as_secs(),
        2,
        "two pauses between three attempts"
    );
    let port = format!("127.0.0.1:{}", ensemble.address(1).port);
    assert!(error.to_string().contains(&port), "{error}");

    settings.bind_tries = 0;
    let release = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(holder);
    };
    let (links, ()) = tokio::join!(ElectionLinks::start(settings, |_| {}), release);
    links.expect("no limit").stop().await;
}
