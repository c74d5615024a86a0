//! Lists by file and by a web server on loopback. What they say is tried in `pki`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::fetch::{Fetcher, ask};
use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

/// A web server: what it was asked, and what it says, one after the other.
struct Site {
    url: String,
    asked: Receiver<String>,
    answers: Sender<Vec<u8>>,
}

impl Site {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/x", listener.local_addr().expect("its address"));
        let (tell, asked) = channel();
        let (answers, to_say) = channel::<Vec<u8>>();
        thread::spawn(move || {
            while let (Ok((mut stream, _)), Ok(answer)) = (listener.accept(), to_say.recv()) {
                let request = request(&mut stream);
                let _ = stream.write_all(&answer);
                let _ = tell.send(request);
            }
        });
        Site {
            url,
            asked,
            answers,
        }
    }

    fn will_say(&self, status: &str, headers: &str, body: &[u8]) {
        let head = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        let answer = [head.as_bytes(), body].concat();
        self.answers.send(answer).expect("it listens");
    }

    fn was_asked(&self) -> String {
        self.asked.recv_timeout(PATIENCE).expect("a request")
    }
}

/// Head and body.
fn request(stream: &mut TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).expect("a line") > 0 {}
    let lower = head.to_lowercase();
    let length = lower.split_once("content-length: ");
    let length = length.and_then(|(_, rest)| rest.lines().next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).expect("a body");
    lower + &String::from_utf8_lossy(&body)
}

fn list(fetcher: &Fetcher, url: &str) -> Result<Vec<u8>, String> {
    Ok(fetcher.list(url, soon())?.to_vec())
}

#[test]
fn a_list_is_kept_for_a_while_and_so_is_its_absence() {
    let site = Site::new();
    let fetcher = Fetcher::default();
    site.will_say("200 OK", "", b"one");
    for _ in 0..2 {
        assert_eq!(list(&fetcher, &site.url).as_deref(), Ok(&b"one"[..]));
    }
    assert!(site.was_asked().starts_with("get /x http/1.1\r\n"));
    let other = format!("{}/other", site.url);
    site.will_say("404 Not Found", "", b"");
    for _ in 0..2 {
        assert_eq!(list(&fetcher, &other), Err("http status: 404".to_owned()));
    }
    assert!(site.was_asked().starts_with("get /x/other"));
    assert!(site.asked.try_recv().is_err(), "nothing else was asked for");
}

#[test]
fn a_list_that_has_not_changed_is_not_sent_again() {
    let site = Site::new();
    let fetcher = Fetcher::default();
    let modified = "Wed, 24 Dec 2025 00:00:00 GMT";
    site.will_say("200 OK", &format!("Last-Modified: {modified}\r\n"), b"one");
    assert!(list(&fetcher, &site.url).is_ok());
    fetcher.grow_old();
    site.will_say("304 Not Modified", "", b"");
    assert_eq!(list(&fetcher, &site.url).as_deref(), Ok(&b"one"[..]));
    site.was_asked();
    let second = site.was_asked();
    assert!(
        second.contains(&format!("if-modified-since: {}", modified.to_lowercase())),
        "{second}"
    );
    fetcher.grow_old();
    site.will_say("503 Service Unavailable", "", b"");
    assert!(
        list(&fetcher, &site.url).is_err(),
        "an old list counts no more"
    );
}

#[test]
fn lists_that_are_too_many_make_room_for_the_newest() {
    let directory = tempfile::tempdir().expect("a directory");
    let fetcher = Fetcher::default();
    let url = |name: &str| format!("file://{}/{name}", directory.path().display());
    let read = |name: &str| list(&fetcher, &url(name));
    std::fs::write(directory.path().join("first"), b"first").expect("written");
    assert!(read("first").is_ok());
    for number in 0..fetch::MAX_KEPT {
        assert!(read(&format!("none-{number}")).is_err());
    }
    assert_eq!(fetcher.len(), fetch::MAX_KEPT);
    std::fs::write(directory.path().join("first"), b"again").expect("written");
    assert_eq!(
        read("first").as_deref(),
        Ok(&b"again"[..]),
        "the oldest was forgotten"
    );
}

#[test]
fn a_file_is_named_with_or_without_a_host_and_with_percent_signs() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("a list"), b"one").expect("written");
    let path = directory.path().display();
    for url in [
        format!("file:{path}/a%20list"),
        format!("file://{path}/a%20list"),
        format!("FILE://localhost{path}/a%20list"),
    ] {
        assert_eq!(
            list(&Fetcher::default(), &url).as_deref(),
            Ok(&b"one"[..]),
            "{url}"
        );
    }
}

#[test]
fn other_places_are_refused() {
    for url in [
        "ldap://127.0.0.1/list",
        "https://127.0.0.1/list",
        "ftp://127.0.0.1/list",
        "list",
    ] {
        let error = list(&Fetcher::default(), url).expect_err("refused");
        assert_eq!(
            error, "lists are fetched from file: and http: alone",
            "{url}"
        );
    }
    let error = ask("https://127.0.0.1/ocsp", b"?", soon()).expect_err("refused");
    assert_eq!(error, "responders are asked by http: alone");
}

#[test]
fn a_responder_gets_the_question_and_its_answer_is_bounded() {
    let site = Site::new();
    site.will_say("200 OK", "", b"answer");
    assert_eq!(
        ask(&site.url, b"question", soon()).as_deref(),
        Ok(&b"answer"[..])
    );
    let asked = site.was_asked();
    assert!(
        asked.starts_with("post /x") && asked.ends_with("question"),
        "{asked}"
    );
    assert!(
        asked.contains("content-type: application/ocsp-request"),
        "{asked}"
    );
    site.will_say("200 OK", "", &vec![0; 65 << 10]);
    assert!(
        ask(&site.url, b"question", soon()).is_err(),
        "too long an answer"
    );
}

#[test]
fn who_does_not_answer_is_waited_for_until_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("its address"));
    let deadline = Instant::now() + Duration::from_millis(50);
    let error = ask(&url, b"question", deadline).expect_err("no answer");
    assert!(error.contains("timeout"), "{error}");
    let error = ask(&url, b"question", deadline).expect_err("no time left");
    assert!(error.contains("timeout"), "{error}");
}

#[tokio::test]
async fn a_certificate_that_names_nobody_to_ask_is_refused_and_one_that_is_trusted_itself_is_not() {
    let authority = pki::issue::Authority::new("ca", 2020).expect("an authority");
    let path = authority.issue("peer", &[]).expect("a certificate").chain;
    let algorithms = rustls::crypto::aws_lc_rs::default_provider()
        .signature_verification_algorithms
        .all;
    for (source, expected) in [
        (
            RevocationSource::Lists,
            "it names no list, or none for all reasons (CRL)",
        ),
        (
            RevocationSource::RespondersThenLists,
            "it names no responder (OCSP); it names no list, or none for all reasons (CRL)",
        ),
    ] {
        let checker = Checker::new(source, algorithms);
        match checker.check(path.clone(), soon()).await {
            Err(RevocationError::Unknown {
                subject, reason, ..
            }) => {
                assert_eq!((&*subject, &*reason), ("CN=peer,O=ironkeeper", expected));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(checker.check(path[1..].to_vec(), soon()).await, Ok(()));
    }
}
