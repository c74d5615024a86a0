//! Both sides of a login, on a pipe.

use tokio::io::{DuplexStream, duplex, split};

use super::*;

fn logins(users: &[(&str, &str)]) -> PeerLogins {
    PeerLogins::of(users)
}

async fn both(own: (&str, &str), others: &PeerLogins) -> [Result<String, LoginError>; 2] {
    let logins = logins(&[own]);
    let own = logins.own_exchange("localhost").expect("it may");
    let own = own.expect("it logs in");
    let (here, there) = duplex(1 << 10);
    let (mut here_from, mut here_to) = split(here);
    let (mut there_from, mut there_to) = split(there);
    let (learner, server) = tokio::join!(
        async {
            let outcome = log_in(&mut here_from, &mut here_to, own).await;
            outcome.map(|()| String::new())
        },
        let_in(&mut there_from, &mut there_to, others),
    );
    [learner, server]
}

#[tokio::test]
async fn who_knows_the_password_is_let_in() {
    let [learner, server] = both(("zk", "secret"), &logins(&[("zk", "secret")])).await;
    learner.expect("let in");
    assert_eq!(server.expect("let in"), "zk");
}

#[tokio::test]
async fn who_does_not_is_told_so() {
    for own in [("zk", "wrong"), ("other", "secret")] {
        let [learner, server] = both(own, &logins(&[("zk", "secret")])).await;
        assert!(matches!(learner, Err(LoginError::NotLetIn)), "{learner:?}");
        assert!(matches!(server, Err(LoginError::Refused(_))), "{server:?}");
    }
}

async fn answer_to(packet: &[u8]) -> (Result<String, LoginError>, Vec<u8>) {
    let (here, there): (DuplexStream, _) = duplex(1 << 10);
    let (mut from, mut to) = split(there);
    let (mut own_from, mut own_to) = split(here);
    own_to.write_all(packet).await.expect("room");
    own_to.shutdown().await.expect("open");
    let outcome = let_in(&mut from, &mut to, &logins(&[])).await;
    to.shutdown().await.expect("open");
    let mut answer = Vec::new();
    own_from.read_to_end(&mut answer).await.expect("an end");
    (outcome, answer)
}

fn packet(magic: i64, length: i32) -> Vec<u8> {
    let mut packet = magic.to_be_bytes().to_vec();
    packet.extend(IN_PROGRESS.to_be_bytes());
    packet.extend(length.to_be_bytes());
    packet
}

#[tokio::test]
async fn what_is_no_packet_of_a_login_is_refused_with_an_error() {
    let error = [&packet(MAGIC, 0)[..8], &ERROR.to_be_bytes(), &[0; 4]].concat();
    let (outcome, answer) = answer_to(&packet(7, 0)).await;
    assert!(matches!(outcome, Err(LoginError::NoPacket)), "{outcome:?}");
    assert_eq!(answer, error);
    let (outcome, answer) = answer_to(&packet(MAGIC, 1 << 20)).await;
    assert!(
        matches!(outcome, Err(LoginError::TooLong(_))),
        "{outcome:?}"
    );
    assert_eq!(answer, error);
    let (outcome, answer) = answer_to(&packet(MAGIC, 5)).await;
    assert!(matches!(outcome, Err(LoginError::Lost(_))), "{outcome:?}");
    assert_eq!(answer, b"");
}

#[tokio::test]
async fn the_first_packet_of_a_server_that_is_asked_is_its_challenge() {
    let (_, answer) = answer_to(&packet(MAGIC, -1)).await;
    assert_eq!(answer[..12], packet(MAGIC, 0)[..12]);
    let token = String::from_utf8_lossy(&answer[HEAD_BYTES..]);
    assert!(
        token.starts_with("realm=\"zk-quorum-sasl-md5\",nonce=\""),
        "{token}"
    );
}
