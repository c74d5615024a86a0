//! Owns a login by whatever mechanism a section asks for (`SecurityUtils.createSaslServer`, `createSaslClient`).
//!
//! Must not know who may log in.

use std::sync::Arc;

use sasl::{Evaluated, Refused, digest_md5, gssapi};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// The login of somebody who has connected.
#[derive(Debug)]
pub enum Exchange {
    /// DIGEST-MD5.
    Digest(digest_md5::Server),
    /// GSSAPI.
    Kerberos(gssapi::Server),
}

impl Exchange {
    /// Answers a token. `password_of` knows the users, where they have passwords.
    ///
    /// # Errors
    /// The client is refused: the exchange ends.
    pub fn evaluate<'a>(
        &mut self,
        token: &[u8],
        password_of: impl FnOnce(&str) -> Option<&'a str>,
    ) -> Result<Evaluated, Refused> {
        match self {
            Exchange::Digest(server) => server.evaluate(token, password_of),
            Exchange::Kerberos(server) => server.evaluate(token),
        }
    }
}

/// This server's own login to another one.
#[derive(Debug)]
pub enum OwnExchange<'a> {
    /// DIGEST-MD5.
    Digest(digest_md5::Client<'a>),
    /// GSSAPI.
    Kerberos {
        /// None while a ticket is waited for.
        client: Option<Box<gssapi::Client>>,
        /// One of this server's logins asks for a ticket at a time, however long that takes: no more threads wait, and none looks
        /// into a cache of tickets that another one makes anew.
        asking: Arc<Semaphore>,
    },
}

impl OwnExchange<'_> {
    /// The first token.
    ///
    /// # Errors
    /// There is no ticket.
    pub async fn begin(&mut self) -> Result<Vec<u8>, Refused> {
        match self {
            OwnExchange::Digest(_) => Ok(Vec::new()),
            OwnExchange::Kerberos { .. } => self.respond(Vec::new()).await,
        }
    }

    /// Answers the other server. Kerberos' own server may have to be asked for a ticket, which is waited for elsewhere than on a
    /// thread of the runtime.
    ///
    /// # Errors
    /// There is no ticket, or what the server says cannot be taken.
    ///
    /// # Panics
    /// It was cancelled before.
    pub async fn respond(&mut self, challenge: Vec<u8>) -> Result<Vec<u8>, Refused> {
        match self {
            OwnExchange::Digest(client) => client.respond(&challenge),
            OwnExchange::Kerberos {
                client: slot,
                asking,
            } => {
                let turn = asking.clone().acquire_owned().await;
                let mut client = slot.take().expect("nobody goes on behind a cancelled step");
                let step = spawn_blocking(move || {
                    let outcome = client.respond(&challenge);
                    drop(turn);
                    (client, outcome)
                });
                let (client, outcome) = step.await.expect("neither cancelled nor a panic");
                *slot = Some(client);
                outcome
            }
        }
    }

    /// Judges the end that the other server gives to the exchange.
    ///
    /// # Errors
    /// It has not proven that it is one.
    pub fn verify(&self, token: &[u8]) -> Result<(), Refused> {
        match self {
            OwnExchange::Digest(client) => client.verify(token),
            OwnExchange::Kerberos { client, .. } => client
                .as_ref()
                .map_or(Err(Refused::Over), |client| client.verify()),
        }
    }
}
