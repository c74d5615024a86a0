//! Whether those who were trusted are revoked: lists and responders are asked over the network, and `pki` reads what they say.
//!
//! Owns the asking, which may block, and its bounds. It is done between the handshake and the first byte that is served: no
//! thread of the runtime waits for it, and each connection is asked about anew, a resumed session as well.

mod fetch;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use pki::CertificateDer;
use pki::keys::Algorithms;
use pki::revocation::{Lists, Point, Question, Revoked, Status};
use tokio::sync::Semaphore;

use fetch::Fetcher;

/// Peers that are asked about at once, of one kind of port: threads. Others wait for their turn.
const MAX_CHECKS: usize = 32;

/// Who is asked whether a certificate is revoked. What nobody can tell is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationSource {
    /// The lists that a certificate names (`ssl.crl` alone).
    Lists,
    /// The responder that it names, then the lists (`ssl.ocsp`, with or without `ssl.crl`).
    RespondersThenLists,
}

/// A peer that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevocationError {
    /// A certificate was revoked.
    #[error("the certificate of {subject} (serial number {serial}) was {revoked}")]
    Revoked {
        /// Whose.
        subject: String,
        /// In hexadecimal digits.
        serial: String,
        /// When and why.
        revoked: Revoked,
    },
    /// Nobody can tell.
    #[error(
        "nobody can tell whether the certificate of {subject} (serial number {serial}) is revoked: {reason}"
    )]
    Unknown {
        /// Whose.
        subject: String,
        /// In hexadecimal digits.
        serial: String,
        /// Who was asked, and what came of it.
        reason: String,
    },
    /// The server ends, or has an error of its own.
    #[error("the question whether it is revoked was broken off")]
    BrokenOff,
}

/// Asks. A copy shares what was fetched.
#[derive(Clone, Debug)]
pub(super) struct Checker {
    source: RevocationSource,
    algorithms: Algorithms,
    places: Arc<Semaphore>,
    fetcher: Arc<Fetcher>,
}

impl Checker {
    pub fn new(source: RevocationSource, algorithms: Algorithms) -> Self {
        Checker {
            source,
            algorithms,
            places: Arc::new(Semaphore::new(MAX_CHECKS)),
            fetcher: Arc::default(),
        }
    }

    /// Asks about each certificate of a path that was trusted but the last, which is in the trust store.
    pub async fn check(
        &self,
        path: Vec<CertificateDer<'static>>,
        deadline: Instant,
    ) -> Result<(), RevocationError> {
        let place = self.places.clone().acquire_owned().await;
        let place = place.map_err(|_| RevocationError::BrokenOff)?;
        let checker = self.clone();
        let checking = tokio::task::spawn_blocking(move || {
            let outcome = checker.check_now(&path, deadline);
            drop(place);
            outcome
        });
        checking.await.unwrap_or(Err(RevocationError::BrokenOff))
    }

    fn check_now(
        &self,
        path: &[CertificateDer<'_>],
        deadline: Instant,
    ) -> Result<(), RevocationError> {
        let questions = Question::about(path, self.algorithms).ok_or(RevocationError::BrokenOff)?;
        for question in questions {
            match self.status(&question, deadline) {
                Ok(Status::Good) => {}
                Ok(Status::Revoked(revoked)) => {
                    return Err(RevocationError::Revoked {
                        subject: question.subject(),
                        serial: question.serial(),
                        revoked,
                    });
                }
                Err(reason) => {
                    return Err(RevocationError::Unknown {
                        subject: question.subject(),
                        serial: question.serial(),
                        reason,
                    });
                }
            }
        }
        Ok(())
    }

    fn status(&self, question: &Question<'_>, deadline: Instant) -> Result<Status, String> {
        match self.source {
            RevocationSource::Lists => self.look_up(question, deadline),
            RevocationSource::RespondersThenLists => {
                let asked = self.ask_responder(question, deadline);
                asked.or_else(|first| {
                    let looked_up = self.look_up(question, deadline);
                    looked_up.map_err(|second| format!("{first}; {second}"))
                })
            }
        }
    }

    fn ask_responder(&self, question: &Question<'_>, deadline: Instant) -> Result<Status, String> {
        let url = question.responder().ok_or("it names no responder (OCSP)")?;
        let in_url = |reason: String| format!("{url}: {reason}");
        let answer = fetch::ask(url, &question.request(), deadline).map_err(in_url)?;
        let status = question.read_response(&answer, now());
        status.map_err(|error| in_url(error.to_string()))
    }

    /// Takes lists until they say something of all reasons there are.
    fn look_up(&self, question: &Question<'_>, deadline: Instant) -> Result<Status, String> {
        let mut lists = Lists::default();
        let mut troubles = Vec::new();
        for point in question.points() {
            for url in point.urls() {
                match self.read_list(question, &point, url, deadline) {
                    Ok(listed) => lists.add(listed),
                    Err(trouble) => troubles.push(format!("{url}: {trouble}")),
                }
                if let Some(status) = lists.status() {
                    return Ok(status);
                }
            }
        }
        match troubles.is_empty() {
            true => Err("it names no list, or none for all reasons (CRL)".to_owned()),
            false => Err(troubles.join("; ")),
        }
    }

    fn read_list(
        &self,
        question: &Question<'_>,
        point: &Point<'_>,
        url: &str,
        deadline: Instant,
    ) -> Result<pki::revocation::Listed, String> {
        let list = self.fetcher.list(url, deadline)?;
        let listed = question.read_list(point, &list, now());
        listed.map_err(|error| error.to_string())
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().cast_signed())
}
