//! Certificates that change under a running server.

use std::sync::Arc;
use std::time::Duration;

use listener::tls::{Fingerprint, TlsError};
use tokio::time::{MissedTickBehavior, interval};

/// How often the files of the stores are looked at. They may be links that are moved (Kubernetes), so that watching a file
/// does not tell.
const PERIOD: Duration = Duration::from_secs(1);

/// Key and trust stores that a running server uses.
pub trait Stores: Send + Sync {
    /// Are they to be read again when their files change?
    fn reloads(&self) -> bool;

    /// What the files are; another one after a change.
    fn fingerprint(&self) -> Vec<Fingerprint>;

    /// Reads them again. When one cannot be used, all stays as it was.
    ///
    /// # Errors
    /// One cannot be used.
    fn reload(&self) -> Result<(), TlsError>;
}

/// Reads the stores again whenever their files have changed.
pub async fn watch(stores: Arc<dyn Stores>) {
    let mut clock = interval(PERIOD);
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut seen = stores.fingerprint();
    loop {
        clock.tick().await;
        let now = stores.fingerprint();
        if now != seen {
            seen = now;
            reload(&*stores);
        }
    }
}

/// Reads the stores again, and says how that went.
pub fn reload(stores: &dyn Stores) {
    // Files are read and passwords stretched meanwhile: no other task waits for that.
    match tokio::task::block_in_place(|| stores.reload()) {
        Ok(()) => tracing::info!("certificates read again"),
        Err(error) => tracing::error!("certificates stay as they were: {error}"),
    }
}
