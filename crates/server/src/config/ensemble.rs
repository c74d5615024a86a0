//! Owns what a server knows of the ensemble that it is a member of.
//!
//! Must not know how the lines of a file become servers (`members`), nor the connections between them.

use std::path::Path;

use proto::Sid;
use quorum::election::Resends;
use quorum::packet::LearnerKind;
use quorum::verifier::{QuorumVerifier, Quorums};
use quorum::{CommittedLogLimits, Settings, Waits};

use super::error::ConfigError;
use super::keys::{READ_ONLY, RECONFIG};
use super::members::{Members, ServerLine, myid_error, read_myid};
use super::peers::PeerSettings;
use super::reader::Reader;

/// A server's place in its ensemble, and how the members deal with each other.
#[derive(Debug, Clone)]
pub struct Ensemble {
    /// The own number, from `dataDir/myid`.
    pub me: Sid,
    /// An observer where the own server line says so.
    pub kind: LearnerKind,
    /// All servers, in the order of their numbers. The own one is among them.
    pub servers: Vec<ServerLine>,
    /// When enough voters agree.
    pub verifier: QuorumVerifier,
    /// The configuration as `/zookeeper/config` holds it, and NEWLEADER and notifications carry it (Apache:
    /// `QuorumMaj.toString`, `QuorumHierarchical.toString`).
    pub text: String,
    /// The configuration's version.
    pub version: i64,
    /// Ticks that a learner has to connect and synchronise; at least 1.
    pub init_limit_ticks: u32,
    /// Ticks that a learner may lag behind; at least 1.
    pub sync_limit_ticks: u32,
    /// The connections.
    pub peers: PeerSettings,
    /// What is kept in memory for learners that lag.
    pub committed_log: CommittedLogLimits,
    /// A learner gets txns of the log on disk where they are smaller than this share of the newest snapshot; negative: never.
    /// Default 0.33.
    pub snapshot_size_factor: f64,
    /// A leader measures the ACKs of txns whose zxid is a multiple of this; 0: of none. Default 1000.
    pub ack_logging_frequency: u32,
    /// The waits of elections; each at least 1 ms.
    pub resends: Resends,
    /// The waits of roles; default 200 ms before an observer's election.
    pub waits: Waits,
    /// A leader sends a snapshot to each learner; default false.
    pub force_snapshot_sync: bool,
    /// A leader serves clients; default true.
    pub leader_serves: bool,
    /// New sessions are known to the server only that their clients came to; default false.
    pub local_sessions: bool,
    /// A local session becomes global where its client creates an ephemeral znode, which is refused else; default false.
    pub upgrades_local_sessions: bool,
    /// What a client has no right to is refused before it is sent to the leader; default false.
    pub eager_acl_check: bool,
}

/// What of the server itself counts in an ensemble.
pub(super) struct Own<'a> {
    /// The configuration file.
    pub place: &'a str,
    pub data_dir: &'a Path,
    pub tick_time_ms: u32,
    pub extended_types_enabled: bool,
}

impl Ensemble {
    /// The ensemble of these members.
    ///
    /// # Errors
    /// What Apache refuses, and features that work on a standalone server only.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        members: &Members,
        own: &Own<'_>,
    ) -> Result<Self, ConfigError> {
        refuse_standalone_features(reader)?;
        let me = own_number(members, own)?;
        let kind = own_kind(reader, members, me)?;
        let init_limit_ticks = ticks(reader, "initLimit", own.place)?;
        let sync_limit_ticks = ticks(reader, "syncLimit", own.place)?;
        let peers =
            PeerSettings::read(reader, own.tick_time_ms, init_limit_ticks, sync_limit_ticks)?;
        Ok(Ensemble {
            me: Sid(me),
            kind,
            servers: members.servers(),
            verifier: members.verifier(),
            text: members.text(),
            version: members.version,
            init_limit_ticks,
            sync_limit_ticks,
            peers,
            committed_log: committed_log(reader),
            snapshot_size_factor: snapshot_size_factor(reader),
            ack_logging_frequency: reader.at_least("zookeeper.leader.ackLoggingFrequency", 0, 1000),
            resends: resends(reader),
            waits: waits(reader),
            force_snapshot_sync: reader.flag("zookeeper.forceSnapshotSync", false),
            leader_serves: !reader.is_exactly("zookeeper.leaderServes", "no", "yes"),
            local_sessions: reader.key_bool("localSessionsEnabled", false)?,
            upgrades_local_sessions: reader.key_bool("localSessionsUpgradingEnabled", false)?,
            eager_acl_check: reader.flag("zookeeper.enableEagerACLCheck", false),
        })
    }

    /// What the quorum's core has to know.
    pub fn settings(&self, tick_time_ms: u32) -> Settings {
        Settings {
            me: self.me,
            kind: self.kind,
            quorums: Quorums::of(self.verifier.clone()),
            config: self.text.clone().into(),
            config_version: self.version,
            tick_time_ms: tick_time_ms.into(),
            init_limit: self.init_limit_ticks.into(),
            sync_limit: self.sync_limit_ticks.into(),
            committed_log: self.committed_log,
            force_snapshot: self.force_snapshot_sync,
            resends: self.resends,
            waits: self.waits,
        }
    }

    /// The server line of this number.
    pub fn line_of(&self, sid: Sid) -> Option<&ServerLine> {
        self.servers.iter().find(|line| line.sid == sid.0)
    }
}

/// The own number, which a server line has to have.
fn own_number(members: &Members, own: &Own<'_>) -> Result<i64, ConfigError> {
    // `read_myid` finds one, or fails.
    let me = read_myid(own.data_dir, true)?.unwrap_or_default();
    let refuse = |reason: String| myid_error(own.data_dir, std::io::Error::other(reason));
    if members.line(me).is_none() {
        return Err(refuse(format!("no server line has the number {me}")));
    }
    if own.extended_types_enabled && me > LARGEST_WITH_TTL_NODES {
        return Err(refuse(format!(
            "{me} is past {LARGEST_WITH_TTL_NODES}, which extendedTypesEnabled does not allow"
        )));
    }
    Ok(me)
}

/// The first byte of a session id is the server's number, and ff there means a TTL node's owner (Apache:
/// `EphemeralType.validateServerId`).
const LARGEST_WITH_TTL_NODES: i64 = 0xfe;

/// The server line says what the server is; peerType should not say otherwise.
fn own_kind(
    reader: &mut Reader<'_>,
    members: &Members,
    me: i64,
) -> Result<LearnerKind, ConfigError> {
    let is_voting = members.line(me).is_some_and(|(.., line)| line.voting);
    let (kind, word) = match is_voting {
        true => (LearnerKind::Follower, "participant"),
        false => (LearnerKind::Observer, "observer"),
    };
    if let Some(setting) = reader.key("peerType")
        && !setting.value.eq_ignore_ascii_case(word)
    {
        let reason = format!("counts as {word}, as server.{me} says");
        reader.say("peerType", setting, &reason);
    }
    Ok(kind)
}

/// What works on a standalone server, and not yet in an ensemble.
fn refuse_standalone_features(reader: &mut Reader<'_>) -> Result<(), ConfigError> {
    if reader.key_bool("reconfigEnabled", false)?
        && let Some(setting) = reader.key("reconfigEnabled")
    {
        return Err(ConfigError::not_built(
            "reconfigEnabled",
            setting,
            &RECONFIG,
        ));
    }
    const READ_ONLY_MODE: &str = "readonlymode.enabled";
    match reader.property(READ_ONLY_MODE) {
        Some(setting) if setting.value.eq_ignore_ascii_case("true") => {
            Err(ConfigError::not_built(READ_ONLY_MODE, setting, &READ_ONLY))
        }
        _ => Ok(()),
    }
}

/// Ticks that must be set; Apache takes 0 for unset, and fails later on a negative number.
fn ticks(reader: &mut Reader<'_>, key: &'static str, place: &str) -> Result<u32, ConfigError> {
    match (reader.key_int(key)?, reader.key(key)) {
        (Some(ticks @ 1..), _) => Ok(ticks.unsigned_abs()),
        (_, Some(setting)) => Err(ConfigError::invalid(
            key,
            setting,
            "is not positive",
            "set a number of ticks",
        )),
        _ => Err(ConfigError::Missing {
            place: place.to_owned(),
            key,
            advice: format!("an ensemble needs it; add a line such as {key}=10"),
        }),
    }
}

/// At least Apache's default; their bytes are bounded too.
fn committed_log(reader: &mut Reader<'_>) -> CommittedLogLimits {
    const NAME: &str = "zookeeper.commitLogCount";
    let limits = CommittedLogLimits::default();
    let least = i32::try_from(limits.txns).unwrap_or(i32::MAX);
    let txns = reader.number(NAME, |text| text.parse().ok(), least);
    if let Some(setting) = reader.property(NAME).filter(|_| txns < least) {
        reader.say(NAME, setting, &format!("is too few; {least} are kept"));
    }
    let txns = usize::try_from(txns.max(least)).unwrap_or(limits.txns);
    CommittedLogLimits { txns, ..limits }
}

/// Apache would send votes without a pause where they are not positive.
fn resends(reader: &mut Reader<'_>) -> Resends {
    let mut ms = |name, default| u64::from(reader.at_least(name, 1, default));
    Resends {
        first_ms: ms("zookeeper.fastleader.minNotificationInterval", 200),
        longest_ms: ms("zookeeper.fastleader.maxNotificationInterval", 60_000),
    }
}

/// `Observer` and `Leader`: less than 0 is no wait, and no bound on it.
fn waits(reader: &mut Reader<'_>) -> Waits {
    const FOR_EPOCH: &str = "zookeeper.leader.maxTimeToWaitForEpoch";
    let for_epoch_ms: i32 = reader.number(FOR_EPOCH, |text| text.parse().ok(), -1);
    let mut ms = |name, default: i64| {
        let set = reader.number(name, |text| text.parse().ok(), default);
        u64::try_from(set).unwrap_or(0)
    };
    Waits {
        before_election_ms: ms("zookeeper.observer.election.DelayMs", 200),
        before_connecting_ms: ms("zookeeper.observer.reconnectDelayMs", 0),
        for_epoch_ms: for_epoch_ms.try_into().ok(),
    }
}

/// Apache takes a share past 1 for a slip (`ZKDatabase`).
fn snapshot_size_factor(reader: &mut Reader<'_>) -> f64 {
    const NAME: &str = "zookeeper.snapshotSizeFactor";
    const DEFAULT: f64 = 0.33;
    let parse = |text: &str| text.trim().parse().ok().filter(|share| *share <= 1.0);
    reader.number(NAME, parse, DEFAULT)
}

#[cfg(test)]
mod tests;
