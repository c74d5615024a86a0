//! Owns a client's side of the exchange (`com.sun.security.sasl.gsskerb.GssKrb5Client`).

use super::{NO_PROTECTION, OFFER, Seals};
use crate::exchange::Refused;

/// Shows this side's ticket.
pub trait Initiator: Seals {
    /// Makes a token for the server of what it has said; of nothing at the beginning. It may take as long as Kerberos' own
    /// server does.
    ///
    /// # Errors
    /// There is no ticket for that server, or it is not the one that it should be.
    fn initiate(&mut self, token: &[u8]) -> Result<Initiated, String>;
}

/// What the server has to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initiated {
    /// Empty where there is nothing to say.
    pub token: Vec<u8>,
    /// The ticket has been shown; the offer comes next.
    pub is_done: bool,
}

/// One exchange.
#[derive(Debug)]
pub struct Client {
    initiator: Box<dyn Initiator>,
    /// The own name, by which this side asks to be taken.
    name: String,
    step: Step,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Initiate,
    /// The server says which protections it offers.
    Choose,
    /// All was said; the server has its say.
    Said,
    /// Something went wrong.
    Over,
}

impl Client {
    /// An exchange that has not begun; this side speaks first, as if it had been told nothing.
    pub fn new(initiator: Box<dyn Initiator>, name: String) -> Self {
        Client {
            initiator,
            name,
            step: Step::Initiate,
        }
    }

    /// Answers the server.
    ///
    /// # Errors
    /// There is no ticket, or the server is not who it should be: the exchange ends.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, Refused> {
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Initiate => self.initiate(challenge),
            Step::Choose => self.choose(challenge),
            Step::Said | Step::Over => Err(Refused::Over),
        }
    }

    /// Judges the end that the server gives to the exchange.
    ///
    /// # Errors
    /// It came before the server had proven that it can read the ticket.
    pub fn verify(&self) -> Result<(), Refused> {
        match self.step {
            Step::Said => Ok(()),
            _ => Err(Refused::WrongServer),
        }
    }

    fn initiate(&mut self, challenge: &[u8]) -> Result<Vec<u8>, Refused> {
        let initiated = self.initiator.initiate(challenge);
        let Initiated { token, is_done } = initiated.map_err(Refused::Kerberos)?;
        self.step = match is_done {
            true => Step::Choose,
            false => Step::Initiate,
        };
        Ok(token)
    }

    fn choose(&mut self, challenge: &[u8]) -> Result<Vec<u8>, Refused> {
        let offer = self.initiator.open(challenge).map_err(Refused::Kerberos)?;
        if offer.len() != OFFER.len() {
            return Err(Refused::Missing("offer of protections"));
        }
        if offer[0] & NO_PROTECTION == 0 {
            return Err(Refused::Offer(offer[0]));
        }
        let choice = [&[NO_PROTECTION, 0, 0, 0], self.name.as_bytes()].concat();
        let token = self.initiator.seal(&choice).map_err(Refused::Kerberos)?;
        self.step = Step::Said;
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows a ticket; seals by a letter in front.
    #[derive(Debug, Default)]
    struct Ticket {
        /// What the server has to say first.
        answers: Vec<&'static [u8]>,
    }

    impl Initiator for Ticket {
        fn initiate(&mut self, token: &[u8]) -> Result<Initiated, String> {
            if !token.is_empty() && self.answers.pop() != Some(token) {
                return Err("another server".to_owned());
            }
            Ok(Initiated {
                token: match token {
                    [] => b"ticket".to_vec(),
                    _ => Vec::new(),
                },
                is_done: self.answers.is_empty(),
            })
        }
    }

    impl Seals for Ticket {
        fn seal(&mut self, text: &[u8]) -> Result<Vec<u8>, String> {
            Ok([b"C", text].concat())
        }

        fn open(&mut self, token: &[u8]) -> Result<Vec<u8>, String> {
            let text = token.strip_prefix(b"S");
            text.map(<[u8]>::to_vec).ok_or("no seal".to_owned())
        }
    }

    /// An exchange whose ticket was shown.
    fn shown() -> Client {
        let mut client = Client::new(Box::<Ticket>::default(), "zk/h1@HOME".to_owned());
        assert_eq!(client.respond(b""), Ok(b"ticket".to_vec()));
        client
    }

    #[test]
    fn a_ticket_is_shown_and_no_protection_chosen() {
        let mut client = shown();
        let choice = client.respond(b"S\x07\x01\0\0");
        assert_eq!(choice, Ok(b"C\x01\0\0\0zk/h1@HOME".to_vec()));
        assert_eq!(client.verify(), Ok(()));
        assert_eq!(client.respond(b""), Err(Refused::Over));
    }

    #[test]
    fn a_server_may_have_to_answer_the_ticket() {
        let ticket = Ticket {
            answers: vec![b"good"],
        };
        let mut client = Client::new(Box::new(ticket), "zk/h1@HOME".to_owned());
        assert_eq!(client.respond(b""), Ok(b"ticket".to_vec()));
        assert_eq!(client.respond(b"good"), Ok(Vec::new()));
        client.respond(b"S\x01\x01\0\0").expect("a choice");
        assert_eq!(client.verify(), Ok(()));
    }

    #[test]
    fn a_server_that_ends_the_exchange_early_has_proven_nothing() {
        let mut client = shown();
        assert_eq!(client.verify(), Err(Refused::WrongServer));
        let refused = client.respond(b"X\x01\x01\0\0");
        assert_eq!(refused, Err(Refused::Kerberos("no seal".to_owned())));
        assert_eq!(client.verify(), Err(Refused::WrongServer));
    }

    #[test]
    fn an_offer_that_cannot_be_taken_is_refused() {
        for (offer, refused) in [
            (&b"S\x06\x01\0\0"[..], Refused::Offer(6)),
            (b"S\x01", Refused::Missing("offer of protections")),
        ] {
            assert_eq!(shown().respond(offer), Err(refused));
        }
    }
}
