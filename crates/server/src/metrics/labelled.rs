//! Summaries and counters with a label: one for each key that ever came, up to a bound.
//!
//! Which summary a key has is looked up in a table of the calling thread's own; the set's lock is taken for a thread's first
//! value of a key only, and in a set that is full for its first value past the bound: what is there then is all there will be.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hashbrown::HashMap;

use super::cells::{Detail, Summary};
use crate::limits;
use crate::sync::Mutex;

/// The key of all that come past the bound.
pub const OTHERS: &str = "(others)";

/// What a thread has found in one set.
#[derive(Debug, Default)]
struct Found {
    by_key: HashMap<Box<str>, Arc<Named>>,
    /// Of all keys that are not there; known once the set is full, and all of it is found.
    others: Option<Arc<Named>>,
}

impl Found {
    fn get(&self, key: &str) -> Option<&Arc<Named>> {
        self.by_key.get(key).or(self.others.as_ref())
    }
}

thread_local! {
    /// By the set's number.
    static FOUND: RefCell<HashMap<u64, Found>> = RefCell::default();
}

/// Summaries by a key.
#[derive(Debug)]
pub struct SummarySet {
    detail: Detail,
    /// Of this set among all: where a thread keeps what it has found.
    number: u64,
    by_key: Mutex<BTreeMap<Box<str>, Arc<Named>>>,
}

/// The summary of a key.
#[derive(Debug)]
pub struct Named {
    /// The key, or [`OTHERS`].
    pub key: Box<str>,
    /// Its values.
    pub summary: Summary,
}

impl SummarySet {
    /// Without a key.
    pub fn new(detail: Detail) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        SummarySet {
            detail,
            number: NEXT.fetch_add(1, Relaxed),
            by_key: Mutex::default(),
        }
    }

    /// Adds a value of a key.
    pub fn add(&self, key: &str, value: u64) {
        self.named(key).summary.add(value);
    }

    /// The summary of a key.
    pub fn named(&self, key: &str) -> Arc<Named> {
        let found = FOUND.with_borrow(|found| found.get(&self.number)?.get(key).cloned());
        found.unwrap_or_else(|| self.find(key))
    }

    fn find(&self, key: &str) -> Arc<Named> {
        let mut by_key = self.by_key.lock();
        FOUND.with_borrow_mut(|found| {
            let found = found.entry(self.number).or_default();
            if by_key.len() < limits::MAX_METRIC_KEYS || by_key.contains_key(key) {
                let named = self.make(&mut by_key, key);
                found.by_key.insert(named.key.clone(), named.clone());
                return named;
            }
            let others = self.make(&mut by_key, OTHERS);
            let all = by_key.values();
            found.by_key = all.map(|one| (one.key.clone(), one.clone())).collect();
            found.others.insert(others).clone()
        })
    }

    fn make(&self, by_key: &mut BTreeMap<Box<str>, Arc<Named>>, key: &str) -> Arc<Named> {
        let key: Box<str> = key.into();
        let made = by_key.entry(key.clone());
        let summary = || Summary::new(self.detail);
        let named = made.or_insert_with(|| {
            Arc::new(Named {
                key,
                summary: summary(),
            })
        });
        named.clone()
    }

    /// Every key with its summary, in the keys' order.
    pub fn all(&self) -> Vec<Arc<Named>> {
        self.by_key.lock().values().cloned().collect()
    }

    /// All begin anew; each key stays, as in Apache.
    pub fn reset(&self) {
        self.all().iter().for_each(|named| named.summary.reset());
    }
}

/// Counters by a key, for what is rare.
#[derive(Debug, Default)]
pub struct CounterSet(Mutex<BTreeMap<String, u64>>);

impl CounterSet {
    /// Adds to the counter of a key.
    pub fn add(&self, key: &str, more: u64) {
        let mut counts = self.0.lock();
        let is_one_too_many = counts.len() >= limits::MAX_METRIC_KEYS && !counts.contains_key(key);
        let key = if is_one_too_many { OTHERS } else { key };
        *counts.entry(key.to_owned()).or_default() += more;
    }

    /// Every key with its count, in the keys' order.
    pub fn all(&self) -> Vec<(String, u64)> {
        let counts = self.0.lock();
        counts
            .iter()
            .map(|(key, &count)| (key.clone(), count))
            .collect()
    }

    /// All begin anew; each key stays.
    pub fn reset(&self) {
        self.0.lock().values_mut().for_each(|count| *count = 0);
    }
}

// The model's bounds are too tiny for these, and its locks want its threads.
#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::*;

    fn sums(set: &SummarySet) -> Vec<(String, u64)> {
        let all = set.all().into_iter();
        all.map(|named| (named.key.to_string(), named.summary.totals().sum))
            .collect()
    }

    #[test]
    fn each_key_has_its_own_values_whichever_thread_adds_them() {
        let set = SummarySet::new(Detail::Basic);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        set.add("a", 1);
                        set.add("b", 2);
                    }
                });
            }
        });
        assert_eq!(sums(&set), [("a".to_owned(), 30), ("b".to_owned(), 60)]);
        set.reset();
        assert_eq!(
            sums(&set),
            [("a".to_owned(), 0), ("b".to_owned(), 0)],
            "each key stays"
        );
    }

    #[test]
    fn two_sets_do_not_share_their_keys() {
        let sets = [
            SummarySet::new(Detail::Basic),
            SummarySet::new(Detail::Basic),
        ];
        sets[0].add("a", 1);
        sets[1].add("a", 5);
        sets[1].add("a", 5);
        assert_eq!(sums(&sets[0]), [("a".to_owned(), 1)]);
        assert_eq!(sums(&sets[1]), [("a".to_owned(), 10)]);
    }

    #[test]
    fn keys_without_end_take_memory_for_so_many_only() {
        let (set, counters) = (SummarySet::new(Detail::Basic), CounterSet::default());
        for key in 0..limits::MAX_METRIC_KEYS + 5 {
            set.add(&key.to_string(), 1);
            counters.add(&key.to_string(), 1);
        }
        assert_eq!(set.all().len(), limits::MAX_METRIC_KEYS + 1);
        assert!(sums(&set).contains(&(OTHERS.to_owned(), 5)));
        assert!(counters.all().contains(&(OTHERS.to_owned(), 5)));
        FOUND.with_borrow(|found| {
            assert_eq!(found[&set.number].by_key.len(), limits::MAX_METRIC_KEYS + 1);
        });
        set.add("0", 1);
        assert!(
            sums(&set).contains(&("0".to_owned(), 2)),
            "who is there stays"
        );
    }

    #[test]
    fn past_the_bound_a_thread_takes_the_lock_of_a_full_set_once() {
        use std::sync::mpsc::channel;
        let set = SummarySet::new(Detail::Basic);
        for key in 0..limits::MAX_METRIC_KEYS {
            set.add(&key.to_string(), 1);
        }
        let ((first, first_is_added), (hold, is_held), (done, is_done)) =
            (channel(), channel(), channel());
        std::thread::scope(|scope| {
            let set = &set;
            scope.spawn(move || {
                set.add("further", 1);
                first.send(()).expect("somebody waits");
                is_held.recv().expect("the lock is held");
                for key in ["further", "another", "0"] {
                    set.add(key, 1);
                }
                let _ = done.send(());
            });
            first_is_added.recv().expect("it is added");
            let held = set.by_key.lock();
            hold.send(()).expect("somebody waits");
            let outcome = is_done.recv_timeout(std::time::Duration::from_secs(20));
            drop(held);
            outcome.expect("all is added without the lock");
        });
        let sums = sums(&set);
        assert!(sums.contains(&(OTHERS.to_owned(), 3)), "{sums:?}");
        assert!(sums.contains(&("0".to_owned(), 2)), "{sums:?}");
    }
}
