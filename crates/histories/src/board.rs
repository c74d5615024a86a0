//! What sessions tell each other: what was seen under which version, and which groups there are.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use proto::Zxid;

use crate::ask::{Key, Path, Seen, group_of};
use crate::rule::{Broken, Rule};

/// One for all sessions on a server.
#[derive(Debug, Default)]
pub struct Board {
    registers: Mutex<HashMap<Key, Register>>,
    groups: Mutex<Lives>,
    checked: [AtomicU64; Rule::ALL.len()],
}

#[derive(Debug, Default)]
struct Register {
    /// The newest version that any reply has shown.
    told: i32,
    versions: HashMap<i32, (Zxid, Option<u64>)>,
}

/// Where the ephemerals of a session are in their life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Their multi was answered.
    Open,
    /// Their session's end was asked for.
    Ending,
    /// It was answered, as the nth.
    Closed(usize),
}

#[derive(Debug, Default)]
struct Lives {
    phases: HashMap<u64, (Path, Phase)>,
    closed: usize,
}

/// What a list of children must show, and must not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    open: Vec<u64>,
    closed: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    /// A rule was applied once more.
    pub(crate) fn count(&self, rule: Rule) {
        self.checked[rule as usize].fetch_add(1, Relaxed);
    }

    /// How often a rule was applied.
    pub fn checked(&self, rule: Rule) -> u64 {
        self.checked[rule as usize].load(Relaxed)
    }

    /// The version that somebody was told of already; −1 for none.
    pub(crate) fn told(&self, key: &Key) -> i32 {
        lock(&self.registers)
            .get(key)
            .map_or(-1, |register| register.told)
    }

    /// Notes what a reply shows, and holds it against what others were shown.
    pub(crate) fn note(&self, key: &Key, seen: &Seen) -> Result<(), Broken> {
        self.count(Rule::OneContent);
        let mut registers = lock(&self.registers);
        let register = registers.entry(key.clone()).or_default();
        register.told = register.told.max(seen.version);
        let known = register
            .versions
            .entry(seen.version)
            .or_insert((seen.zxid, seen.content));
        let other = matches!((known.1, seen.content), (Some(a), Some(b)) if a != b);
        if known.0 != seen.zxid || other {
            let what = format!("{key:?}: {seen:?}, and another session saw {known:?}");
            return Err(Rule::OneContent.broken(what));
        }
        known.1 = known.1.or(seen.content);
        Ok(())
    }

    /// The ephemerals of a group were made below `parent`, and their maker was told so; it may
    /// have asked for its end already.
    pub(crate) fn opened(&self, group: u64, parent: Path, is_ending: bool) {
        let phase = if is_ending {
            Phase::Ending
        } else {
            Phase::Open
        };
        lock(&self.groups).phases.insert(group, (parent, phase));
    }

    /// Their session asks for its end.
    pub(crate) fn ending(&self, group: u64) {
        self.goes_on_to(group, |_| Phase::Ending);
    }

    /// It was answered.
    pub(crate) fn closed(&self, group: u64) {
        self.goes_on_to(group, |closed| {
            *closed += 1;
            Phase::Closed(*closed - 1)
        });
    }

    /// A group whose making was never answered has no phases.
    fn goes_on_to(&self, group: u64, phase: impl FnOnce(&mut usize) -> Phase) {
        let Lives { phases, closed } = &mut *lock(&self.groups);
        if let Some((_, now)) = phases.get_mut(&group) {
            *now = phase(closed);
        }
    }

    /// What holds when the children of `parent` are asked for.
    pub(crate) fn groups(&self, parent: &Path) -> Groups {
        let groups = lock(&self.groups);
        let is_open = |(below, phase): &(Path, Phase)| below == parent && *phase == Phase::Open;
        let open = groups.phases.iter().filter(|(_, life)| is_open(life));
        Groups {
            open: open.map(|(group, _)| *group).collect(),
            closed: groups.closed,
        }
    }

    /// Holds a list against what held when it was asked for.
    pub(crate) fn check_groups(
        &self,
        asked: &Groups,
        names: &BTreeSet<String>,
    ) -> Result<(), Broken> {
        self.count(Rule::Closed);
        let listed: BTreeSet<u64> = names.iter().filter_map(|name| group_of(name)).collect();
        let groups = lock(&self.groups);
        let phase = |group: &u64| Some(groups.phases.get(group)?.1);
        let is_open = |group: &&u64| phase(group) == Some(Phase::Open);
        if let Some(group) = asked
            .open
            .iter()
            .filter(is_open)
            .find(|group| !listed.contains(group))
        {
            let what = format!("group {group} is not among {names:?}");
            return Err(Rule::Closed.broken(what));
        }
        let is_closed =
            |group: &&u64| matches!(phase(group), Some(Phase::Closed(nth)) if nth < asked.closed);
        match listed.iter().find(is_closed) {
            Some(group) => Err(Rule::Closed.broken(format!("group {group} is still listed"))),
            None => Ok(()),
        }
    }
}
