//! Four-letter words (`FourLetterCommands`): which there are, who may ask, and who answers while no client is served.

mod configuration;
mod monitor;
mod status;
#[cfg(test)]
mod tests;

use crate::shared::Shared;
use crate::standing::State;
use quorum::election::PeerState;

/// Every word that Apache knows; the others get a client's treatment.
const KNOWN: [&[u8; 4]; 19] = [
    b"conf",
    b"cons",
    b"crst",
    b"dirs",
    b"dump",
    b"envi",
    b"gtmk",
    b"hash",
    b"isro",
    b"mntr",
    b"ruok",
    b"srst",
    b"srvr",
    b"stat",
    b"stmk",
    b"wchc",
    b"wchp",
    b"wchs",
    &TELNET_INTERRUPT,
];

/// What telnet sends when it is interrupted.
const TELNET_INTERRUPT: [u8; 4] = *b"\xff\xf4\xff\xfd";

/// Is this a word? Telnet's interrupt is one only to be refused: where all words are allowed,
/// Apache reads it as a length, and closes the connection because it is negative.
pub fn is_word(server: &Shared, word: [u8; 4]) -> bool {
    is_known(word) && (word != TELNET_INTERRUPT || !is_allowed(server, word))
}

fn is_known(word: [u8; 4]) -> bool {
    KNOWN.contains(&&word)
}

fn is_allowed(server: &Shared, word: [u8; 4]) -> bool {
    let words = &server.config.four_letter_words;
    words.allows(&String::from_utf8_lossy(&word))
}

/// What the word is answered with; its text is never cut.
pub fn answer(server: &Shared, word: [u8; 4]) -> String {
    let name = String::from_utf8_lossy(&word);
    if !is_allowed(server, word) {
        return format!("{name} is not executed because it is not in the whitelist.\n");
    }
    let role = role(server);
    match (&word, role) {
        (b"ruok", _) => "imok".to_owned(),
        (b"isro", None) => "null".to_owned(),
        (b"isro", Some(_)) => "rw".to_owned(),
        (b"envi" | b"gtmk" | b"stmk", _) => not_built(&name),
        (b"hash", None) => NOT_SERVING.to_owned(),
        (_, None) => format!("{NOT_SERVING}\n"),
        (b"srvr", Some(role)) => status::brief(server, role),
        (b"stat", Some(role)) => status::with_clients(server, role),
        (b"mntr", Some(role)) => monitor::all(server, role),
        (b"conf", Some(_)) => configuration::text(server),
        _ => not_built(&name),
    }
}

/// Apache's answer to most words while no client is served (`AbstractFourLetterCommand`).
const NOT_SERVING: &str = "This ZooKeeper instance is not currently serving requests";

fn not_built(name: &str) -> String {
    format!("{name} is not built into this version of ironkeeper.\n")
}

/// What a server that serves is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Standalone,
    Leader,
    Follower,
    Observer,
}

impl Role {
    /// As srvr, stat and mntr name it (`ServerStats.Provider.getState`).
    fn name(self) -> &'static str {
        match self {
            Role::Standalone => "standalone",
            Role::Leader => "leader",
            Role::Follower => "follower",
            Role::Observer => "observer",
        }
    }
}

/// `None` while no client is served, and on a leader that is not to serve any.
fn role(server: &Shared) -> Option<Role> {
    let leader_serves = || match &server.config.ensemble {
        Some(ensemble) => ensemble.leader_serves,
        None => true,
    };
    let state = server.standing.lock().state();
    match state {
        State::Standalone => Some(Role::Standalone),
        State::NotServing { .. } => None,
        State::Serving { state, .. } => match state {
            PeerState::Leading => leader_serves().then_some(Role::Leader),
            PeerState::Following => Some(Role::Follower),
            PeerState::Observing => Some(Role::Observer),
            PeerState::Looking => None,
        },
    }
}

/// The version as srvr, stat and mntr tell it: Apache's number first, because tools read it.
fn version() -> String {
    let own = env!("CARGO_PKG_VERSION");
    format!(
        "3.9.5-ironkeeper-{own}, built on {}",
        env!("IRONKEEPER_BUILT_ON")
    )
}
