//! The watches that one connection has left, and what they must tell.

use std::collections::{BTreeSet, HashMap};

use proto::{AddWatchMode, EventType};

use crate::ask::{Answer, Key, Part, Path, Seen, changed};
use crate::board::Board;
use crate::rule::{Broken, Rule};

/// What is watched, as far as replies have said so.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    /// One-shot watches, with the version that was seen when they were left.
    one_shot: HashMap<Key, i32>,
    persistent: HashMap<Path, AddWatchMode>,
    /// Events of persistent watches.
    told: HashMap<Key, i32>,
    /// Version less events: the same at each reply.
    base: HashMap<Key, i32>,
    /// Children below a recursive watch; known from the first list on.
    names: HashMap<Path, BTreeSet<String>>,
}

fn parent_and_name(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn is_at_or_below(path: &str, top: &str) -> bool {
    top == "/"
        || path
            .strip_prefix(top)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Watches {
    /// A reply left a one-shot watch, and showed this version. One that is there stays.
    pub fn leave(&mut self, key: Key, version: i32) {
        self.one_shot.entry(key).or_insert(version);
    }

    /// A reply left a persistent watch.
    pub fn add(&mut self, path: Path, mode: AddWatchMode) {
        self.persistent.insert(path, mode);
    }

    /// Does a persistent watch tell of changes of this?
    pub fn covers(&self, key: &Key) -> bool {
        let (path, part) = key;
        self.persistent.iter().any(|(top, mode)| match mode {
            AddWatchMode::Persistent => top == path,
            AddWatchMode::PersistentRecursive => *part == Part::Data && is_at_or_below(path, top),
        })
    }

    fn is_below_recursive(&self, path: &str) -> bool {
        self.persistent.iter().any(|(top, mode)| {
            *mode == AddWatchMode::PersistentRecursive && is_at_or_below(path, top)
        })
    }

    /// An event: was it asked for?
    pub fn fire(&mut self, kind: EventType, path: &Path) -> Result<(), Broken> {
        let unasked =
            || Rule::Registered.broken(format!("{kind:?} of {path}, which is not watched"));
        let Some(key) = changed(kind, path) else {
            if !self.is_below_recursive(path) {
                return Err(unasked());
            }
            return self.come_or_go(kind, path);
        };
        if self.covers(&key) {
            *self.told.entry(key).or_default() += 1;
            return Ok(());
        }
        self.one_shot.remove(&key).map(drop).ok_or_else(unasked)
    }

    fn come_or_go(&mut self, kind: EventType, path: &Path) -> Result<(), Broken> {
        let (parent, name) = parent_and_name(path);
        let Some(names) = self.names.get_mut(parent) else {
            return Ok(());
        };
        let is_new = match kind {
            EventType::NodeCreated => names.insert(name.to_owned()),
            _ => names.remove(name),
        };
        match is_new {
            true => Ok(()),
            false => Err(Rule::EachOnce.broken(format!("{kind:?} of {path} twice"))),
        }
    }

    /// Holds a reply against what events have told.
    pub fn check(&mut self, answer: &Answer, board: &Board) -> Result<(), Broken> {
        for (key, seen) in &answer.seen {
            self.check_one_shot(key, seen, board)?;
            self.check_persistent(key, seen, board)?;
            if let Some(names) = &answer.names {
                self.check_names(&key.0, names, board)?;
            }
        }
        Ok(())
    }

    fn check_one_shot(&self, key: &Key, seen: &Seen, board: &Board) -> Result<(), Broken> {
        let Some(&left_at) = self.one_shot.get(key) else {
            return Ok(());
        };
        board.count(Rule::EventFirst);
        if seen.version == left_at {
            return Ok(());
        }
        let what =
            format!("{key:?} at {seen:?}, watched since version {left_at}, and no event came");
        Err(Rule::EventFirst.broken(what))
    }

    fn check_persistent(&mut self, key: &Key, seen: &Seen, board: &Board) -> Result<(), Broken> {
        if !self.covers(key) {
            return Ok(());
        }
        board.count(Rule::EachOnce);
        let told = self.told.get(key).copied().unwrap_or_default();
        let base = *self.base.entry(key.clone()).or_insert(seen.version - told);
        let off = seen.version - (base + told);
        let what = || format!("{key:?} at {seen:?}; {told} events since version {base}");
        match off {
            0 => Ok(()),
            1.. => Err(Rule::EventFirst.broken(what())),
            _ => Err(Rule::EachOnce.broken(what())),
        }
    }

    fn check_names(
        &mut self,
        path: &Path,
        listed: &BTreeSet<String>,
        board: &Board,
    ) -> Result<(), Broken> {
        if !self.is_below_recursive(path) {
            return Ok(());
        }
        board.count(Rule::Children);
        let told = self
            .names
            .entry(path.clone())
            .or_insert_with(|| listed.clone());
        if told == listed {
            return Ok(());
        }
        let differing: Vec<_> = told.symmetric_difference(listed).collect();
        let what = format!("{path}: listed and told differ in {differing:?}");
        Err(Rule::Children.broken(what))
    }

    /// The connection is gone, and its watches with it. What must be asked for again: one-shot
    /// watches keep the versions that they were left at, for what was missed is told.
    pub fn cut(&mut self) -> (Vec<Key>, HashMap<Path, AddWatchMode>) {
        self.told.clear();
        self.base.clear();
        self.names.clear();
        (
            self.one_shot.keys().cloned().collect(),
            std::mem::take(&mut self.persistent),
        )
    }
}
