//! A word and its answer over a connection: who is told of whom, and what a slow client gets.

use std::sync::Arc;
use std::time::Duration;

use proto::SessionId;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{sleep, timeout};

use super::connections::joined_on;
use super::*;
use crate::connection::task::{Arrival, serve_streams};
use crate::limits;
use crate::shared::Server;

#[test]
fn telnets_interrupt_is_refused_by_its_name() {
    let server = alone("ruok");
    let refusal = on_paused_time(answer(&server, &asker(), TELNET_INTERRUPT, None));
    let expected = "telnet close is not executed because it is not in the whitelist.\n";
    assert_eq!(refusal.as_deref(), Some(expected));
    assert!(is_word(&server, TELNET_INTERRUPT));
    assert!(!is_word(&alone(""), TELNET_INTERRUPT));
}

#[test]
fn connections_of_the_other_port_are_not_told_and_not_reset() {
    let server = alone("");
    let plain = joined_on(false, &server, 1, SessionId(1));
    let secure = joined_on(true, &server, 2, SessionId(2));
    for connection in [&plain, &secure] {
        connection.traffic.received.store(7, Relaxed);
    }
    for word in ["cons", "stat"] {
        let told = ask(&server, word, None).expect("an answer");
        assert!(
            told.contains(":40001[") && !told.contains(":40002["),
            "{told}"
        );
    }
    ask(&server, "crst", None);
    let received = [&plain, &secure].map(|connection| connection.traffic.received.load(Relaxed));
    assert_eq!(received, [0, 7]);
}

/// A client whose socket has room for a few bytes only.
fn slow_client(server: Shared) -> DuplexStream {
    slow_client_of(&Arc::new(server))
}

fn slow_client_of(server: &Server) -> DuplexStream {
    let server = server.clone();
    let (client, end) = duplex(64);
    let arrival = Arrival {
        remote: SocketAddr::from(([127, 0, 0, 1], 40_001)),
        admission: None,
        subject: None,
        is_secure: false,
        on_secure_port: false,
    };
    tokio::spawn(async move {
        let (reader, writer) = tokio::io::split(end);
        serve_streams(&server, arrival, reader, writer).await;
    });
    client
}

#[test]
fn a_client_that_takes_its_answer_slowly_gets_all_of_it() {
    let server = Arc::new(alone(""));
    let whole = ask(&server, "conf", None).expect("an answer");
    assert!(whole.len() > 3 * 64, "it has few pieces: {whole}");
    let told = on_paused_time(async {
        let mut client = slow_client_of(&server);
        client.write_all(b"conf").await.expect("the word");
        let mut told = Vec::new();
        loop {
            // Longer than the server waits for the client's end, as often as the answer has pieces.
            sleep(Duration::from_secs(5)).await;
            if client.read_buf(&mut told).await.expect("an answer") == 0 {
                return String::from_utf8(told).expect("text");
            }
        }
    });
    assert_eq!(told, whole);
}

#[test]
fn a_client_that_takes_nothing_is_not_waited_for() {
    let told = on_paused_time(async {
        let mut client = slow_client(alone(""));
        client.write_all(b"envi").await.expect("the word");
        sleep(Duration::from_secs(11)).await;
        let mut told = Vec::new();
        client.read_to_end(&mut told).await.expect("the end");
        told.len()
    });
    assert_eq!(told, 64);
}

#[test]
fn long_answers_are_kept_for_a_few_clients_at_once_and_others_wait() {
    on_paused_time(async {
        let server = Arc::new(alone(""));
        let mut clients = Vec::new();
        for _ in 0..=limits::MAX_LISTINGS {
            let mut client = slow_client_of(&server);
            client.write_all(b"stat").await.expect("the word");
            clients.push(client);
            sleep(Duration::from_millis(1)).await;
        }
        let mut waits = clients.pop().expect("the last one");
        let mut told = String::new();
        let asked = timeout(Duration::from_secs(5), waits.read_u8()).await;
        assert!(asked.is_err(), "it has an answer: {asked:?}");
        clients[0]
            .read_to_string(&mut told)
            .await
            .expect("the first one's");
        told.clear();
        waits.read_to_string(&mut told).await.expect("an answer");
        assert!(told.ends_with("Node count: 5\n"), "{told}");
    });
}
