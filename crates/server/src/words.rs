//! Four-letter words (`FourLetterCommands`): which there are, who may ask, and who answers while no client is served.

pub(crate) mod configuration;
pub(crate) mod connections;
mod data;
pub(crate) mod dump;
pub(crate) mod environment;
pub(crate) mod monitor;
pub(crate) mod status;
#[cfg(test)]
mod tests;
pub(crate) mod watches;

pub(crate) use environment::user_name;

use std::borrow::Cow;
use std::sync::atomic::Ordering::Relaxed;

use crate::connection::Connection;
pub(crate) use monitor::Value;

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
    words.allows(&name(word))
}

/// As the whitelist and its refusal name it (`FourLetterCommands.getCommandString`).
fn name(word: [u8; 4]) -> Cow<'static, str> {
    match word {
        TELNET_INTERRUPT => "telnet close".into(),
        word => String::from_utf8_lossy(&word).into_owned().into(),
    }
}

/// Does a number of eight bytes stand behind the word? Only where it is allowed.
pub fn has_argument(server: &Shared, word: [u8; 4]) -> bool {
    word == *b"stmk" && is_allowed(server, word)
}

/// Is its answer as long as there are sessions, connections or watches?
pub fn lists(word: [u8; 4]) -> bool {
    [b"cons", b"dump", b"stat", b"wchc", b"wchp"].contains(&&word)
}

/// What the word is answered with to who asks; its text is never cut. None closes the connection without a word.
pub async fn answer(
    server: &Shared,
    asker: &Connection,
    word: [u8; 4],
    argument: Option<i64>,
) -> Option<String> {
    if !is_allowed(server, word) {
        let name = name(word);
        return Some(format!(
            "{name} is not executed because it is not in the whitelist.\n"
        ));
    }
    match &word {
        b"ruok" => return Some("imok".to_owned()),
        b"envi" => return Some(environment::text()),
        b"gtmk" => return Some(server.trace_mask.load(Relaxed).to_string()),
        b"stmk" => return argument.map(|mask| set_trace_mask(server, mask)),
        _ => {}
    }
    let answer = match role(server) {
        Some(role) => of_role(server, asker, word, role).await,
        None => None,
    };
    Some(answer.unwrap_or_else(|| not_serving(word)))
}

/// What a server that serves says; none where it has ended meanwhile.
async fn of_role(server: &Shared, asker: &Connection, word: [u8; 4], role: Role) -> Option<String> {
    Some(match &word {
        b"conf" => configuration::text(server),
        b"cons" => connections::all(server, asker),
        b"crst" => connections::reset(server, asker),
        b"dirs" => data::sizes(server),
        b"dump" => return dump::all(server, asker, role).await,
        b"hash" => data::digests(server),
        b"isro" => "rw".to_owned(),
        b"mntr" => monitor::all(server, role),
        b"srst" => status::reset(server),
        b"srvr" => status::brief(server, role),
        b"stat" => status::with_clients(server, asker, role),
        b"wchc" => watches::by_connection(server).await,
        b"wchp" => watches::by_path(server).await,
        b"wchs" => watches::summary(server),
        _ => return None,
    })
}

/// While no client is served (`AbstractFourLetterCommand`).
fn not_serving(word: [u8; 4]) -> String {
    match &word {
        b"isro" => "null".to_owned(),
        b"hash" => NOT_SERVING.to_owned(),
        _ => format!("{NOT_SERVING}\n"),
    }
}

pub(crate) const NOT_SERVING: &str = "This ZooKeeper instance is not currently serving requests";

/// What gtmk says before stmk was ever asked (`ZooTrace`): requests, packets between servers, sessions and warnings.
pub const DEFAULT_TRACE_MASK: i64 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 8;

/// The mask is only kept: what is logged is a matter of RUST_LOG.
fn set_trace_mask(server: &Shared, mask: i64) -> String {
    server.trace_mask.store(mask, Relaxed);
    mask.to_string()
}

/// What a server that serves is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Standalone,
    Leader,
    Follower,
    Observer,
}

impl Role {
    /// As srvr, stat and mntr name it (`ServerStats.Provider.getState`).
    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Standalone => "standalone",
            Role::Leader => "leader",
            Role::Follower => "follower",
            Role::Observer => "observer",
        }
    }
}

/// `None` while no client is served, and on a leader that is not to serve any.
pub(crate) fn role(server: &Shared) -> Option<Role> {
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
pub(crate) fn version() -> String {
    let own = env!("CARGO_PKG_VERSION");
    format!(
        "3.9.5-ironkeeper-{own}, built on {}",
        env!("IRONKEEPER_BUILT_ON")
    )
}
