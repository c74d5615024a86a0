//! One process of a server: the driver around the real parts, without threads and sockets.
//!
//! Owns what a role means for tree and sessions, and what a leader does for its learners. Must not know when anything happens,
//! nor what the checks make of it: it leaves notes.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use database::TreeReceiver;
use datatree::DataTree;
use persistence::{DEFAULT_MAX_FIELD_BYTES, Received};
use processor::{Identities, Owner, Prepared, Requester, SessionTable, WriteRequest};
use proto::records::CreateSessionTxn;
use proto::{Decode, Epoch, OpCode, SessionId, Sid, Zxid};
use quorum::election::{Notification, PeerState};
use quorum::packet::Forwarded;
use quorum::{Input, LinkId};

use super::connections::Connections;
use super::frame::{ConnectionId, ToClient};
use super::settings::{ServerSettings, TICK_MS};
use super::steps::Situation;
use crate::SimDisk;
use crate::member::{Failure, Member};
use crate::server::tree_options;

/// 2023, where the clocks begin.
const WALL_MS: i64 = 1_700_000_000_000;

/// What the checks hear of.
#[derive(Clone, Debug)]
pub enum Note {
    /// A client was heard here.
    Heard(SessionId, i32),
    /// A leader has heard of a session.
    Reached(SessionId, i32),
    /// A leader has not, for too long.
    Expired(SessionId),
    /// A leader made a txn.
    Proposed(Zxid, Bytes),
    /// A txn went into the tree, which has this digest then.
    Applied(Zxid, Bytes, i64),
}

/// What comes of something that a process did.
#[derive(Debug, Default)]
pub struct Effects {
    /// For the peer, in order.
    pub inputs: VecDeque<Input>,
    /// For clients, in order.
    pub to_clients: Vec<(ConnectionId, ToClient)>,
    /// For the checks.
    pub notes: Vec<Note>,
}

/// A snapshot on its way here.
struct Receiving {
    link: LinkId,
    zxid: Zxid,
    receiver: TreeReceiver,
}

/// What ends with the process.
pub struct Process {
    /// Peer, processor, tree and files.
    pub member: Member,
    /// Its clients.
    pub clients: Connections,
    /// The peer's.
    pub state: PeerState,
    /// Since clients may come.
    pub serving: Option<(PeerState, Epoch)>,
    /// The newest vote for each other server.
    pub votes: BTreeMap<Sid, Notification>,
    /// When a timer is set.
    pub timer_ms: Option<u64>,
    /// Which role it is, counted: what was begun for an older one is void.
    pub role: u64,
    /// From SNAP to the tree being in use.
    pub is_in_snap: bool,
    acked_new_leader: bool,
    receiving: Option<Receiving>,
    received: Option<DataTree>,
    me: Sid,
    log_range_bytes: u64,
}

impl Process {
    /// Starts on a disk.
    pub fn start(settings: &ServerSettings, disk: &SimDisk) -> Result<Self, Failure> {
        let peer = settings.peer.clone();
        let me = peer.me;
        let member = Member::start(peer, disk, settings.layout, settings.log.clone())?;
        Ok(Process {
            member,
            clients: Connections::default(),
            state: PeerState::Looking,
            serving: None,
            votes: BTreeMap::new(),
            timer_ms: None,
            role: 0,
            is_in_snap: false,
            acked_new_leader: false,
            receiving: None,
            received: None,
            me,
            log_range_bytes: settings.log_range_bytes,
        })
    }

    /// Whether it leads, or tries to.
    pub fn leads(&self) -> bool {
        self.state == PeerState::Leading
    }

    /// Whether it leads, and clients may come.
    pub fn serves_as_leader(&self) -> bool {
        self.serving.is_some() && self.leads()
    }

    /// What it is in the middle of.
    pub fn situation(&self) -> Situation {
        Situation {
            leads: self.leads(),
            serves: self.serving.is_some(),
            acked_new_leader: self.acked_new_leader,
        }
    }

    /// Another role begins.
    pub fn become_state(&mut self, state: PeerState) {
        self.state = state;
        self.role += 1;
        self.is_in_snap = false;
        self.acked_new_leader = false;
        self.receiving = None;
    }

    /// NEWLEADER's ack has left.
    pub fn new_leader_acked(&mut self) {
        self.acked_new_leader = true;
    }

    /// SNAP came: the stream is next.
    pub fn begin_receiving(&mut self, link: LinkId, zxid: Zxid) {
        self.is_in_snap = true;
        self.receiving = Some(Receiving {
            link,
            zxid,
            receiver: TreeReceiver::new(tree_options(), DEFAULT_MAX_FIELD_BYTES),
        });
    }

    /// A piece of the stream came; whether it was the last.
    pub fn receive(&mut self, link: LinkId, piece: &[u8]) -> Option<Input> {
        let receiving = self.receiving.as_mut().filter(|now| now.link == link)?;
        let received = receiving.receiver.receive(piece);
        if received.expect("the leader's own bytes") == Received::More {
            return None;
        }
        let Receiving { zxid, receiver, .. } = self.receiving.take()?;
        self.received = Some(receiver.into_tree(zxid).expect("it is whole"));
        Some(Input::SnapshotReceived(link))
    }

    /// The tree of the snapshot that came last.
    pub fn take_received(&mut self) -> Option<DataTree> {
        self.received.take()
    }

    /// What the log has for a learner.
    pub fn read_log(&self, link: LinkId, after: Zxid, up_to: Zxid) -> Result<Input, Failure> {
        let log = self.member.read_log(after, up_to, self.log_range_bytes)?;
        Ok(Input::LogRead { link, log })
    }

    /// Clients may come. Each session has a full timeout.
    pub fn serve(&mut self, now_ms: i64, state: PeerState, epoch: Epoch) {
        self.serving = Some((state, epoch));
        let sessions = self.sessions_of_tree(now_ms);
        match state {
            PeerState::Leading => self.member.lead(epoch, sessions),
            _ => self.member.processor.sessions = sessions,
        }
    }

    /// The sessions that the tree knows; nobody has touched one yet.
    fn sessions_of_tree(&self, now_ms: i64) -> SessionTable {
        let first = processor::initial_session_id(self.me.0, WALL_MS + now_ms);
        let mut table = SessionTable::new(first, TICK_MS as i64);
        let sessions: BTreeMap<_, _> = self.member.tree().sessions().iter().collect();
        for (&session, &timeout_ms) in sessions {
            table.track(session, timeout_ms, now_ms);
        }
        table.take_touched();
        table
    }

    /// Every client is disconnected, and all that waits for them forgotten.
    pub fn stop_serving(&mut self, effects: &mut Effects) {
        self.serving = None;
        self.clients.close_all(effects);
    }

    /// The sessions that were heard of since this was last asked.
    pub fn take_touched(&mut self) -> Vec<(SessionId, i32)> {
        let mut touched = self.member.processor.sessions.take_touched();
        touched.sort_unstable();
        touched
    }

    /// When a leader looks for sessions that have ended.
    pub fn expiry_ms(&self) -> Option<u64> {
        let sessions = &self.member.processor.sessions;
        let due = sessions
            .next_deadline_ms()
            .filter(|_| self.serves_as_leader())?;
        Some(due.unsigned_abs())
    }

    /// A leader closes the sessions that nobody was heard of.
    pub fn expire(&mut self, now_ms: i64, effects: &mut Effects) {
        if !self.serves_as_leader() {
            return;
        }
        for session in self.member.processor.sessions.expire(now_ms) {
            effects.notes.push(Note::Expired(session));
            let (processor, tree) = self.member.making();
            let closed = processor.prepare_close_session(tree, session, 0, WALL_MS + now_ms);
            self.propose(closed, effects);
        }
    }

    /// Makes a txn of a request. None where it is refused without one.
    pub fn prepare(
        &mut self,
        now_ms: i64,
        who: Requester<'_>,
        op: OpCode,
        body: &[u8],
    ) -> Prepared {
        let request = WriteRequest { who, op, body };
        let (processor, tree) = self.member.making();
        processor.prepare(tree, &request, WALL_MS + now_ms)
    }

    /// Begins a session whose id is known; its requests come through `owner`.
    pub fn create_session(
        &mut self,
        now_ms: i64,
        session: SessionId,
        timeout_ms: i32,
        owner: Owner,
        effects: &mut Effects,
    ) -> Zxid {
        let (processor, tree) = self.member.making();
        processor.sessions.track(session, timeout_ms, now_ms);
        processor.sessions.set_owner(session, owner);
        let time = WALL_MS + now_ms;
        let created = processor.prepare_create_session(tree, (session, 0), timeout_ms, time);
        effects.notes.push(Note::Reached(session, timeout_ms));
        self.propose(created, effects).expect("a txn")
    }

    /// Hands a txn to the peer; its number, if it is one.
    pub fn propose(&mut self, prepared: Prepared, effects: &mut Effects) -> Option<Zxid> {
        let Prepared::Txn { zxid, record } = prepared else {
            return None;
        };
        effects.notes.push(Note::Proposed(zxid, record.clone()));
        effects.inputs.push_back(Input::Propose { zxid, record });
        Some(zxid)
    }

    /// A learner's client wants a write, or a sync.
    pub fn forwarded(
        &mut self,
        now_ms: i64,
        link: LinkId,
        request: &Forwarded,
        effects: &mut Effects,
    ) {
        let Forwarded {
            session, cxid, op, ..
        } = *request;
        match op {
            OpCode::SYNC => effects.inputs.push_back(Input::Sync(link)),
            OpCode::CREATE_SESSION => {
                let body = CreateSessionTxn::decode(&mut proto::Input::new(&request.body));
                let timeout_ms = body.expect("a learner's own bytes").time_out;
                self.create_session(now_ms, session, timeout_ms, owner(link), effects);
            }
            _ => {
                let who = Requester {
                    session,
                    cxid,
                    owner: owner(link),
                    identities: &Identities::default().with(request.identities.clone()),
                };
                let prepared = self.prepare(now_ms, who, op, &request.body);
                self.propose(prepared, effects)
                    .expect("a learner refuses what is malformed");
            }
        }
    }

    /// A learner's client has come with a session: it is the link's, if it is alive.
    pub fn revalidate(
        &mut self,
        now_ms: i64,
        link: LinkId,
        (session, timeout_ms): (SessionId, i32),
        effects: &mut Effects,
    ) {
        let sessions = &mut self.member.processor.sessions;
        let valid = sessions.reopen(session, timeout_ms, now_ms).is_some();
        if valid {
            sessions.set_owner(session, owner(link));
            effects.notes.push(Note::Reached(session, timeout_ms));
        }
        effects.inputs.push_back(Input::Revalidated {
            link,
            session,
            valid,
        });
    }

    /// A learner has heard of sessions.
    pub fn touched(&mut self, now_ms: i64, sessions: &[(SessionId, i32)]) {
        for (session, timeout_ms) in sessions {
            let table = &mut self.member.processor.sessions;
            table.reopen(*session, *timeout_ms, now_ms);
        }
    }
}

/// A link that is made anew is another owner.
fn owner(link: LinkId) -> Owner {
    assert!(Owner(link.0) != Owner::HERE, "links are counted from 1");
    Owner(link.0)
}
