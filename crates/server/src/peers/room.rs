//! A bound on what was handed over and is not yet taken.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room for so much.
#[derive(Debug)]
pub(super) struct Room {
    free: Arc<Semaphore>,
    size: usize,
}

/// A part of the room for what was handed over, free again when this is dropped: when its owner has taken what came with it.
#[derive(Debug)]
pub struct Taken(#[expect(dead_code, reason = "held for its Drop")] OwnedSemaphorePermit);

impl Room {
    pub(super) fn new(size: usize) -> Self {
        Room {
            free: Arc::new(Semaphore::new(size)),
            size,
        }
    }

    /// Waits until so much is free. More than the whole room counts as all of it.
    pub(super) async fn take(&self, amount: usize) -> Taken {
        let amount = u32::try_from(amount.min(self.size)).expect("a room is smaller than 4 GiB");
        let permit = self.free.clone().acquire_many_owned(amount).await;
        Taken(permit.expect("never closed"))
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn what_is_more_than_the_room_waits_for_all_of_it() {
        let room = Arc::new(Room::new(10));
        let some = room.take(1).await;
        let waiting = room.clone();
        let all = tokio::spawn(async move { waiting.take(1000).await });
        yield_now().await;
        assert!(!all.is_finished());
        drop(some);
        let all = all.await.unwrap();
        assert_eq!(room.free.available_permits(), 0);
        drop(all);
        assert_eq!(room.free.available_permits(), 10);
    }
}
