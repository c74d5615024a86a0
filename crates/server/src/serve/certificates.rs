//! Certificates that change, or expire, under a running server.

use std::sync::Arc;
use std::time::Duration;

use listener::tls::{Expiry, Fingerprint, TlsError};
use tokio::time::{MissedTickBehavior, interval};

use crate::clock;

/// How often the files of the stores are looked at. They may be links that are moved (Kubernetes), so that watching a file
/// does not tell.
const PERIOD: Duration = Duration::from_secs(1);

/// How often operators are told what expires soon.
const WARNING_PERIOD: Duration = Duration::from_secs(24 * 3600);

const DAY_S: i64 = 24 * 3600;

/// What expires later than in so many days is not told.
const SOON_DAYS: i64 = 30;

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

    /// When their entries expire.
    fn expiries(&self) -> Arc<[Expiry]>;
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

/// Seconds until each entry of the stores expires, negative for one that has; with the file of the store and the name of the
/// entry. `now_s` is in seconds since 1970.
pub fn seconds_to_expiry(
    stores: &[Arc<dyn Stores>],
    now_s: i64,
) -> impl Iterator<Item = (Expiry, i64)> {
    let all = stores.iter().flat_map(|stores| stores.expiries().to_vec());
    all.map(move |expiry| {
        let left_s = expiry.at_s - now_s;
        (expiry, left_s)
    })
}

/// Warns of what expires soon, now and once a day.
pub async fn warn_of_expiry(stores: Vec<Arc<dyn Stores>>) {
    let mut clock = interval(WARNING_PERIOD);
    loop {
        clock.tick().await;
        for (expiry, left_s) in seconds_to_expiry(&stores, clock::wall_ms() / 1000) {
            if let Some(warning) = warning(&expiry, left_s) {
                tracing::warn!("{warning}");
            }
        }
    }
}

fn warning(expiry: &Expiry, left_s: i64) -> Option<String> {
    let (store, alias) = (expiry.store.display(), &expiry.alias);
    match left_s {
        ..0 => Some(format!(
            "{store}: the certificate {alias:?} has expired: replace it"
        )),
        left_s if left_s < SOON_DAYS * DAY_S => {
            let days = left_s / DAY_S;
            Some(format!(
                "{store}: the certificate {alias:?} expires in {days} days: replace it"
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_expires_within_30_days_is_told() {
        let expiry = Expiry {
            store: "/etc/zk.jks".into(),
            alias: "zk".to_owned(),
            at_s: 0,
        };
        assert_eq!(warning(&expiry, 30 * DAY_S), None);
        assert_eq!(
            warning(&expiry, 30 * DAY_S - 1).as_deref(),
            Some("/etc/zk.jks: the certificate \"zk\" expires in 29 days: replace it")
        );
        assert_eq!(
            warning(&expiry, -1).as_deref(),
            Some("/etc/zk.jks: the certificate \"zk\" has expired: replace it")
        );
    }
}
