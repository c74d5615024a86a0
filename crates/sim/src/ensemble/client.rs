//! A client: its session, what it asks, and what it makes of the answers.
//!
//! Owns what one client knows. Whatever it hears is held against what it knows and against the history.

use std::collections::VecDeque;

use bytes::Bytes;
use proto::records::{ExistsRequest, SyncRequest};
use proto::txn::owned;
use proto::{ErrorCode, OpCode, SessionId, Sid, Zxid};
use rand::Rng;
use rand::rngs::SmallRng;

use super::asks::{bytes_of, create, delete, multi, path, set_data, set_watches};
use super::checks::{Answered, Checks, Watch};
use super::counts::Counts;
use super::frame::{ConnectionId, Pipe, ToClient, ToServer, Who};

const PING_XID: i32 = -2;
const SET_WATCHES_XID: i32 = -8;
/// Requests that wait for their answers.
const MOST_ASKED: usize = 6;

/// A client's connection.
#[derive(Debug)]
pub struct ClientLink {
    /// Whose.
    pub client: usize,
    /// To which process.
    pub server: Who,
    /// What the client has said.
    pub to_server: Pipe<ToServer>,
    /// What it is told.
    pub to_client: Pipe<ToClient>,
}

/// A request that waits for its answer.
#[derive(Debug)]
struct Asked {
    xid: i32,
    op: OpCode,
    path: String,
    watch: bool,
    /// The newest txn that any client was told of when this was asked.
    newest: Zxid,
}

/// What a client does next.
#[derive(Debug)]
pub enum Turn {
    Nothing,
    /// It goes to some server, with this frame.
    Connect(ToServer),
    Say(Vec<ToServer>),
    /// It closes its connection.
    Leave,
}

/// One client.
#[derive(Debug)]
pub struct Client {
    /// Open, or about to be.
    pub connection: Option<ConnectionId>,
    /// Where it went last.
    server: Option<Sid>,
    is_connected: bool,
    session: SessionId,
    timeout_ms: i32,
    last_zxid: Zxid,
    next_xid: i32,
    asked: VecDeque<Asked>,
    watches: Vec<Watch>,
    is_closing: bool,
    heard_ms: u64,
    said_ms: u64,
    away_until_ms: u64,
}

impl Client {
    pub fn new(random: &mut SmallRng) -> Self {
        Client {
            connection: None,
            server: None,
            is_connected: false,
            session: SessionId::NONE,
            timeout_ms: random.random_range(600..3000),
            last_zxid: Zxid::ZERO,
            next_xid: 1,
            asked: VecDeque::new(),
            watches: Vec::new(),
            is_closing: false,
            heard_ms: 0,
            said_ms: 0,
            away_until_ms: 0,
        }
    }

    /// Its session, if it has one.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Begins a connection to a server; whether that is another one than before, for the same session.
    pub fn goes_to(&mut self, connection: ConnectionId, server: Sid) -> bool {
        self.connection = Some(connection);
        let before = self.server.replace(server);
        self.session != SessionId::NONE && before.is_some_and(|before| before != server)
    }

    /// Decides what to do.
    pub fn turn(
        &mut self,
        now_ms: u64,
        is_quiet: bool,
        newest: Zxid,
        random: &mut SmallRng,
    ) -> Turn {
        let timeout_ms = u64::from(self.timeout_ms.unsigned_abs());
        if self.connection.is_none() {
            return match now_ms >= self.away_until_ms {
                true => self.connect(now_ms),
                false => Turn::Nothing,
            };
        }
        let silent_ms = now_ms - self.heard_ms.max(self.said_ms.min(now_ms));
        let waits = !self.is_connected || !self.asked.is_empty();
        if waits && now_ms - self.heard_ms > timeout_ms * 2 / 3 {
            return Turn::Leave;
        }
        if !self.is_connected {
            return Turn::Nothing;
        }
        if !is_quiet {
            match random.random_range(0..250) {
                0..=4 => return Turn::Leave,
                // It is gone without a word, and somebody else comes.
                5 => {
                    self.begin_anew();
                    return Turn::Leave;
                }
                6..=8 if !self.is_closing => {
                    self.is_closing = true;
                    let close = self.ask(
                        now_ms,
                        OpCode::CLOSE_SESSION,
                        "",
                        false,
                        newest,
                        Bytes::new(),
                    );
                    return Turn::Say(vec![close]);
                }
                _ => {}
            }
            let asks = random.random_range(0..3) == 0;
            if asks && self.asked.len() < MOST_ASKED && !self.is_closing {
                let count = random.random_range(1..=3);
                let requests = (0..count).map(|_| self.request(now_ms, newest, random));
                return Turn::Say(requests.collect());
            }
        }
        match silent_ms > timeout_ms / 4 && self.asked.is_empty() {
            true => Turn::Say(vec![self.ping(now_ms)]),
            false => Turn::Nothing,
        }
    }

    fn connect(&mut self, now_ms: u64) -> Turn {
        (self.heard_ms, self.said_ms) = (now_ms, now_ms);
        Turn::Connect(ToServer::Connect {
            session: self.session,
            timeout_ms: self.timeout_ms,
            last_zxid: self.last_zxid,
        })
    }

    /// The connection is gone; what was asked there has an unknown end.
    pub fn disconnected(&mut self, now_ms: u64, away_ms: u64) {
        self.connection = None;
        self.is_connected = false;
        self.asked.clear();
        // Whoever has closed a session does not come back with it: nobody asks whose it is when it is closed.
        if self.is_closing {
            self.begin_anew();
        }
        self.away_until_ms = now_ms + away_ms;
    }

    /// Another client, with another session.
    fn begin_anew(&mut self) {
        self.session = SessionId::NONE;
        self.last_zxid = Zxid::ZERO;
        self.next_xid = 1;
        self.is_closing = false;
        self.asked.clear();
        self.watches.clear();
    }

    fn ask(
        &mut self,
        now_ms: u64,
        op: OpCode,
        path: &str,
        watch: bool,
        newest: Zxid,
        body: Bytes,
    ) -> ToServer {
        let xid = match op {
            OpCode::PING => PING_XID,
            OpCode::SET_WATCHES2 => SET_WATCHES_XID,
            _ => {
                self.next_xid += 1;
                self.next_xid - 1
            }
        };
        self.said_ms = now_ms;
        if self.asked.is_empty() {
            self.heard_ms = now_ms; // from now on an answer is due
        }
        let path = path.to_owned();
        self.asked.push_back(Asked {
            xid,
            op,
            path,
            watch,
            newest,
        });
        ToServer::Request { xid, op, body }
    }

    fn ping(&mut self, now_ms: u64) -> ToServer {
        self.ask(now_ms, OpCode::PING, "", false, Zxid::ZERO, Bytes::new())
    }

    fn request(&mut self, now_ms: u64, newest: Zxid, random: &mut SmallRng) -> ToServer {
        let path = path(random);
        let watch = random.random();
        let (op, body) = match random.random_range(0..20) {
            0..=5 => create(&path, self.data(), random),
            6..=8 => (OpCode::SET_DATA, set_data(&path, self.data())),
            9 | 10 => (OpCode::DELETE, delete(&path)),
            11 => (OpCode::MULTI, multi(&path, self.data(), random)),
            12 => (OpCode::SYNC, bytes_of(&SyncRequest { path: owned(&path) })),
            other => {
                let ops = [OpCode::EXISTS, OpCode::GET_DATA, OpCode::GET_CHILDREN2];
                let path = owned(&path);
                (ops[other % 3], bytes_of(&ExistsRequest { path, watch }))
            }
        };
        self.ask(now_ms, op, &path, watch, newest, body)
    }

    /// A write of what nobody else writes, wherever it goes.
    pub fn last_write(&mut self, now_ms: u64) -> Option<ToServer> {
        if !self.is_connected {
            return None;
        }
        let body = set_data("/", self.data());
        Some(self.ask(now_ms, OpCode::SET_DATA, "/", false, Zxid::ZERO, body))
    }

    fn data(&self) -> [u8; 12] {
        let mut data = [0; 12];
        data[..8].copy_from_slice(&self.session.0.to_be_bytes());
        data[8..].copy_from_slice(&self.next_xid.to_be_bytes());
        data
    }

    /// Is told something; returns what it says to that.
    pub fn hear(
        &mut self,
        now_ms: u64,
        frame: ToClient,
        checks: &mut Checks,
        counts: &mut Counts,
    ) -> Option<ToServer> {
        self.heard_ms = now_ms;
        match frame {
            ToClient::Connected {
                session,
                timeout_ms,
            } => return self.connected(now_ms, session, timeout_ms),
            ToClient::Expired(epoch) => {
                checks.history.is_ending(self.session, epoch);
                self.begin_anew();
            }
            ToClient::Event { zxid, kind, path } => {
                counts.events += 1;
                let fired = checks.history.fired(&self.watches, zxid, kind, &path);
                self.watches.retain(|watch| !fired.contains(watch));
            }
            ToClient::Reply {
                xid,
                zxid,
                err,
                body,
            } => self.reply(xid, zxid, (err, &body), checks, counts),
            ToClient::Closed => {}
        }
        None
    }

    fn connected(&mut self, now_ms: u64, session: SessionId, timeout_ms: i32) -> Option<ToServer> {
        assert!(
            self.session == SessionId::NONE || self.session == session,
            "another session"
        );
        (self.session, self.timeout_ms, self.is_connected) = (session, timeout_ms, true);
        if self.watches.is_empty() {
            return None;
        }
        let body = set_watches(self.last_zxid, &self.watches);
        Some(self.ask(now_ms, OpCode::SET_WATCHES2, "", false, Zxid::ZERO, body))
    }

    fn reply(
        &mut self,
        xid: i32,
        zxid: Zxid,
        result: (ErrorCode, &[u8]),
        checks: &mut Checks,
        counts: &mut Counts,
    ) {
        counts.replies += 1;
        let asked = self.asked.pop_front();
        let asked = asked.filter(|asked| asked.xid == xid);
        let asked =
            asked.unwrap_or_else(|| panic!("an answer to {xid}, which is not next: {self:?}"));
        assert!(zxid >= self.last_zxid, "{self:?} goes back to {zxid}");
        self.last_zxid = zxid;
        let answered = Answered {
            session: self.session,
            xid,
            op: asked.op,
            path: &asked.path,
            zxid,
            err: result.0,
            body: result.1,
        };
        checks.answered(&answered, asked.newest, counts);
        if asked.op == OpCode::SET_WATCHES2 {
            // What came and went is not told.
            self.watches
                .iter_mut()
                .for_each(|watch| watch.was_set_again(zxid));
        }
        checks.history.no_event_is_missing(&self.watches, zxid);
        if asked.watch
            && let Some(watch) = Watch::left_by(asked.op, &asked.path, zxid, result.0)
        {
            self.watches.retain(|old| !old.is_same(&watch));
            self.watches.push(watch);
        }
        if asked.op == OpCode::CLOSE_SESSION && result.0 == ErrorCode::OK {
            counts.closed_sessions += 1;
            self.begin_anew();
        }
    }
}
