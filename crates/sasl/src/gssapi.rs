//! Owns the exchange of GSSAPI (RFC 4752), as `com.sun.security.sasl.gsskerb` has it with ZooKeeper's settings: what follows
//! the login is not protected. A server's side stands here, a client's in `client`.
//!
//! Must not know Kerberos: who accepts or shows tickets is an argument.

mod client;

use std::fmt::Debug;

pub use client::{Client, Initiated, Initiator};

use crate::exchange::{Evaluated, Proven, Refused};

/// No protection of what follows (`com.sun.security.sasl.util.AbstractSaslImpl.NO_PROTECTION`).
const NO_PROTECTION: u8 = 1;
/// What is offered: that, and the longest message that Java takes of its own (`AbstractSaslImpl.recvMaxBufSize`).
const OFFER: [u8; 4] = [NO_PROTECTION, 1, 0, 0];

/// What both sides have once the ticket was taken; the texts of errors say what went wrong.
pub trait Seals: Debug + Send {
    /// Makes a token of a text that only this side can have said to the other.
    ///
    /// # Errors
    /// No ticket was taken yet.
    fn seal(&mut self, text: &[u8]) -> Result<Vec<u8>, String>;

    /// The text of a token that only the other side can have made.
    ///
    /// # Errors
    /// Somebody else made it.
    fn open(&mut self, token: &[u8]) -> Result<Vec<u8>, String>;
}

/// Judges a client's tickets.
pub trait Acceptor: Seals {
    /// Takes a token of the client's.
    ///
    /// # Errors
    /// The client is refused.
    fn accept(&mut self, token: &[u8]) -> Result<Accepted, String>;
}

/// What becomes of a client's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What the client has to hear, where it waits for something.
    pub answer: Option<Vec<u8>>,
    /// Who it is, its realm behind it, once it has proven that.
    pub client: Option<String>,
}

/// One exchange.
#[derive(Debug)]
pub struct Server {
    acceptor: Box<dyn Acceptor>,
    step: Step,
}

#[derive(Debug)]
enum Step {
    /// Tickets come.
    Accept,
    /// The client has heard that its ticket is good, and says nothing.
    Confirm {
        client: String,
    },
    /// It says what it wants of what was offered.
    Choose {
        client: String,
    },
    Over,
}

impl Server {
    /// An exchange that has not begun.
    pub fn new(acceptor: Box<dyn Acceptor>) -> Self {
        let step = Step::Accept;
        Server { acceptor, step }
    }

    /// Answers a token.
    ///
    /// # Errors
    /// The client is refused: the exchange ends.
    pub fn evaluate(&mut self, token: &[u8]) -> Result<Evaluated, Refused> {
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Accept => self.accept(token),
            Step::Confirm { client } if token.is_empty() => self.offer(client),
            Step::Confirm { .. } => Err(Refused::Kerberos(
                "the client goes on where it has nothing to say".to_owned(),
            )),
            Step::Choose { client } => self.take_choice(token, client),
            Step::Over => Err(Refused::Over),
        }
    }

    fn accept(&mut self, token: &[u8]) -> Result<Evaluated, Refused> {
        let accepted = self.acceptor.accept(token).map_err(Refused::Kerberos)?;
        let Accepted { answer, client } = accepted;
        let Some(client) = client else {
            self.step = Step::Accept;
            return Ok(Evaluated::Challenge(answer.unwrap_or_default()));
        };
        let Some(answer) = answer else {
            return self.offer(client);
        };
        self.step = Step::Confirm { client };
        Ok(Evaluated::Challenge(answer))
    }

    fn offer(&mut self, client: String) -> Result<Evaluated, Refused> {
        let token = self.acceptor.seal(&OFFER).map_err(Refused::Kerberos)?;
        self.step = Step::Choose { client };
        Ok(Evaluated::Challenge(token))
    }

    /// Four bytes as in the offer; behind them who the client wants to be taken for.
    fn take_choice(&mut self, token: &[u8], client: String) -> Result<Evaluated, Refused> {
        let choice = self.acceptor.open(token).map_err(Refused::Kerberos)?;
        let Some((chosen, asked)) = choice.split_at_checked(OFFER.len()) else {
            return Err(Refused::Missing("choice of a protection"));
        };
        if chosen[0] & NO_PROTECTION == 0 {
            return Err(Refused::Protection(chosen[0]));
        }
        let asked = match asked {
            [] => client.clone(),
            asked => String::from_utf8_lossy(asked).into_owned(),
        };
        let user = client;
        Ok(Evaluated::Done {
            token: None,
            proven: Proven { user, asked },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a ticket that says whose it is; seals by a letter in front.
    #[derive(Debug, Default)]
    struct Tickets {
        /// The client waits to hear that its ticket is good.
        confirms: bool,
        /// Tokens that are no end.
        more: usize,
    }

    impl Acceptor for Tickets {
        fn accept(&mut self, token: &[u8]) -> Result<Accepted, String> {
            if let Some(more) = self.more.checked_sub(1) {
                self.more = more;
                let (answer, client) = (Some(b"more".to_vec()), None);
                return Ok(Accepted { answer, client });
            }
            let client = token.strip_prefix(b"ticket of ");
            let client = client.ok_or("no ticket")?;
            Ok(Accepted {
                answer: self.confirms.then(|| b"good".to_vec()),
                client: Some(String::from_utf8_lossy(client).into_owned()),
            })
        }
    }

    impl Seals for Tickets {
        fn seal(&mut self, text: &[u8]) -> Result<Vec<u8>, String> {
            Ok([b"S", text].concat())
        }

        fn open(&mut self, token: &[u8]) -> Result<Vec<u8>, String> {
            let text = token.strip_prefix(b"C");
            text.map(<[u8]>::to_vec).ok_or("no seal".to_owned())
        }
    }

    const TICKET: &[u8] = b"ticket of bob@HOME";

    fn challenge(token: &[u8]) -> Result<Evaluated, Refused> {
        Ok(Evaluated::Challenge(token.to_vec()))
    }

    fn done(user: &str, asked: &str) -> Result<Evaluated, Refused> {
        let (user, asked) = (user.to_owned(), asked.to_owned());
        Ok(Evaluated::Done {
            token: None,
            proven: Proven { user, asked },
        })
    }

    /// An exchange whose ticket was taken.
    fn offered() -> Server {
        let mut server = Server::new(Box::<Tickets>::default());
        assert_eq!(server.evaluate(TICKET), challenge(b"S\x01\x01\0\0"));
        server
    }

    #[test]
    fn a_client_that_waits_for_nothing_hears_the_offer_at_once() {
        let mut server = offered();
        assert_eq!(
            server.evaluate(b"C\x01\0\0\0"),
            done("bob@HOME", "bob@HOME")
        );
    }

    #[test]
    fn a_client_that_waits_hears_first_that_its_ticket_is_good() {
        let mut server = Server::new(Box::new(Tickets {
            confirms: true,
            more: 2,
        }));
        assert_eq!(server.evaluate(b"?"), challenge(b"more"));
        assert_eq!(server.evaluate(b"?"), challenge(b"more"));
        assert_eq!(server.evaluate(TICKET), challenge(b"good"));
        assert_eq!(server.evaluate(b""), challenge(b"S\x01\x01\0\0"));
        assert_eq!(
            server.evaluate(b"C\x01\0\0\0"),
            done("bob@HOME", "bob@HOME")
        );
    }

    #[test]
    fn a_client_may_ask_to_be_taken_for_another() {
        let mut server = offered();
        assert_eq!(server.evaluate(b"C\x01\0\0\0eve"), done("bob@HOME", "eve"));
    }

    #[test]
    fn a_bad_ticket_is_refused() {
        let mut server = Server::new(Box::<Tickets>::default());
        let refused = Err(Refused::Kerberos("no ticket".to_owned()));
        assert_eq!(server.evaluate(b"else"), refused);
        assert_eq!(server.evaluate(TICKET), Err(Refused::Over));
    }

    #[test]
    fn a_client_that_should_only_listen_is_refused_where_it_speaks() {
        let mut server = Server::new(Box::new(Tickets {
            confirms: true,
            more: 0,
        }));
        assert_eq!(server.evaluate(TICKET), challenge(b"good"));
        assert!(matches!(server.evaluate(b"!"), Err(Refused::Kerberos(_))));
    }

    #[test]
    fn a_choice_that_was_not_offered_is_refused() {
        for (choice, refused) in [
            (&b"C\x04\0\0\0"[..], Refused::Protection(4)),
            (b"C\x01", Refused::Missing("choice of a protection")),
            (b"\x01\0\0\0", Refused::Kerberos("no seal".to_owned())),
        ] {
            assert_eq!(offered().evaluate(choice), Err(refused));
        }
    }

    #[test]
    fn nothing_follows_a_login() {
        let mut server = offered();
        server.evaluate(b"C\x01\0\0\0").expect("logged in");
        assert_eq!(server.evaluate(b""), Err(Refused::Over));
    }
}
