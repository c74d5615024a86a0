//! Tasks that end with their owner.

use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinSet};

use crate::sync::Mutex;

/// A set of tasks on the runtime in which it was made; it can be added to from any thread.
#[derive(Debug)]
pub(super) struct Tasks {
    runtime: Handle,
    running: Mutex<Option<JoinSet<()>>>,
}

/// Ends its task when it is dropped.
#[derive(Debug)]
pub(super) struct EndOnDrop(AbortHandle);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Tasks {
    /// None so far.
    ///
    /// # Panics
    /// Outside a runtime.
    pub(super) fn new() -> Self {
        Tasks {
            runtime: Handle::current(),
            running: Mutex::new(Some(JoinSet::new())),
        }
    }

    /// Starts one; it ends on its own, with the guard, or with the set. After the end of the set none is started.
    pub(super) fn spawn(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Option<EndOnDrop> {
        let mut running = self.running.lock();
        let tasks = running.as_mut()?;
        while tasks.try_join_next().is_some() {}
        Some(EndOnDrop(tasks.spawn_on(work, &self.runtime)))
    }

    /// As [`Tasks::spawn`], for one that needs no guard.
    pub(super) fn spawn_free(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.running.lock();
        if let Some(tasks) = running.as_mut() {
            while tasks.try_join_next().is_some() {}
            tasks.spawn_on(work, &self.runtime);
        }
    }

    /// Ends all.
    pub(super) fn end(&self) {
        self.running.lock().take();
    }

    /// Ends all, and waits until their sockets are closed.
    pub(super) async fn ended(&self) {
        let running = self.running.lock().take();
        if let Some(mut tasks) = running {
            tasks.shutdown().await;
        }
    }
}
