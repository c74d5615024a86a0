//! Certificates that change under a running server.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::connection::secure::Tls;

/// How often the files of the stores are looked at. They may be links that are moved (Kubernetes), so that watching a file
/// does not tell.
const PERIOD: Duration = Duration::from_secs(1);

/// Reads the stores again whenever their files have changed.
pub async fn watch(tls: Arc<Tls>) {
    let mut clock = interval(PERIOD);
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut seen = tls.context().fingerprint();
    loop {
        clock.tick().await;
        let now = tls.context().fingerprint();
        if now != seen {
            seen = now;
            reload(&tls);
        }
    }
}

/// Reads the stores again, and says how that went.
pub fn reload(tls: &Tls) {
    // Files are read and passwords stretched meanwhile: no other task waits for that.
    match tokio::task::block_in_place(|| tls.context().reload()) {
        Ok(()) => tracing::info!("certificates read again"),
        Err(error) => tracing::error!("certificates stay as they were: {error}"),
    }
}
