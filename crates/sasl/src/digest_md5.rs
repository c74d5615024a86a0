//! Owns the exchange of DIGEST-MD5 (RFC 2831), as `com.sun.security.sasl.digest` has it with ZooKeeper's settings: quality
//! of protection `auth`, UTF-8, no second login with an old nonce.
//!
//! An exchange is a value of its own and says who it was that proved it: nothing of one client can reach another's
//! (ZOOKEEPER-4839).

use md5::{Digest, Md5};

use crate::directives::{Directives, quoted};
use crate::exchange::{Evaluated, Proven, Refused};

/// Java takes no longer one (`DigestMD5Base.MAX_RESPONSE_LENGTH`).
const MAX_RESPONSE_BYTES: usize = 4096;
const FIRST_USE: &str = "00000001";

/// What a server is to its clients: both ends know it beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    protocol: &'static str,
    /// Also the realm.
    host: &'static str,
}

impl Service {
    /// Clients' connections.
    pub const CLIENTS: Service = Service {
        protocol: "zookeeper",
        host: "zk-sasl-md5",
    };
    /// Connections between servers.
    pub const SERVERS: Service = Service {
        protocol: "zookeeper-quorum",
        host: "zk-quorum-sasl-md5",
    };

    fn uri(self) -> String {
        format!("{}/{}", self.protocol, self.host)
    }

    /// In any case of letters.
    fn is_at(self, uri: &str) -> bool {
        uri.eq_ignore_ascii_case(&self.uri())
    }
}

/// A server's side of one exchange.
#[derive(Clone, Debug)]
pub struct Server {
    service: Service,
    nonce: String,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Begin,
    Challenged,
    Over,
}

impl Server {
    /// An exchange that has not begun. Nobody may know `nonce` beforehand; letters and digits only.
    pub fn new(service: Service, nonce: String) -> Self {
        Server {
            service,
            nonce,
            step: Step::Begin,
        }
    }

    /// Has somebody proven to be somebody?
    pub fn is_over(&self) -> bool {
        self.step == Step::Over
    }

    /// Answers a token; `password_of` knows the users.
    ///
    /// # Errors
    /// The client is refused: the exchange ends.
    pub fn evaluate<'a>(
        &mut self,
        token: &[u8],
        password_of: impl FnOnce(&str) -> Option<&'a str>,
    ) -> Result<Evaluated, Refused> {
        if token.len() > MAX_RESPONSE_BYTES {
            return Err(Refused::TooLong {
                bytes: token.len(),
                allowed: MAX_RESPONSE_BYTES,
            });
        }
        match self.step {
            // The server speaks first; what came does not matter.
            Step::Begin => {
                self.step = Step::Challenged;
                Ok(Evaluated::Challenge(self.challenge()))
            }
            Step::Challenged => {
                self.step = Step::Over;
                self.judge(token, password_of)
            }
            Step::Over => Err(Refused::Over),
        }
    }

    fn challenge(&self) -> Vec<u8> {
        let realm = quoted("realm", self.service.host);
        let nonce = quoted("nonce", &self.nonce);
        format!("{realm},{nonce},charset=utf-8,algorithm=md5-sess").into_bytes()
    }

    fn judge<'a>(
        &self,
        token: &[u8],
        password_of: impl FnOnce(&str) -> Option<&'a str>,
    ) -> Result<Evaluated, Refused> {
        let token = Directives::parse(token)?;
        expect(&token, "charset", Some("utf-8"), |text| text == "utf-8")?;
        let user = token.text("username").ok_or(Refused::Missing("username"))?;
        let realm = expect(&token, "realm", Some(""), |text| text == self.service.host)?;
        expect(&token, "nonce", None, |text| text == self.nonce)?;
        let cnonce = token.text("cnonce").ok_or(Refused::Missing("cnonce"))?;
        let is_first = |text: &str| u32::from_str_radix(text, 16) == Ok(1);
        // In whatever form the client writes it, Java hashes its own.
        expect(&token, "nc", Some(FIRST_USE), is_first)?;
        let qop = expect(&token, "qop", Some("auth"), |text| text == "auth")?;
        let uri = expect(&token, "digest-uri", None, |text| self.service.is_at(text))?;
        let response = token
            .bytes("response")
            .ok_or(Refused::Missing("response"))?;
        if user.is_empty() {
            return Err(Refused::EmptyName);
        }
        let password = password_of(&user).ok_or_else(|| Refused::UnknownUser(user.clone()))?;
        let proof = Proof {
            user: &user,
            realm: &realm,
            password,
            nonce: &self.nonce,
            cnonce: &cnonce,
            qop: &qop,
            uri: &uri,
            asked: token.bytes("authzid"),
        };
        if proof.of("AUTHENTICATE").as_bytes() != response {
            return Err(Refused::WrongPassword(user));
        }
        let token_back = format!("rspauth={}", proof.of("")).into_bytes();
        let asked = token.text("authzid").unwrap_or_else(|| user.clone());
        Ok(Evaluated::Done {
            token: Some(token_back),
            proven: Proven { user, asked },
        })
    }
}

/// The value behind `key`, where it is one that is offered. `default` stands for one that is missing.
fn expect(
    token: &Directives,
    key: &'static str,
    default: Option<&str>,
    is_offered: impl Fn(&str) -> bool,
) -> Result<String, Refused> {
    let value = token.text(key).or(default.map(str::to_owned));
    let value = value.ok_or(Refused::Missing(key))?;
    match is_offered(&value) {
        true => Ok(value),
        false => Err(Refused::Other(key, value)),
    }
}

/// A client's side of one exchange.
#[derive(Clone, Debug)]
pub struct Client<'a> {
    service: Service,
    user: &'a str,
    password: &'a str,
    cnonce: String,
    /// What the server has to prove itself by.
    expected: Option<String>,
}

impl<'a> Client<'a> {
    /// An exchange that has not begun; its first token is empty. Nobody may know `cnonce` beforehand.
    pub fn new(service: Service, user: &'a str, password: &'a str, cnonce: String) -> Self {
        Client {
            service,
            user,
            password,
            cnonce,
            expected: None,
        }
    }

    /// Answers the server's challenge.
    ///
    /// # Errors
    /// It offers nothing that can be taken.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, Refused> {
        let challenge = Directives::parse(challenge)?;
        let nonce = challenge.text("nonce").ok_or(Refused::Missing("nonce"))?;
        expect(&challenge, "algorithm", None, |text| text == "md5-sess")?;
        expect(&challenge, "charset", Some("utf-8"), |text| text == "utf-8")?;
        expect(&challenge, "qop", Some("auth"), |text| {
            text.split(',').any(|qop| qop.trim() == "auth")
        })?;
        let realm = challenge.text("realm").unwrap_or_default();
        let uri = self.service.uri();
        let proof = Proof {
            user: self.user,
            realm: &realm,
            password: self.password,
            nonce: &nonce,
            cnonce: &self.cnonce,
            qop: "auth",
            uri: &uri,
            asked: Some(self.user.as_bytes()),
        };
        let parts = [
            "charset=utf-8".to_owned(),
            quoted("username", self.user),
            quoted("realm", &realm),
            quoted("nonce", &nonce),
            format!("nc={FIRST_USE}"),
            quoted("cnonce", &self.cnonce),
            quoted("digest-uri", &uri),
            "maxbuf=65536".to_owned(),
            format!("response={}", proof.of("AUTHENTICATE")),
            "qop=auth".to_owned(),
            quoted("authzid", self.user),
        ];
        self.expected = Some(proof.of(""));
        Ok(parts.join(",").into_bytes())
    }

    /// Judges the server's last token.
    ///
    /// # Errors
    /// It does not know the password.
    pub fn verify(&self, token: &[u8]) -> Result<(), Refused> {
        let proof = Directives::parse(token)?.text("rspauth");
        match proof.is_some() && proof == self.expected {
            true => Ok(()),
            false => Err(Refused::WrongServer),
        }
    }
}

/// What one side proves to the other.
struct Proof<'a> {
    user: &'a str,
    realm: &'a str,
    password: &'a str,
    nonce: &'a str,
    cnonce: &'a str,
    qop: &'a str,
    uri: &'a str,
    asked: Option<&'a [u8]>,
}

impl Proof<'_> {
    /// The response value of RFC 2831, 2.1.2.1, for a client (`AUTHENTICATE`) or a server (nothing).
    fn of(&self, method: &str) -> String {
        let secret = md5([
            &*latin1_or_utf8(self.user),
            b":",
            &*latin1_or_utf8(self.realm),
            b":",
            &*latin1_or_utf8(self.password),
        ]);
        let mut start = Md5::new();
        start.update(secret);
        start.update(format!(":{}:{}", self.nonce, self.cnonce));
        if let Some(asked) = self.asked {
            start.update(b":");
            start.update(asked);
        }
        let start = hex(&start.finalize());
        let end = hex(&md5([method.as_bytes(), b":", self.uri.as_bytes()]));
        let (nonce, cnonce, qop) = (self.nonce, self.cnonce, self.qop);
        let all = format!("{start}:{nonce}:{FIRST_USE}:{cnonce}:{qop}:{end}");
        hex(&md5([all.as_bytes()]))
    }
}

fn md5<const N: usize>(parts: [&[u8]; N]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A text whose letters are all in ISO 8859-1 is hashed in that, though the exchange is in UTF-8 (RFC 2831, 2.1.2.1).
fn latin1_or_utf8(text: &str) -> Vec<u8> {
    let latin1: Result<Vec<u8>, _> = text.chars().map(|c| u8::try_from(u32::from(c))).collect();
    latin1.unwrap_or_else(|_| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        Server::new(Service::CLIENTS, "OA6MG9tEQGm2hh".into())
    }

    fn password_of(user: &str) -> Option<&'static str> {
        match user {
            "bob" => Some("bobsecret"),
            "j\u{f6}rg" => Some("gr\u{fc}n"),
            "\u{5f20}" => Some("\u{5bc6}"),
            _ => None,
        }
    }

    fn challenged() -> (Server, Vec<u8>) {
        let mut server = server();
        match server.evaluate(b"", password_of) {
            Ok(Evaluated::Challenge(challenge)) => (server, challenge),
            other => panic!("no challenge: {other:?}"),
        }
    }

    fn client<'a>(user: &'a str, password: &'a str) -> Client<'a> {
        Client::new(Service::CLIENTS, user, password, "OA6MHXh6VqTrRk".into())
    }

    /// The example of RFC 2831, section 4.
    #[test]
    fn the_values_are_those_of_the_rfcs_example() {
        let proof = Proof {
            user: "chris",
            realm: "elwood.innosoft.com",
            password: "secret",
            nonce: "OA6MG9tEQGm2hh",
            cnonce: "OA6MHXh6VqTrRk",
            qop: "auth",
            uri: "imap/elwood.innosoft.com",
            asked: None,
        };
        assert_eq!(proof.of("AUTHENTICATE"), "d388dad90d4bbd760a152321f2143af7");
        assert_eq!(proof.of(""), "ea40f60335c427b5527b84dbabcdfffd");
    }

    #[test]
    fn the_challenge_is_javas() {
        let (_, challenge) = challenged();
        assert_eq!(
            String::from_utf8_lossy(&challenge),
            "realm=\"zk-sasl-md5\",nonce=\"OA6MG9tEQGm2hh\",charset=utf-8,algorithm=md5-sess"
        );
    }

    #[test]
    fn both_sides_prove_themselves() {
        for user in ["bob", "j\u{f6}rg", "\u{5f20}"] {
            let (mut server, challenge) = challenged();
            let mut client = client(user, password_of(user).expect("a password"));
            let response = client.respond(&challenge).expect("a response");
            let done = server.evaluate(&response, password_of).expect("a proof");
            let Evaluated::Done { token, proven } = done else {
                panic!("not done");
            };
            assert_eq!(
                proven,
                Proven {
                    user: user.to_owned(),
                    asked: user.to_owned()
                }
            );
            let token = token.expect("a proof of the server's");
            client.verify(&token).expect("the server knows it, too");
            assert!(server.is_over());
        }
    }

    #[test]
    fn a_wrong_password_and_an_unknown_user_are_refused() {
        for (user, password, refused) in [
            ("bob", "wrong", Refused::WrongPassword("bob".into())),
            ("eve", "bobsecret", Refused::UnknownUser("eve".into())),
        ] {
            let (mut server, challenge) = challenged();
            let response = client(user, password)
                .respond(&challenge)
                .expect("a response");
            assert_eq!(server.evaluate(&response, password_of), Err(refused));
        }
    }

    #[test]
    fn a_token_in_front_of_the_challenge_does_not_matter_and_one_behind_the_end_is_refused() {
        let first = server().evaluate(b"x", password_of).expect("a challenge");
        assert_eq!(first, Evaluated::Challenge(server().challenge()));
        let (mut server, challenge) = challenged();
        let mut client = client("bob", "bobsecret");
        let response = client.respond(&challenge).expect("a response");
        server.evaluate(&response, password_of).expect("a proof");
        assert_eq!(server.evaluate(&response, password_of), Err(Refused::Over));
    }

    #[test]
    fn a_failed_exchange_does_not_go_on() {
        let (mut server, challenge) = challenged();
        let wrong = client("bob", "wrong")
            .respond(&challenge)
            .expect("a response");
        server.evaluate(&wrong, password_of).expect_err("refused");
        let right = client("bob", "bobsecret")
            .respond(&challenge)
            .expect("a response");
        assert_eq!(server.evaluate(&right, password_of), Err(Refused::Over));
    }

    #[test]
    fn a_response_to_another_challenge_or_service_is_refused() {
        let (_, challenge) = challenged();
        let response = client("bob", "bobsecret")
            .respond(&challenge)
            .expect("a response");
        let mut other = Server::new(Service::CLIENTS, "another".into());
        other.evaluate(b"", password_of).expect("a challenge");
        let refused = other.evaluate(&response, password_of).expect_err("refused");
        assert_eq!(refused, Refused::Other("nonce", "OA6MG9tEQGm2hh".into()));
        let mut peers = Server::new(Service::SERVERS, "OA6MG9tEQGm2hh".into());
        peers.evaluate(b"", password_of).expect("a challenge");
        let refused = peers.evaluate(&response, password_of).expect_err("refused");
        assert_eq!(refused, Refused::Other("realm", "zk-sasl-md5".into()));
    }

    #[test]
    fn each_part_of_a_response_is_looked_at() {
        let (server, challenge) = challenged();
        let response = client("bob", "bobsecret")
            .respond(&challenge)
            .expect("a response");
        let response = String::from_utf8(response).expect("ASCII");
        for (from, to) in [
            ("charset=utf-8", "charset=latin1"),
            ("username=\"bob\",", ""),
            ("realm=\"zk-sasl-md5\",", ""),
            ("nonce=\"OA6MG9tEQGm2hh\",", ""),
            ("cnonce=\"OA6MHXh6VqTrRk\",", ""),
            ("nc=00000001", "nc=00000002"),
            ("qop=auth", "qop=auth-conf"),
            ("digest-uri=\"zookeeper/", "digest-uri=\"imap/"),
            ("response=", "other="),
            ("authzid=\"bob\"", "authzid=\"super\""),
        ] {
            assert!(response.contains(from), "{from}");
            let changed = response.replacen(from, to, 1);
            let outcome = server.clone().evaluate(changed.as_bytes(), password_of);
            assert!(outcome.is_err(), "{from} -> {to}");
        }
        let long = format!("{response},x={}", "y".repeat(MAX_RESPONSE_BYTES));
        let outcome = { server }.evaluate(long.as_bytes(), password_of);
        assert!(
            matches!(outcome, Err(Refused::TooLong { .. })),
            "{outcome:?}"
        );
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_found_out() {
        let (_, challenge) = challenged();
        let mut client = client("bob", "bobsecret");
        client.respond(&challenge).expect("a response");
        for token in ["rspauth=00", "", "x=y"] {
            assert_eq!(client.verify(token.as_bytes()), Err(Refused::WrongServer));
        }
    }

    #[test]
    fn a_challenge_that_offers_nothing_known_is_refused() {
        for challenge in [
            "algorithm=md5-sess",
            "nonce=a",
            "nonce=a,algorithm=md5",
            "nonce=a,algorithm=md5-sess,qop=\"auth-conf\"",
        ] {
            let outcome = client("bob", "b").respond(challenge.as_bytes());
            assert!(outcome.is_err(), "{challenge}");
        }
    }
}
