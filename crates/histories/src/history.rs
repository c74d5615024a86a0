//! One session's history, reply by reply.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use proto::{AddWatchMode, ErrorCode, EventType, Zxid};

use crate::ask::{Answer, Ask, GROUP_SIZE, Key, Kind, Part, Path, Seen, group_of};
use crate::board::{Board, Groups};
use crate::rule::{Broken, Rule};
use crate::watches::Watches;

/// A reply as it came.
#[derive(Clone, Debug)]
pub struct Reply {
    /// From its header.
    pub xid: i32,
    /// From its header.
    pub zxid: Zxid,
    /// From its header.
    pub err: ErrorCode,
    /// From its body; nothing where the header has an error.
    pub answer: Answer,
}

/// A watch event as it came.
#[derive(Clone, Debug)]
pub struct Event {
    /// What happened.
    pub kind: EventType,
    /// Where.
    pub path: Path,
    /// From its header; −1 for one that setWatches found missed.
    pub zxid: Zxid,
}

/// The zxid of an event that setWatches found missed.
const MISSED: Zxid = Zxid(-1);

#[derive(Debug)]
struct Asked {
    xid: i32,
    ask: Ask,
    /// Versions that somebody had been told of.
    told: Vec<i32>,
    groups: Groups,
    /// Names in the list that are the session's own to make, and whether they are there by then.
    own_names: Vec<(String, bool)>,
}

#[derive(Clone, Copy, Debug)]
struct Newest {
    version: i32,
    zxid: Zxid,
    own: bool,
}

/// The checker of one session. Each request is told to it before it is sent, each reply and event
/// when it comes.
#[derive(Debug)]
pub struct History {
    board: Arc<Board>,
    asked: VecDeque<Asked>,
    newest: HashMap<Key, Newest>,
    watches: Watches,
    last_reply: Zxid,
    last_event: Zxid,
    /// Children that the session has asked to be made or deleted.
    own_names: HashMap<Path, bool>,
    group: Option<u64>,
    /// Members of a group that have come or gone since the last reply, and when.
    moved: HashMap<(u64, EventType), (Zxid, usize)>,
}

impl History {
    /// A session that has asked for nothing.
    pub fn new(board: Arc<Board>) -> Self {
        History {
            board,
            asked: VecDeque::new(),
            newest: HashMap::new(),
            watches: Watches::default(),
            last_reply: Zxid::ZERO,
            last_event: Zxid::ZERO,
            own_names: HashMap::new(),
            group: None,
            moved: HashMap::new(),
        }
    }

    /// Requests without a reply.
    pub fn outstanding(&self) -> usize {
        self.asked.len()
    }

    /// The oldest request without a reply.
    pub fn oldest(&self) -> Option<&Ask> {
        self.asked.front().map(|asked| &asked.ask)
    }

    /// The oldest request without a reply, if its reply has this number.
    pub(crate) fn awaited(&self, xid: i32) -> Option<&Ask> {
        let oldest = self.asked.front()?;
        (oldest.xid == xid).then_some(&oldest.ask)
    }

    /// A request is about to be sent.
    pub fn ask(&mut self, xid: i32, ask: Ask) {
        match &ask {
            Ask::Create { path } => drop(self.own_names.insert(path.clone(), true)),
            Ask::Delete { path } => drop(self.own_names.insert(path.clone(), false)),
            Ask::CreateGroup { group, .. } => self.group = Some(*group),
            Ask::Close => self
                .group
                .into_iter()
                .for_each(|group| self.board.ending(group)),
            _ => {}
        }
        let groups = match &ask {
            Ask::Children { path, .. } => self.board.groups(path),
            _ => Groups::default(),
        };
        self.asked.push_back(Asked {
            xid: ask.reply_xid(xid),
            told: ask.keys().iter().map(|key| self.board.told(key)).collect(),
            groups,
            own_names: self.own_names_below(&ask),
            ask,
        });
    }

    fn own_names_below(&self, ask: &Ask) -> Vec<(String, bool)> {
        let Ask::Children { path, .. } = ask else {
            return Vec::new();
        };
        let below = |(own, there): (&Path, &bool)| {
            let name = own.strip_prefix(&**path)?.strip_prefix('/')?;
            Some((name.to_owned(), *there))
        };
        self.own_names.iter().filter_map(below).collect()
    }

    /// An event has come.
    pub fn event(&mut self, event: &Event) -> Result<(), Broken> {
        let Event { kind, path, zxid } = event;
        self.board.count(Rule::Registered);
        self.board.count(Rule::EventZxids);
        if *zxid == MISSED {
            if !matches!(self.oldest(), Some(Ask::Rewatch { .. })) {
                let what = format!("{event:?} came outside of setWatches");
                return Err(Rule::EventZxids.broken(what));
            }
        } else if *zxid <= self.last_reply || *zxid < self.last_event {
            let what = format!(
                "{event:?} came after a reply of {} and an event of {}",
                self.last_reply, self.last_event
            );
            return Err(Rule::EventZxids.broken(what));
        } else {
            self.last_event = *zxid;
        }
        self.note_member(event)?;
        self.watches.fire(*kind, path)
    }

    /// The members of a group come at one zxid, and go at one.
    fn note_member(&mut self, event: &Event) -> Result<(), Broken> {
        let is_move = matches!(event.kind, EventType::NodeCreated | EventType::NodeDeleted);
        let name = event.path.rsplit('/').next().unwrap_or_default();
        let Some(group) = group_of(name).filter(|_| is_move) else {
            return Ok(());
        };
        self.board.count(Rule::Ephemerals);
        let moved = self
            .moved
            .entry((group, event.kind))
            .or_insert((event.zxid, 0));
        moved.1 += 1;
        if moved.0 != event.zxid {
            let what = format!("{event:?}, others of the group at {}", moved.0);
            return Err(Rule::Ephemerals.broken(what));
        }
        Ok(())
    }

    /// A reply has come.
    pub fn reply(&mut self, reply: &Reply) -> Result<(), Broken> {
        self.board.count(Rule::Order);
        self.board.count(Rule::Answered);
        let asked = self
            .asked
            .pop_front()
            .filter(|asked| asked.xid == reply.xid);
        let Some(asked) = asked else {
            return Err(Rule::Order.broken(format!("{reply:?} is not to the oldest request")));
        };
        self.check_header(&asked.ask, reply)?;
        self.check_moved()?;
        self.check_pair(&asked.ask, &reply.answer)?;
        for ((key, seen), told) in reply.answer.seen.iter().zip(&asked.told) {
            self.check_seen(&asked.ask, reply.zxid, key, seen, *told)?;
        }
        if let Some(names) = &reply.answer.names {
            self.board.check_groups(&asked.groups, names)?;
            check_whole_groups(names)?;
            check_own_names(&asked, reply)?;
        }
        self.watches.check(&reply.answer, &self.board)?;
        self.settle(asked.ask, &reply.answer);
        Ok(())
    }

    fn check_header(&mut self, ask: &Ask, reply: &Reply) -> Result<(), Broken> {
        self.board.count(Rule::Outcome);
        self.board.count(Rule::Zxids);
        if reply.err != ask.outcome() {
            return Err(Rule::Outcome.broken(format!("{:?} for {ask:?}", reply.err)));
        }
        if reply.zxid < self.last_reply {
            let what = format!("{} of {ask:?} after {}", reply.zxid, self.last_reply);
            return Err(Rule::Zxids.broken(what));
        }
        if reply.zxid < self.last_event {
            let what = format!(
                "{ask:?} is of {}, after an event of {}",
                reply.zxid, self.last_event
            );
            return Err(Rule::EventZxids.broken(what));
        }
        self.last_reply = reply.zxid;
        Ok(())
    }

    fn check_moved(&mut self) -> Result<(), Broken> {
        let part = self
            .moved
            .iter()
            .find(|(_, (_, count))| *count != GROUP_SIZE);
        if let Some(part) = part {
            return Err(Rule::Ephemerals.broken(format!("a reply came amid events: {part:?}")));
        }
        self.moved.clear();
        Ok(())
    }

    fn check_pair(&self, ask: &Ask, answer: &Answer) -> Result<(), Broken> {
        if let (Ask::GetPair { .. }, [(_, a), (_, b)]) = (ask, &answer.seen[..]) {
            self.board.count(Rule::Together);
            if (a.content, a.version) != (b.content, b.version) {
                return Err(Rule::Together.broken(format!("{a:?} and {b:?}")));
            }
        }
        Ok(())
    }

    fn check_seen(
        &mut self,
        ask: &Ask,
        at: Zxid,
        key: &Key,
        seen: &Seen,
        told: i32,
    ) -> Result<(), Broken> {
        let is_write = ask.kind() == Kind::Write;
        self.board.count(Rule::NotAhead);
        if seen.zxid > at || (is_write && seen.zxid != at) {
            return Err(Rule::NotAhead.broken(format!("{ask:?} at {at} shows {seen:?}")));
        }
        self.check_newest(key, seen, is_write)?;
        self.board.count(Rule::Fresh);
        if seen.version < told + i32::from(is_write) {
            let what =
                format!("{ask:?} shows {seen:?}; version {told} was shown before it was sent");
            return Err(Rule::Fresh.broken(what));
        }
        self.board.note(key, seen)
    }

    fn check_newest(&mut self, key: &Key, seen: &Seen, is_write: bool) -> Result<(), Broken> {
        let newest = Newest {
            version: seen.version,
            zxid: seen.zxid,
            own: is_write,
        };
        let Some(before) = self.newest.insert(key.clone(), newest) else {
            return Ok(());
        };
        let what = || format!("{key:?} at {seen:?} after {before:?}");
        self.board.count(if before.own {
            Rule::OwnWrites
        } else {
            Rule::Monotonic
        });
        if is_write {
            self.board.count(Rule::OwnLater);
        }
        if is_write && seen.version <= before.version {
            return Err(Rule::OwnLater.broken(what()));
        }
        if (seen.version, seen.zxid) < (before.version, before.zxid) {
            let rule = if before.own {
                Rule::OwnWrites
            } else {
                Rule::Monotonic
            };
            return Err(rule.broken(what()));
        }
        Ok(())
    }

    /// What a reply brings about.
    fn settle(&mut self, ask: Ask, answer: &Answer) {
        if let (Some(key), Some((_, seen))) = (ask.watched(), answer.seen.first()) {
            self.watches.leave(key, seen.version);
        }
        match ask {
            Ask::Watch { path, mode } => self.watches.add(path, mode),
            Ask::Rewatch {
                persistent,
                recursive,
                ..
            } => {
                let modes = [AddWatchMode::Persistent, AddWatchMode::PersistentRecursive];
                for (paths, mode) in [persistent, recursive].into_iter().zip(modes) {
                    paths
                        .into_iter()
                        .for_each(|path| self.watches.add(path, mode));
                }
            }
            Ask::CreateGroup { parent, group } => {
                let is_ending = self.asked.iter().any(|asked| asked.ask == Ask::Close);
                self.board.opened(group, parent, is_ending);
            }
            Ask::Close => self
                .group
                .into_iter()
                .for_each(|group| self.board.closed(group)),
            _ => {}
        }
    }

    /// The connection was lost: what was outstanding may have happened or not. Returns the request
    /// that must come first on the next connection.
    pub fn cut(&mut self) -> Ask {
        self.asked.clear();
        self.moved.clear();
        self.own_names.clear();
        self.last_event = Zxid::ZERO;
        let (keys, persistent) = self.watches.cut();
        let of_part = |wanted| {
            let is_wanted = |key: &&Key| key.1 == wanted;
            keys.iter()
                .filter(is_wanted)
                .map(|key| key.0.clone())
                .collect()
        };
        let of_mode = |wanted| {
            let is_wanted =
                |(path, mode): (&Path, &AddWatchMode)| (*mode == wanted).then(|| path.clone());
            persistent.iter().filter_map(is_wanted).collect()
        };
        Ask::Rewatch {
            since: self.last_reply,
            data: of_part(Part::Data),
            children: of_part(Part::Children),
            persistent: of_mode(AddWatchMode::Persistent),
            recursive: of_mode(AddWatchMode::PersistentRecursive),
        }
    }

    /// Nothing comes any more, or not for too long.
    pub fn end(&self) -> Result<(), Broken> {
        match self.oldest() {
            Some(ask) => Err(Rule::Answered.broken(format!("no reply to {ask:?}"))),
            None => Ok(()),
        }
    }
}

fn check_whole_groups(names: &std::collections::BTreeSet<String>) -> Result<(), Broken> {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for group in names.iter().filter_map(|name| group_of(name)) {
        *counts.entry(group).or_default() += 1;
    }
    match counts.iter().find(|(_, count)| **count != GROUP_SIZE) {
        Some(part) => Err(Rule::Ephemerals.broken(format!("{part:?} are listed"))),
        None => Ok(()),
    }
}

fn check_own_names(asked: &Asked, reply: &Reply) -> Result<(), Broken> {
    let Some(names) = &reply.answer.names else {
        return Ok(());
    };
    let wrong = asked
        .own_names
        .iter()
        .find(|(name, there)| names.contains(name) != *there);
    match wrong {
        Some(wrong) => Err(Rule::OwnWrites.broken(format!("{wrong:?}, but listed are {names:?}"))),
        None => Ok(()),
    }
}
