//! Owns the settings of the connections between servers, which a standalone server does not have.
//!
//! Must not know the connections. Apache: `QuorumPeerConfig`, `QuorumCnxManager`, `Learner`, `Leader`.

use super::error::ConfigError;
use super::reader::Reader;
use super::tls::PeerTls;

/// How the servers of an ensemble are connected to each other.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerSettings {
    /// ms that a learner has to connect and synchronise (`initLimit` ticks).
    pub init_limit_ms: u32,
    /// ms that a learner may lag behind (`syncLimit` ticks).
    pub sync_limit_ms: u32,
    /// ms that a learner tries to connect to its leader (`connectToLearnerMasterLimit` ticks); default `init_limit_ms`.
    pub connect_to_leader_ms: u32,
    /// ms between two such attempts; default 100.
    pub leader_connect_delay_ms: u32,
    /// Listen for other servers on all addresses; default false.
    pub listen_on_all_ips: bool,
    /// Attempts to listen for elections, a second apart; 0: no limit. Default 3.
    pub election_port_bind_retry: u32,
    /// ms to connect for elections; default 5000.
    pub cnx_timeout_ms: u32,
    /// ms to say who one is on an election connection; default `sync_limit_ms`.
    pub quorum_cnxn_timeout_ms: u32,
    /// TCP keepalive on election connections; default false.
    pub tcp_keep_alive: bool,
    /// TCP_NODELAY at the leader; default true.
    pub leader_no_delay: bool,
    /// TCP_NODELAY at learners; default true.
    pub follower_no_delay: bool,
    /// TLS; none where no connection has it, the default.
    pub tls: Option<PeerTls>,
}

impl PeerSettings {
    /// Reads them; the limits are in ticks.
    ///
    /// # Errors
    /// A number that cannot be.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        tick_time_ms: u32,
        init_limit: u32,
        sync_limit: u32,
    ) -> Result<Self, ConfigError> {
        let ms = |ticks: u32| tick_time_ms.saturating_mul(ticks);
        let connect_limit = ticks_or_zero(reader, "connectToLearnerMasterLimit")?;
        let handshake = reader.integer("zookeeper.quorumCnxnTimeoutMs", -1);
        Ok(PeerSettings {
            init_limit_ms: ms(init_limit),
            sync_limit_ms: ms(sync_limit),
            connect_to_leader_ms: ms(connect_limit.unwrap_or(init_limit)),
            leader_connect_delay_ms: reader.at_least(
                "zookeeper.leaderConnectDelayDuringRetryMs",
                0,
                100,
            ),
            listen_on_all_ips: reader.key_bool("quorumListenOnAllIPs", false)?,
            election_port_bind_retry: bind_retry(reader),
            cnx_timeout_ms: cnx_timeout(reader)?,
            quorum_cnxn_timeout_ms: match u32::try_from(handshake) {
                Ok(set @ 1..) => set,
                _ => ms(sync_limit),
            },
            tcp_keep_alive: reader.flag("zookeeper.tcpKeepAlive", false),
            leader_no_delay: no_delay(reader, "leader.nodelay"),
            follower_no_delay: no_delay(reader, "follower.nodelay"),
            tls: PeerTls::read(reader)?,
        })
    }
}

/// Ticks, where all that are not positive mean unset.
fn ticks_or_zero(reader: &mut Reader<'_>, key: &str) -> Result<Option<u32>, ConfigError> {
    let ticks = reader.key_int(key)?.unwrap_or(0);
    Ok(u32::try_from(ticks).ok().filter(|ticks| *ticks > 0))
}

/// A negative number counts as unset.
fn bind_retry(reader: &mut Reader<'_>) -> u32 {
    const NAME: &str = "zookeeper.electionPortBindRetry";
    const DEFAULT: i32 = 3;
    let tries = reader.integer(NAME, DEFAULT);
    if let Some(setting) = reader.property(NAME).filter(|_| tries < 0) {
        reader.say(NAME, setting, "is negative; 3 is used");
    }
    u32::try_from(tries).unwrap_or(DEFAULT.unsigned_abs())
}

/// Apache ends when it is no number, and cannot connect when it is negative; 0 leaves the time to the system.
fn cnx_timeout(reader: &mut Reader<'_>) -> Result<u32, ConfigError> {
    const NAME: &str = "zookeeper.cnxTimeout";
    let Some(setting) = reader.property(NAME) else {
        return Ok(5000);
    };
    setting
        .value
        .parse::<i32>()
        .ok()
        .and_then(|ms| u32::try_from(ms).ok())
        .ok_or_else(|| {
            let reason = "is no number of milliseconds";
            ConfigError::invalid(
                NAME,
                setting,
                reason,
                "set one such as 5000, or 0 for no limit",
            )
        })
}

/// On unless set to anything but exactly `true`.
fn no_delay(reader: &mut Reader<'_>, name: &str) -> bool {
    reader.property(name).is_none() || reader.is_exactly(name, "true", "false")
}

#[cfg(test)]
mod tests;
