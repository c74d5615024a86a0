//! What systemd is told: that the server is up, that it still works, that it stops (`sd_notify`). Without systemd, nobody hears it.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::oneshot;
use tokio::time::{interval, timeout};

use crate::replica::Input;
use crate::shared::{Server, Shared};

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

/// Whether the replica's thread comes to an input within that time. It comes to none while it reads its files again, which takes
/// as long as a start, and for that systemd waits too.
async fn is_alive(server: &Shared, wait: Duration) -> bool {
    if server.reloads.load(Relaxed) {
        return true;
    }
    let (asker, answer) = oneshot::channel();
    server.replica.push(Input::AreYouThere(asker));
    matches!(timeout(wait, answer).await, Ok(Ok(()))) || server.reloads.load(Relaxed)
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("cannot tell systemd: {error}");
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use datatree::DataTree;

    use super::*;
    use crate::config;
    use crate::serve::security::Security;
    use crate::serve::start::{shared, tree_options};

    const SOON: Duration = Duration::from_millis(50);
    const LATE: Duration = Duration::from_secs(60);

    #[test]
    fn only_a_replica_that_takes_its_inputs_or_reads_its_files_is_alive() {
        let config = config::load(&["1", "/nowhere"].map(OsString::from), &|_| None);
        let config = config.expect("a configuration");
        let tree = DataTree::new(tree_options(&config));
        let server = shared(config, Security::default(), tree, Box::new(|| [0, 0]), 1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        assert!(!runtime.block_on(is_alive(&server, SOON)));
        server.reloads.store(true, Relaxed);
        assert!(runtime.block_on(is_alive(&server, SOON)));
        server.reloads.store(false, Relaxed);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut inputs = Vec::new();
                // The first one is from before, and nobody waits for it.
                while inputs.len() < 2 {
                    server.replica.take(&mut inputs, Some(LATE));
                }
                let Some(Input::AreYouThere(asker)) = inputs.pop() else {
                    panic!("something else than a question");
                };
                asker.send(()).expect("somebody asks");
            });
            assert!(runtime.block_on(is_alive(&server, LATE)));
        });
    }
}
