//! Owns what the exchanges of all mechanisms have in common: how they end.

use crate::directives::Malformed;

/// Why an exchange fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The other side goes on behind the end.
    #[error("the exchange is over")]
    Over,
    /// A token is longer than any.
    #[error("a token of {bytes} bytes; {allowed} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The most that is taken.
        allowed: usize,
    },
    /// A token cannot be taken apart.
    #[error("a token cannot be read: {0}")]
    Malformed(#[from] Malformed),
    /// A token does not say what it must.
    #[error("a token has no {0}")]
    Missing(&'static str),
    /// A token says something else than it must.
    #[error("{0} is {1:?}, which is not offered here")]
    Other(&'static str, String),
    /// Java stumbles over that (`javax.security.auth.callback.NameCallback`).
    #[error("the name is empty")]
    EmptyName,
    /// Nobody of that name may log in.
    #[error("there is no user {0:?}")]
    UnknownUser(String),
    /// The password was another.
    #[error("the password of {0:?} does not fit")]
    WrongPassword(String),
    /// The server does not know the password.
    #[error("the server does not prove that it knows the password")]
    WrongServer,
    /// Kerberos does not let them in.
    #[error("Kerberos: {0}")]
    Kerberos(String),
    /// They want what is not offered, of the protection of what follows.
    #[error("the client wants the protection {0}; 1, none, is offered")]
    Protection(u8),
    /// They do not offer what is wanted.
    #[error("the server offers the protections {0}; 1, none, is wanted")]
    Offer(u8),
}

/// Who somebody has proven to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Whose password or ticket it was.
    pub user: String,
    /// Whom they ask to be taken for; `user` where they do not ask.
    pub asked: String,
}

/// What a server answers to a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evaluated {
    /// The exchange goes on.
    Challenge(Vec<u8>),
    /// The client has proven to be somebody.
    Done {
        /// Proves to the client that this is the server, where it does not know yet.
        token: Option<Vec<u8>>,
        /// Who it is.
        proven: Proven,
    },
}
