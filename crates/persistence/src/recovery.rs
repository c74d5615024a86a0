//! From files to a state: newest snapshot that loads, then the log behind it
//! (`FileTxnSnapLog.restore`).
//!
//! Owns which files make the state, and what is put right on disk before it may be served. Must
//! not know what the state is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use proto::records::{Acl, StatPersisted};
use proto::txn::{TxnBody, TxnRecord};
use proto::{SessionId, Zxid};

use crate::log_reader::follows;
use crate::recent::Recent;
use crate::snapshot::TEMPORARY;
use crate::txn_log::HEADER_BYTES;
use crate::{
    DEFAULT_MAX_FIELD_BYTES, Dir, File, IoError, LogError, LogReader, LogRecord, Notice,
    RecentLimit, RecoveryError, SnapshotDigest, SnapshotError, SnapshotReader, SyncPoint, TornTail,
    find_snapshots, is_plausible_snapshot, parse_log_name, parse_snapshot_name,
};

/// So many of the newest snapshots are tried (`FileSnap.deserialize`).
const MAX_SNAPSHOTS_TRIED: usize = 100;

/// What a snapshot is read into and a log replayed on.
pub trait Restore {
    /// Why a node or txn was not taken.
    type Error: std::error::Error + Send + Sync + 'static;

    /// A session of the snapshot.
    fn session(&mut self, id: SessionId, timeout_ms: i32);

    /// An entry of the snapshot's ACL table.
    fn acl(&mut self, id: i64, acl: Vec<Acl<'static>>);

    /// A node of the snapshot. Parents come first; one whose parent is missing must be refused.
    fn node(
        &mut self,
        path: &str,
        data: Option<&[u8]>,
        acl_id: i64,
        stat: &StatPersisted,
    ) -> Result<(), Self::Error>;

    /// The snapshot is whole: its zxid, and its digest if it has one.
    fn loaded(&mut self, zxid: Zxid, digest: Option<SnapshotDigest>) -> Result<(), Self::Error>;

    /// A txn of the log, in zxid order. The snapshot may hold its effect already.
    fn txn(&mut self, record: &TxnRecord<'_>) -> Result<(), Self::Error>;
}

/// How to recover.
#[derive(Clone, Debug)]
pub struct RecoveryOptions {
    /// Longest record and field; see [`DEFAULT_MAX_FIELD_BYTES`].
    pub max_field_bytes: u32,
    /// Replay a log without any snapshot (`zookeeper.snapshot.trust.empty`).
    pub trust_empty_snapshot: bool,
    /// An empty directory is a new database, not a lost one (`zookeeper.db.autocreate`, or an
    /// `initialize` file).
    pub trust_empty_db: bool,
    /// How many of the last txns are handed out.
    pub recent: RecentLimit,
}

impl Default for RecoveryOptions {
    fn default() -> Self {
        RecoveryOptions {
            max_field_bytes: DEFAULT_MAX_FIELD_BYTES,
            trust_empty_snapshot: false,
            trust_empty_db: true,
            recent: RecentLimit::default(),
        }
    }
}

/// What the recovered state was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A snapshot, and the log behind it.
    Snapshot(Zxid),
    /// Nothing was there: a new database. A snapshot.0 must be durable before the first txn is
    /// logged, or the next start refuses a log without a snapshot.
    Empty,
    /// Nothing was there, and that is not to be trusted; the last zxid is −1.
    EmptyNotTrusted,
    /// The whole log, without a snapshot. One should be written.
    LogOnly,
}

/// A recovered state.
#[derive(Debug)]
pub struct Recovered<R> {
    /// The state.
    pub state: R,
    /// What it was made from.
    pub start: Start,
    /// The highest zxid of snapshot and log; 0 for a new database.
    pub last_zxid: Zxid,
    /// How long the snapshot took to read; those that were passed over count.
    pub snapshot_time: Duration,
    /// Txns replayed behind the snapshot.
    pub txns_replayed: u64,
    /// The last of them, with their records, none missing in between; see
    /// [`RecoveryOptions::recent`].
    pub recent: VecDeque<(Zxid, Bytes)>,
    /// In the order of what happened.
    pub notices: Vec<Notice>,
}

/// Makes a state from the files of the two directories (which may be one).
///
/// `new` makes an empty state: once for each snapshot that is tried, so that one that fails half
/// way leaves nothing behind. Before it returns, a torn end of the log is cut, and all that was
/// read is durable: a process that died may have left records that the power would take away
/// after they were served.
pub fn recover<D: Dir, R: Restore>(
    snap_dir: &D,
    log_dir: &D,
    options: &RecoveryOptions,
    new: impl FnMut() -> R,
) -> Result<Recovered<R>, RecoveryError> {
    let mut recovery = Recovery {
        snap_dir,
        log_dir,
        options,
        notices: Vec::new(),
        skipped: None,
        unseen: Vec::new(),
        recent: Recent::new(options.recent),
    };
    recovery.remove_temporaries()?;
    let recovered = recovery.restore(new)?;
    snap_dir
        .sync(SyncPoint::LoadedSnapshotName)
        .map_err(IoError::dir("fsync", snap_dir))?;
    Ok(recovered)
}

struct Recovery<'a, D> {
    snap_dir: &'a D,
    log_dir: &'a D,
    options: &'a RecoveryOptions,
    notices: Vec<Notice>,
    /// Why the newest snapshot was passed over, if it was.
    skipped: Option<String>,
    /// The last txns of the snapshots that were passed over and that no record has shown.
    unseen: Vec<Zxid>,
    recent: Recent,
}

impl<D: Dir> Recovery<'_, D> {
    fn restore<R: Restore>(
        mut self,
        mut new: impl FnMut() -> R,
    ) -> Result<Recovered<R>, RecoveryError> {
        let began = Instant::now();
        let loaded = self.load_snapshot(&mut new)?;
        let snapshot_time = began.elapsed();
        let (start, state) = match loaded {
            Some((zxid, state)) => (Start::Snapshot(zxid), state),
            None => (self.start_without_snapshot()?, new()),
        };
        let last_zxid = match start {
            Start::Snapshot(zxid) => zxid,
            Start::EmptyNotTrusted => Zxid(-1),
            Start::Empty | Start::LogOnly => Zxid::ZERO,
        };
        let mut recovered = Recovered {
            state,
            start,
            last_zxid,
            snapshot_time,
            txns_replayed: 0,
            recent: VecDeque::new(),
            notices: Vec::new(),
        };
        if matches!(recovered.start, Start::Snapshot(_) | Start::LogOnly) {
            self.replay(&mut recovered)?;
        }
        recovered.notices = self.notices;
        recovered.recent = self.recent.into_records();
        Ok(recovered)
    }

    fn remove_temporaries(&mut self) -> Result<(), IoError> {
        let dir = self.snap_dir;
        let names = dir.list().map_err(IoError::dir("list", dir))?;
        for file in names {
            let snapshot = file.strip_suffix(TEMPORARY).and_then(parse_snapshot_name);
            if snapshot.is_some() {
                dir.remove(&file)
                    .map_err(IoError::on("remove", dir, &file))?;
                self.notices.push(Notice::RemovedTemporary { file });
            }
        }
        Ok(())
    }

    /// The newest snapshot that loads; none if there is none that looks like one.
    fn load_snapshot<R: Restore>(
        &mut self,
        new: &mut impl FnMut() -> R,
    ) -> Result<Option<(Zxid, R)>, RecoveryError> {
        let mut tried = 0;
        for (zxid, name) in find_snapshots(self.snap_dir)? {
            match is_plausible_snapshot(self.snap_dir, &name) {
                Ok(true) => {}
                Ok(false) => {
                    self.skip(zxid, name, "it is not whole".to_owned());
                    continue;
                }
                Err(error) => {
                    self.skip(zxid, name, error.to_string());
                    continue;
                }
            }
            if tried == MAX_SNAPSHOTS_TRIED {
                break;
            }
            tried += 1;
            let mut state = new();
            match self.read_snapshot(zxid, &name, &mut state) {
                Ok(()) => return Ok(Some((zxid, state))),
                Err(error) => self.skip(zxid, name, error.to_string()),
            }
        }
        match &self.skipped {
            Some(newest) if tried > 0 => Err(RecoveryError::NoValidSnapshot {
                dir: self.snap_dir.path().to_owned(),
                newest: newest.clone(),
            }),
            _ => Ok(None),
        }
    }

    fn read_snapshot<R: Restore>(
        &self,
        zxid: Zxid,
        name: &str,
        state: &mut R,
    ) -> Result<(), SnapshotError> {
        let limit = self.options.max_field_bytes;
        let seals = SnapshotReader::open(self.snap_dir, name, limit)?.read(state)?;
        state
            .loaded(zxid, seals.digest)
            .map_err(|source| SnapshotError::Refused {
                file: self.snap_dir.path().join(name),
                offset: 0,
                source: Box::new(source),
            })
    }

    fn skip(&mut self, zxid: Zxid, file: String, reason: String) {
        self.unseen.push(zxid);
        self.skipped
            .get_or_insert_with(|| format!("{file}: {reason}"));
        self.notices.push(Notice::SkippedSnapshot { file, reason });
    }

    /// What no usable snapshot means. A broken snapshot.0 alone is what a first start leaves that
    /// died in it; a later one says that there was data.
    fn start_without_snapshot(&self) -> Result<Start, RecoveryError> {
        let names = self
            .log_dir
            .list()
            .map_err(IoError::dir("list", self.log_dir))?;
        if names.iter().any(|name| parse_log_name(name).is_some()) {
            if self.options.trust_empty_snapshot {
                return Ok(Start::LogOnly);
            }
            return Err(RecoveryError::LogWithoutSnapshot {
                snap_dir: self.snap_dir.path().to_owned(),
                log_dir: self.log_dir.path().to_owned(),
            });
        }
        let newest = find_snapshots(self.snap_dir)?.into_iter().next();
        if let (Some((zxid, _)), Some(reason)) = (newest, &self.skipped)
            && zxid > Zxid::ZERO
        {
            return Err(RecoveryError::NoValidSnapshot {
                dir: self.snap_dir.path().to_owned(),
                newest: reason.clone(),
            });
        }
        Ok(if self.options.trust_empty_db {
            Start::Empty
        } else {
            Start::EmptyNotTrusted
        })
    }

    fn replay<R: Restore>(&mut self, recovered: &mut Recovered<R>) -> Result<(), RecoveryError> {
        let from = recovered.last_zxid.next();
        let limit = self.options.max_field_bytes;
        let mut reader = LogReader::open(self.log_dir.clone(), from, limit)?;
        let mut files: Vec<Arc<str>> = Vec::new();
        while let Some(record) = reader.next_record()? {
            if files.last() != Some(&record.file) {
                self.check_gap(recovered.last_zxid, &record)?;
                files.push(record.file.clone());
            }
            self.unseen.retain(|zxid| *zxid != record.zxid);
            self.replay_one(recovered, &record)?;
        }
        self.check_reach(recovered)?;
        self.repair(reader.torn_tails(), &mut files)?;
        self.make_durable(&files)?;
        Ok(())
    }

    fn replay_one<R: Restore>(
        &mut self,
        recovered: &mut Recovered<R>,
        record: &LogRecord,
    ) -> Result<(), RecoveryError> {
        let path = self.log_dir.path().join(&*record.file);
        let txn = TxnRecord::decode(&record.bytes).map_err(|source| LogError::NotATxn {
            file: path.clone(),
            offset: record.offset,
            source,
        })?;
        // Apache logs a request that it cannot parse under the zxid before it: nothing is wrong.
        let repeats = matches!(txn.body, TxnBody::Error(_)) && record.zxid == recovered.last_zxid;
        if !repeats {
            self.check_order(recovered.last_zxid, record);
        }
        recovered
            .state
            .txn(&txn)
            .map_err(|source| RecoveryError::Replay {
                zxid: record.zxid,
                file: path,
                offset: record.offset,
                source: Box::new(source),
            })?;
        recovered.last_zxid = recovered.last_zxid.max(record.zxid);
        recovered.txns_replayed += 1;
        self.recent.push(record.zxid, &record.bytes);
        Ok(())
    }

    /// Said once for each file.
    fn check_order(&mut self, last: Zxid, record: &LogRecord) {
        let said = matches!(
            self.notices.last(),
            Some(Notice::OutOfOrder { file, .. }) if *file == record.file
        );
        if record.zxid <= last && !said {
            self.notices.push(Notice::OutOfOrder {
                file: record.file.clone(),
                offset: record.offset,
                zxid: record.zxid,
                last,
            });
        }
    }

    /// A file that does not begin where the one before it ended. Behind an older snapshot than
    /// the newest that may well be a log that was purged.
    fn check_gap(&mut self, last: Zxid, record: &LogRecord) -> Result<(), RecoveryError> {
        if record.zxid <= last || follows(last, record.zxid) {
            return Ok(());
        }
        if let Some(reason) = &self.skipped {
            return Err(RecoveryError::MissingLog {
                reason: reason.clone(),
                last,
                next: record.zxid,
                file: self.log_dir.path().join(&*record.file),
            });
        }
        self.notices.push(Notice::Gap {
            file: record.file.clone(),
            last,
            next: record.zxid,
        });
        Ok(())
    }

    /// Behind an older snapshot than the newest, the log must have what the newer one had. It has
    /// not where that came from a leader: what the log goes on with then belongs behind it alone.
    fn check_reach<R>(&self, recovered: &Recovered<R>) -> Result<(), RecoveryError> {
        let Start::Snapshot(loaded) = recovered.start else {
            return Ok(());
        };
        let missing = self.unseen.iter().find(|zxid| **zxid > loaded);
        match (missing, &self.skipped) {
            (Some(missing), Some(reason)) => Err(RecoveryError::LogBehindSnapshot {
                reason: reason.clone(),
                loaded,
                missing: *missing,
                dir: self.log_dir.path().to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Cuts what is torn at the end of the log, so that Apache, which refuses a wrong checksum
    /// anywhere, can start from these files too.
    fn repair(&mut self, torn: &[TornTail], files: &mut Vec<Arc<str>>) -> Result<(), IoError> {
        for tail in torn.iter().cloned() {
            if tail.followed {
                self.notices.push(Notice::LeftTail(tail));
                continue;
            }
            self.cut(&tail)?;
            if tail.offset >= HEADER_BYTES && !files.contains(&tail.file) {
                files.push(tail.file.clone());
            }
            self.notices.push(Notice::CutTail(tail));
        }
        Ok(())
    }

    fn cut(&self, tail: &TornTail) -> Result<(), IoError> {
        let (dir, name) = (self.log_dir, &*tail.file);
        if tail.offset < HEADER_BYTES {
            return dir.remove(name).map_err(IoError::on("remove", dir, name));
        }
        dir.open(name)
            .and_then(|file| file.set_len(tail.offset))
            .map_err(IoError::on("truncate", dir, name))
    }

    /// The newest file too where nothing of it was replayed: the process that died may have cut it.
    fn make_durable(&self, files: &[Arc<str>]) -> Result<(), IoError> {
        let dir = self.log_dir;
        let names = dir.list().map_err(IoError::dir("list", dir))?;
        let newest = names.iter().max_by_key(|name| parse_log_name(name));
        let newest = newest.filter(|name| parse_log_name(name).is_some());
        let replayed = files.iter().map(|name| &**name);
        let unread = newest.map(|name| &**name);
        let unread = unread.filter(|newest| replayed.clone().all(|name| name != *newest));
        for name in replayed.chain(unread) {
            dir.open(name)
                .and_then(|file| file.sync_data(SyncPoint::ReplayedLog))
                .map_err(IoError::on("fsync", dir, name))?;
        }
        dir.sync(SyncPoint::ReplayedLogNames)
            .map_err(IoError::dir("fsync", dir))
    }
}
