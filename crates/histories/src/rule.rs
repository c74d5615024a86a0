//! What must hold.

use std::fmt;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $claim:literal,)*) => {
        /// What must hold in every history.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Rule { $($(#[$doc])* $name,)* }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Rule] = &[$(Rule::$name),*];

            /// The rule in words.
            pub fn claim(self) -> &'static str {
                match self { $(Rule::$name => $claim,)* }
            }
        }
    };
}

rules! {
    /// The oldest request is answered first, and nothing is answered that was not asked.
    Order = "replies come in the order of requests",
    /// In a time that is long for any server, as long as the connection lasts.
    Answered = "each request is answered",
    /// No request fails that cannot, and those that must fail do.
    Outcome = "each request has the outcome that it must have",
    /// Also over a reconnect.
    Zxids = "the zxids of a session's replies never fall",
    /// The zxid in a reply's header is at least that of what it shows.
    NotAhead = "no reply shows a change past its own zxid",
    /// A znode's version never falls in one session.
    Monotonic = "no session sees a znode go back",
    /// Reads wait for the writes before them.
    OwnWrites = "a read sees the writes that its session asked for before it",
    /// A write makes a version that its session has not seen.
    OwnLater = "no reply shows what its session asked for later",
    /// On one server: what anybody was told before the request was sent is seen.
    Fresh = "a reply shows all that any session was told before it was asked for",
    /// A version has one zxid and one content.
    OneContent = "all sessions see the same under the same version",
    /// The two znodes of a pair are only written by multis.
    Together = "what one multi wrote is read as one",
    /// For one-shot watches and persistent ones.
    EventFirst = "an event comes before any reply that shows its change",
    /// An event needs a watch, and the reply that left it.
    Registered = "no event comes before the reply that registers its watch",
    /// An event lies between the zxids of the replies around it.
    EventZxids = "events and replies come in the order of zxids",
    /// Versions and events of a persistent watch go up together.
    EachOnce = "a persistent watch tells of each change once",
    /// Names told by a recursive watch are the names listed.
    Children = "a recursive watch tells of the children that are listed",
    /// Ephemerals made by one multi and deleted by one closeSession.
    Ephemerals = "the ephemerals of a session come and go as one",
    /// Between the reply to the multi and the closeSession they are there, after its reply not.
    Closed = "the ephemerals of a session are there until it ends and not after",
}

impl Rule {
    /// It does not hold.
    pub(crate) fn broken(self, what: impl Into<String>) -> Broken {
        Broken {
            rule: self,
            what: what.into(),
        }
    }
}

/// A rule that does not hold, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which one.
    pub rule: Rule,
    /// What came and what should have.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({}): {}", self.rule, self.rule.claim(), self.what)
    }
}

impl std::error::Error for Broken {}
