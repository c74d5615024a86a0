//! A standalone server on one thread: the real processor, tree, log and snapshots, without
//! sockets, threads and clocks.
//!
//! Owns the order of the steps, which is the server's own: a txn is prepared against the tree and
//! what is outstanding, appended, made durable with its batch, and applied.

use std::error::Error;

use bytes::Bytes;
use database::{SealRules, TreeRestore, TreeSnapshot};
use datatree::{DataTree, Options, OwnerRules};
use persistence::{
    Compression, IoError, LogError, RecoveryOptions, Start, TxnLog, TxnLogOptions, recover,
};
use processor::{
    Identities, Owner, Prepared, Processor, Requester, Rules, SessionTable, WriteRequest,
    initial_session_id,
};
use proto::txn::TxnRecord;
use proto::{OpCode, SessionId, Zxid};

use crate::{SimDir, SimDisk};

/// Where snapshots and logs are: two directories of a disk, or one.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// dataDir.
    pub snapshots: &'static str,
    /// dataLogDir.
    pub logs: &'static str,
}

/// A write that somebody asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The session, 0 for the server itself.
    pub session: SessionId,
    /// Who the connection has proved to be.
    pub identities: Identities,
    /// For what.
    pub op: OpCode,
    /// Behind the header.
    pub body: Bytes,
}

/// What happens to a server.
#[derive(Clone, Debug)]
pub enum Event {
    /// A client wants a session with this timeout in ms.
    Connect(i32),
    /// Nobody has touched the session.
    Expire(SessionId),
    /// A client wants a change.
    Write(Request),
}

/// All flags that change what a tree may hold are on.
pub fn tree_options() -> Options {
    Options {
        digest: true,
        owners: OwnerRules {
            extended_types: true,
            emulate_353: false,
        },
    }
}

/// All sessions of a tree, each with a full timeout.
pub fn sessions_of(tree: &DataTree) -> SessionTable {
    const TICK_MS: i64 = 2000;
    let first_id = initial_session_id(1, tree.last_zxid().0);
    let mut sessions = SessionTable::new(first_id, TICK_MS);
    for (&session, &timeout_ms) in tree.sessions() {
        sessions.track(session, timeout_ms, 0);
    }
    sessions
}

/// The processor that goes on with `tree`.
pub fn processor_for(tree: &DataTree) -> Processor {
    Processor::new(Rules::default(), sessions_of(tree), tree.last_zxid())
}

/// Makes a txn of an event.
pub fn prepare(processor: &mut Processor, tree: &DataTree, event: &Event) -> Prepared {
    let time = 1_700_000_000_000 + processor.last_zxid().0;
    match event {
        Event::Connect(timeout_ms) => {
            let session = processor.sessions.create(*timeout_ms, 0);
            processor.prepare_create_session(tree, (session, 0), *timeout_ms, time)
        }
        Event::Expire(session) => processor.prepare_close_session(tree, *session, 0, time),
        Event::Write(request) => {
            let who = Requester {
                session: request.session,
                cxid: 7,
                owner: Owner::HERE,
                identities: &request.identities,
            };
            let (op, body) = (request.op, &request.body[..]);
            processor.prepare(tree, &WriteRequest { who, op, body }, time)
        }
    }
}

/// Applies a txn of our own to the tree, and tells the processor.
pub fn apply(processor: &mut Processor, tree: &mut DataTree, zxid: Zxid, record: &[u8]) {
    let record = TxnRecord::decode(record).expect("our own record can be read");
    tree.apply(&record, &mut |_| {});
    processor.outstanding.applied(zxid);
    if record.header.r#type == OpCode::CLOSE_SESSION {
        processor.sessions.remove(record.header.client_id);
    }
}

/// The server.
pub struct SimServer {
    snapshots: SimDir,
    logs: SimDir,
    tree: DataTree,
    processor: Processor,
    log: TxnLog<SimDir>,
    /// Appended and not yet durable.
    batch: Vec<(Zxid, Bytes)>,
    snapshot: Option<TreeSnapshot<SimDir>>,
}

/// A snapshot's form follows from its zxid, so that each has its turn.
pub(crate) fn compression(zxid: Zxid) -> Compression {
    let forms = [Compression::None, Compression::Gzip, Compression::Snappy];
    forms[zxid.0 as usize % forms.len()]
}

pub(crate) const SEALS: SealRules = SealRules {
    digest: true,
    last_zxid: true,
};

/// Makes a tree of what a disk holds.
pub fn recover_tree(disk: &SimDisk, layout: Layout) -> Result<(DataTree, Start), Box<dyn Error>> {
    let (snapshots, logs) = (disk.dir(layout.snapshots), disk.dir(layout.logs));
    let new = || TreeRestore::new(tree_options());
    let recovered = recover(&snapshots, &logs, &RecoveryOptions::default(), new)?;
    let mut tree = recovered.state.into_tree();
    if tree.digest_mismatches() > 0 {
        return Err("a digest does not fit the recovered tree".into());
    }
    if tree.last_zxid() != recovered.last_zxid {
        let (is, told) = (tree.last_zxid(), recovered.last_zxid);
        return Err(format!("the recovered tree is at {is}, not {told}").into());
    }
    let dead = tree.end_dead_sessions();
    if !dead.is_empty() {
        return Err(format!("ephemeral znodes of sessions that are gone: {dead:?}").into());
    }
    Ok((tree, recovered.start))
}

impl SimServer {
    /// Starts on a disk: recovers, and gives a new database its first snapshot.
    pub fn start(
        disk: &SimDisk,
        layout: Layout,
        log: TxnLogOptions,
    ) -> Result<Self, Box<dyn Error>> {
        let (tree, start) = recover_tree(disk, layout)?;
        let logs = disk.dir(layout.logs);
        let mut server = SimServer {
            snapshots: disk.dir(layout.snapshots),
            logs: logs.clone(),
            processor: processor_for(&tree),
            tree,
            log: TxnLog::new(logs, log),
            batch: Vec::new(),
            snapshot: None,
        };
        if start == Start::Empty {
            server.begin_snapshot(usize::MAX)?;
            while server.continue_snapshot(usize::MAX)?.is_none() {}
        }
        Ok(server)
    }

    /// The tree: all that is applied.
    pub fn tree(&self) -> &DataTree {
        &self.tree
    }

    /// The sessions of clients that may still ask for something.
    pub fn sessions(&self) -> Vec<SessionId> {
        let all = self.tree.sessions().keys().copied();
        let mut open: Vec<_> = all
            .filter(|id| self.processor.sessions.is_alive(*id))
            .collect();
        open.sort_unstable();
        open
    }

    /// Makes a txn of an event and appends it; the txn, unless it was refused without one.
    pub fn submit(&mut self, event: &Event) -> Result<Option<(Zxid, Bytes)>, LogError> {
        match prepare(&mut self.processor, &self.tree, event) {
            Prepared::Refused(_) => Ok(None),
            Prepared::Txn { zxid, record } => {
                self.log.append(zxid, &record)?;
                self.batch.push((zxid, record.clone()));
                Ok(Some((zxid, record)))
            }
        }
    }

    /// Makes durable what was appended, and applies it: from here on it is acknowledged.
    pub fn commit(&mut self) -> Result<(), LogError> {
        self.make_durable()?;
        self.apply_batch();
        Ok(())
    }

    /// Makes durable what was appended, and leaves the tree: what a learner has acknowledged to
    /// its leader and the leader has not committed.
    pub fn make_durable(&mut self) -> Result<(), LogError> {
        self.log.commit().map(drop)
    }

    fn apply_batch(&mut self) {
        for (zxid, record) in self.batch.drain(..) {
            apply(&mut self.processor, &mut self.tree, zxid, &record);
        }
    }

    /// Later txns go to a new file.
    pub fn roll(&mut self) -> Result<(), LogError> {
        self.log.roll()
    }

    /// Is a snapshot being written?
    pub fn is_writing_snapshot(&self) -> bool {
        self.snapshot.is_some()
    }

    /// Begins a snapshot of the tree as it is applied by now.
    pub fn begin_snapshot(&mut self, max_image_bytes: usize) -> Result<(), IoError> {
        let (head, cursor) = self.tree.begin_snapshot(max_image_bytes);
        let form = compression(head.zxid);
        match TreeSnapshot::begin(self.snapshots.clone(), &head, cursor, form) {
            Ok(snapshot) => self.snapshot = Some(snapshot),
            Err(error) => {
                self.tree.end_snapshot();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Reads and writes up to `budget` znodes of the snapshot, and ends it when there are no more:
    /// then returns the last zxid that it shows anything of.
    pub fn continue_snapshot(&mut self, budget: usize) -> Result<Option<Zxid>, IoError> {
        let Some(mut snapshot) = self.snapshot.take() else {
            return Ok(None);
        };
        let more = snapshot.read_slice(&self.tree, budget);
        let written = snapshot.write_slice();
        if more && written.is_ok() {
            self.snapshot = Some(snapshot);
            return Ok(None);
        }
        let tail = self.tree.end_snapshot();
        written?;
        snapshot.finish(tail, SEALS)?;
        Ok(Some(tail.last_zxid))
    }

    /// Drops a snapshot that is being written.
    pub fn abandon_snapshot(&mut self) {
        if self.snapshot.take().is_some() {
            self.tree.end_snapshot();
        }
    }

    /// Removes old files.
    pub fn purge(&self, keep: usize) -> Result<(), IoError> {
        persistence::purge(&self.snapshots, &self.logs, keep).map(drop)
    }

    /// Cuts the log behind `zxid`. Where the tree shows what was cut, the server has to start
    /// again.
    pub fn truncate(&mut self, zxid: Zxid) -> Result<Zxid, LogError> {
        let limit = persistence::DEFAULT_MAX_FIELD_BYTES;
        self.log.truncate(zxid, limit)
    }

    /// Cuts what is durable but not applied behind `zxid`, applies the rest, and goes on from
    /// there.
    pub fn truncate_tail(&mut self, zxid: Zxid) -> Result<(), LogError> {
        self.truncate(zxid)?;
        self.batch.retain(|(appended, _)| *appended <= zxid);
        self.apply_batch();
        self.processor = processor_for(&self.tree);
        Ok(())
    }
}
