//! A queue into a thread that takes all that waits at once.

use std::time::Duration;

use crate::sync::{Condvar, Mutex};

/// What waits for a thread. Bounded by what may be outstanding of each sender.
#[derive(Debug)]
pub struct Inbox<T> {
    waiting: Mutex<Vec<T>>,
    arrived: Condvar,
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Inbox {
            waiting: Mutex::new(Vec::new()),
            arrived: Condvar::new(),
        }
    }
}

impl<T> Inbox<T> {
    /// Adds one; wakes the thread if it had nothing.
    pub fn push(&self, item: T) {
        let mut waiting = self.waiting.lock();
        waiting.push(item);
        if waiting.len() == 1 {
            self.arrived.notify_one();
        }
    }

    /// Adds some, in their order, and leaves `items` empty.
    pub fn push_all(&self, items: &mut Vec<T>) {
        if items.is_empty() {
            return;
        }
        let mut waiting = self.waiting.lock();
        let had_nothing = waiting.is_empty();
        waiting.append(items);
        if had_nothing {
            self.arrived.notify_one();
        }
    }

    /// Moves all that waits to `taken`, which is empty; waits for something, but not longer than
    /// `patience` where there is one.
    pub fn take(&self, taken: &mut Vec<T>, patience: Option<Duration>) {
        let mut waiting = self.waiting.lock();
        if waiting.is_empty() {
            match patience {
                Some(patience) => drop(self.arrived.wait_for(&mut waiting, patience)),
                None => self.arrived.wait(&mut waiting),
            }
        }
        std::mem::swap(&mut *waiting, taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_waits_comes_at_once_and_in_order() {
        let inbox = Inbox::default();
        inbox.push(1);
        inbox.push(2);
        let mut taken = Vec::new();
        inbox.take(&mut taken, None);
        assert_eq!(taken, [1, 2]);
    }

    #[test]
    fn what_comes_together_wakes_once_and_stays_in_order() {
        let inbox = Inbox::default();
        inbox.push(1);
        inbox.push_all(&mut vec![2, 3]);
        inbox.push_all(&mut Vec::new());
        let mut taken = Vec::new();
        inbox.take(&mut taken, None);
        assert_eq!(taken, [1, 2, 3]);
    }

    #[test]
    fn patience_ends() {
        let inbox = Inbox::<u8>::default();
        let mut taken = Vec::new();
        inbox.take(&mut taken, Some(Duration::ZERO));
        assert!(taken.is_empty());
    }

    #[test]
    fn a_waiting_thread_is_woken() {
        let inbox = Inbox::default();
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| {
                let mut taken = Vec::new();
                while taken.is_empty() {
                    inbox.take(&mut taken, None);
                }
                taken
            });
            inbox.push(7);
            assert_eq!(taker.join().unwrap(), [7]);
        });
    }
}
