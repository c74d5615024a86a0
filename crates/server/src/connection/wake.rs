//! Waking a connection's task, at once or when a batch is through.
//!
//! A batch of txns answers many requests of one client. Woken at the first answer, its task would
//! send that one alone, on another core, while the next ones are being queued.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::AcqRel};

use tokio::sync::Notify;

thread_local! {
    /// Who is to be woken when this thread's batch is through; none outside of a batch.
    static PUT_OFF: RefCell<Option<Vec<Wake>>> = const { RefCell::new(None) };
}

/// Wakes one task.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Bell>);

#[derive(Debug, Default)]
struct Bell {
    notify: Notify,
    /// Stands in some thread's list already.
    put_off: AtomicBool,
}

impl Wake {
    /// Wakes the task: now, or at the end of the batch that this thread is in.
    pub fn wake(&self) {
        PUT_OFF.with_borrow_mut(|waiting| match waiting {
            None => self.0.notify.notify_one(),
            Some(waiting) if !self.0.put_off.swap(true, AcqRel) => waiting.push(self.clone()),
            Some(_) => {}
        });
    }

    /// Waits to be woken; once for all wakes that came before.
    pub async fn woken(&self) {
        self.0.notify.notified().await;
    }

    fn ring(&self) {
        self.0
            .put_off
            .store(false, std::sync::atomic::Ordering::Release);
        self.0.notify.notify_one();
    }
}

/// A batch: wakes by this thread are put off until its value is dropped, and then done once for each
/// task.
pub struct WakeBatch(());

impl WakeBatch {
    /// Begins a batch. There is one at a time in a thread.
    pub fn begin() -> Self {
        PUT_OFF.set(Some(Vec::new()));
        WakeBatch(())
    }
}

impl Drop for WakeBatch {
    fn drop(&mut self) {
        for wake in PUT_OFF.take().unwrap_or_default() {
            wake.ring();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn is_woken(wake: &Wake) -> bool {
        let woken = pin!(wake.woken());
        woken.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn a_batch_puts_wakes_off_to_its_end() {
        let wakes = [Wake::default(), Wake::default()];
        let batch = WakeBatch::begin();
        for wake in [&wakes[0], &wakes[1], &wakes[0]] {
            wake.wake();
            assert!(!is_woken(wake));
        }
        drop(batch);
        for wake in &wakes {
            assert!(is_woken(wake));
            assert!(!is_woken(wake), "once for all");
        }
    }

    #[test]
    fn a_second_batch_wakes_again() {
        let wake = Wake::default();
        for _ in 0..2 {
            let batch = WakeBatch::begin();
            wake.wake();
            drop(batch);
            assert!(is_woken(&wake));
        }
        wake.wake();
        assert!(is_woken(&wake), "outside of a batch at once");
    }

    #[test]
    fn another_thread_is_not_held_up_by_a_batch() {
        let wake = Wake::default();
        let batch = WakeBatch::begin();
        wake.wake();
        std::thread::scope(|scope| scope.spawn(|| wake.wake()).join().unwrap());
        assert!(is_woken(&wake));
        drop(batch);
        assert!(is_woken(&wake));
    }
}
