//! Learners that log in, and those that do not.

use std::sync::Arc;

use super::*;
use crate::sasl::PeerLogins;

fn guard(password: &str) -> Guard {
    Guard::new(None, Some(Arc::new(PeerLogins::of(&[("zk", password)]))))
}

#[tokio::test]
async fn a_learner_that_knows_the_password_is_let_in() {
    let mut leader = Leader::guarded(Port::reserve(), guard("secret")).await;
    let mut learner = Learner::guarded(&[&leader.port], PAUSE, guard("secret"));
    let link = learner.events.up().await;
    leader.events.up().await;
    link.send(ack(1));
    assert_eq!(leader.events.packets().await, [ack(1)]);
}

#[tokio::test]
async fn a_learner_with_another_password_is_told_so_and_the_leader_hears_nothing_of_it() {
    let leader = Leader::guarded(Port::reserve(), guard("secret")).await;
    let mut learner = Learner::guarded(&[&leader.port], PAUSE, guard("other"));
    let reason = learner.events.down().await.to_string();
    assert!(reason.contains("does not let this server in"), "{reason}");
    let Leader {
        acceptor,
        mut events,
        ..
    } = leader;
    acceptor.close().await;
    events.ended().await;
}

#[tokio::test]
async fn a_learner_without_a_login_is_closed_before_its_first_packet_is_read() {
    let mut leader = Leader::guarded(Port::reserve(), guard("secret")).await;
    let mut stranger = TcpStream::connect(("127.0.0.1", leader.port.number))
        .await
        .expect("it listens");
    let packets = encoded(&[ack(1), ack(2)]);
    stranger.write_all(&packets).await.expect("it is open");
    let mut answer = Vec::new();
    // It may be reset, for not all was read.
    let _ = soon(stranger.read_to_end(&mut answer)).await;
    assert_eq!(answer, b"");
    let mut learner = Learner::guarded(&[&leader.port], PAUSE, guard("secret"));
    learner.events.up().await;
    leader.events.up().await;
}
