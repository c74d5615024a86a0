//! What systemd is told: that the server is up, that it still works, that it stops (`sd_notify`). Without systemd, nobody hears it.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::oneshot;
use tokio::time::{interval, timeout};

use crate::replica::Input;
use crate::shared::Server;

/// Ports are open. A member of an ensemble may not have found its leader yet: the others may wait for this one to be up.
pub fn tell_ready(place: &str) {
    tell(&[
        NotifyState::Ready,
        NotifyState::Status(&format!("listens on {place}")),
    ]);
}

/// Clients are let go.
pub fn tell_stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Where a watchdog waits (`WatchdogSec`), it hears of the server in time for as long as the replica answers. Never returns.
pub async fn feed_watchdog(server: Server) {
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut clock = interval(patience / 3);
    loop {
        clock.tick().await;
        if is_alive(&server, patience / 3).await {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!(
                "the replica's thread has not answered for {:?}",
                patience / 3
            );
        }
    }
}

/// Whether the replica's thread comes to an input within that time.
async fn is_alive(server: &Server, wait: Duration) -> bool {
    let (asker, answer) = oneshot::channel();
    server.replica.push(Input::AreYouThere(asker));
    matches!(timeout(wait, answer).await, Ok(Ok(())))
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("cannot tell systemd: {error}");
    }
}
