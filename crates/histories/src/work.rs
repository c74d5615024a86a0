//! What a session asks for, by chance.

use histories::{Ask, Path};
use proto::AddWatchMode;
use rand::Rng;
use rand::rngs::SmallRng;

/// The znodes of a run.
pub const TOP: &str = "/histories";
const SHARED: usize = 6;
const PAIRS: usize = 3;

/// Of what kind its watches are: those of one kind only, so that each event has one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Left by reads.
    OneShot,
    /// On one register and one list.
    Persistent,
    /// On everything.
    Recursive,
    /// None: a session that makes ephemerals and ends, again and again.
    Visitor,
}

impl Role {
    /// Events for those that watch everything go with the square of the sessions: there are few.
    pub fn of(number: usize, sessions: usize) -> Role {
        if number < (sessions / 24).max(1) {
            return Role::Recursive;
        }
        match number % 8 {
            1 => Role::Persistent,
            2 => Role::Visitor,
            _ => Role::OneShot,
        }
    }
}

fn below(path: impl std::fmt::Display) -> Path {
    format!("{TOP}/{path}").into()
}

fn shared(n: usize) -> Path {
    below(format_args!("shared-{n}"))
}

fn own(session: usize) -> Path {
    below(format_args!("own-{session}"))
}

fn pair(n: usize) -> [Path; 2] {
    [
        below(format_args!("left-{n}")),
        below(format_args!("right-{n}")),
    ]
}

/// Where children come and go one by one.
pub fn kids() -> Path {
    below("kids")
}

/// Where groups of ephemerals come and go.
pub fn groups() -> Path {
    below("groups")
}

/// All znodes that are there from the start.
pub fn all(sessions: usize) -> Vec<Path> {
    let mut all = vec![TOP.into(), kids(), groups()];
    all.extend((0..SHARED).map(shared));
    all.extend((0..PAIRS).flat_map(pair));
    all.extend((0..sessions).map(own));
    all
}

/// Chooses one session's requests.
pub struct Work {
    role: Role,
    session: usize,
    random: SmallRng,
    values: u64,
    /// The session's child of `kids`: its generation, and whether it is there.
    kid: (u32, bool),
}

impl Work {
    pub fn new(role: Role, session: usize, random: SmallRng) -> Self {
        Work {
            role,
            session,
            random,
            values: 0,
            kid: (0, false),
        }
    }

    /// What stands first on the session's first connection.
    pub fn first(&mut self) -> Vec<Ask> {
        let watch = |path, mode| Ask::Watch { path, mode };
        match self.role {
            Role::Persistent => vec![
                watch(shared(self.session % SHARED), AddWatchMode::Persistent),
                watch(
                    pair(self.session % PAIRS)[0].clone(),
                    AddWatchMode::Persistent,
                ),
                watch(kids(), AddWatchMode::Persistent),
            ],
            Role::Recursive => vec![watch(TOP.into(), AddWatchMode::PersistentRecursive)],
            Role::OneShot | Role::Visitor => Vec::new(),
        }
    }

    /// Requests to send at once: mostly few, sometimes more than a server reads ahead.
    pub fn burst(&mut self) -> usize {
        match self.random.random_range(0..10) {
            0 => 1,
            1 => self.random.random_range(100..400),
            _ => self.random.random_range(2..40),
        }
    }

    /// Of so many outstanding, how many may stay so while the next ones are sent.
    pub fn low_water(&mut self, outstanding: usize) -> usize {
        self.random.random_range(0..=outstanding / 2)
    }

    /// Is the connection cut now?
    pub fn is_cut(&mut self) -> bool {
        self.session % 4 == 3 && self.random.random_range(0..25) == 0
    }

    /// The connection was cut: whether the child came or went nobody knows.
    pub fn forget(&mut self) {
        self.kid = (self.kid.0 + 1, false);
    }

    fn watch(&mut self) -> bool {
        self.role == Role::OneShot && self.random.random()
    }

    fn value(&mut self) -> u64 {
        self.values += 1;
        (self.session as u64) << 32 | self.values
    }

    fn any_shared(&mut self) -> Path {
        shared(self.random.random_range(0..SHARED))
    }

    fn any_pair(&mut self) -> [Path; 2] {
        pair(self.random.random_range(0..PAIRS))
    }

    /// One of the session's own register, or of all.
    fn register(&mut self) -> Path {
        if self.random.random_range(0..3) == 0 {
            own(self.session)
        } else {
            self.any_shared()
        }
    }

    /// The next request.
    pub fn next(&mut self) -> Ask {
        match self.random.random_range(0..100) {
            0..30 => Ask::Get {
                path: self.register(),
                watch: self.watch(),
            },
            30..38 => Ask::Exists {
                path: self.register(),
                watch: self.watch(),
            },
            38..54 => Ask::Set {
                path: self.register(),
                value: self.value(),
            },
            54..60 => Ask::SetPair {
                pair: self.any_pair(),
                value: self.value(),
            },
            60..70 => Ask::GetPair {
                pair: self.any_pair(),
            },
            70..74 => Ask::Get {
                path: self.any_pair()[self.random.random_range(0..2)].clone(),
                watch: self.watch(),
            },
            74..82 => Ask::Children {
                path: if self.random.random() {
                    kids()
                } else {
                    groups()
                },
                watch: self.watch(),
            },
            // A visitor would leave its child behind each time.
            82..88 if self.role != Role::Visitor => self.kid(),
            82..92 => Ask::Sync { path: TOP.into() },
            92..95 => Ask::Ping,
            95..98 => Ask::Refused,
            _ => Ask::RefusedMulti {
                pair: self.any_pair(),
            },
        }
    }

    /// Makes the session's child, or deletes it.
    fn kid(&mut self) -> Ask {
        let (generation, there) = self.kid;
        self.kid.1 = !there;
        let path = format!("{}/of-{}-{generation}", kids(), self.session).into();
        if there {
            Ask::Delete { path }
        } else {
            Ask::Create { path }
        }
    }
}
