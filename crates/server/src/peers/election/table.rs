//! Which connection to which server stays, and what it is to send: decisions without a socket.
//!
//! Of two servers the one with the larger sid keeps the connection that it has made; the other knocks: it connects, says
//! who it is, and is connected back to. Apache: `QuorumCnxManager.handleConnection`, `startConnection`, `toSend`,
//! `connectOne`, `SendWorker`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use proto::Sid;
use tokio::sync::Notify;

use super::super::PeerAddress;
use super::super::tasks::EndOnDrop;
use super::hello::Hello;
use crate::limits::MAX_ELECTION_STRANGERS;

/// What an observer without a number calls itself. Apache: `QuorumPeer.OBSERVER_ID`.
const NAMELESS: Sid = Sid(i64::MAX);

/// A connection that is used; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct OpenLink {
    /// Rises with each connection, in the order in which they were made.
    pub serial: u64,
    /// There is something to send.
    pub wake: Arc<Notify>,
    /// Reads and writes.
    pub _task: Option<EndOnDrop>,
}

/// What is to be done so that a message leaves.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Nothing: there is a connection, one is being made, or there is nothing to send.
    Clear,
    /// Connect to one of these.
    Connect(Vec<PeerAddress>),
    /// The server is in no server line.
    Unknown,
}

/// What becomes of a connection that another server made.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is used.
    Keep(Sid),
    /// It is closed, and this side connects to one of these, unless it does so already.
    ConnectBack(Sid, Vec<PeerAddress>),
    /// It is closed, and nobody has said where the server can be connected to.
    Unreachable(Sid),
    /// It is closed: it says that it is this server.
    Own,
    /// It is closed: the other server has made a newer one meanwhile.
    Old,
    /// It is closed: too many are open to servers that are in no server line.
    Crowded,
}

#[derive(Debug, Default)]
struct Peer {
    /// None: it is in no server line.
    configured: Option<Vec<PeerAddress>>,
    pending: Option<Bytes>,
    last_sent: Option<Bytes>,
    link: Option<OpenLink>,
    connecting: Option<EndOnDrop>,
    /// That it cannot be connected to is known and said, until it can.
    unreachable: bool,
}

/// All servers that there is something to say to, or a connection with.
#[derive(Debug)]
pub(super) struct Table {
    me: Sid,
    peers: HashMap<Sid, Peer>,
    /// The next number for an observer that has none.
    next_nameless: i64,
}

impl Table {
    pub(super) fn new(me: Sid, configured: &BTreeMap<Sid, Vec<PeerAddress>>) -> Self {
        let peer = |addresses: &Vec<PeerAddress>| Peer {
            configured: Some(addresses.clone()),
            ..Peer::default()
        };
        let others = configured.iter().filter(|(sid, _)| **sid != me);
        Table {
            me,
            peers: others
                .map(|(sid, addresses)| (*sid, peer(addresses)))
                .collect(),
            next_nameless: -1,
        }
    }

    /// A message, in place of what has not left yet.
    pub(super) fn queue(&mut self, sid: Sid, message: Bytes) -> Way {
        let Some(peer) = self.peers.get_mut(&sid) else {
            return Way::Unknown;
        };
        peer.pending = Some(message);
        if let Some(link) = &peer.link {
            link.wake.notify_one();
        }
        self.way(sid)
    }

    /// How what is pending for a server can leave.
    fn way(&self, sid: Sid) -> Way {
        match self.peers.get(&sid) {
            None => Way::Unknown,
            Some(peer) if peer.pending.is_none() || peer.link.is_some() => Way::Clear,
            Some(peer) if peer.connecting.is_some() => Way::Clear,
            Some(peer) => match &peer.configured {
                Some(addresses) => Way::Connect(addresses.clone()),
                None => Way::Unknown,
            },
        }
    }

    /// Another server has connected and said who it is. `serial` is that of the connection.
    pub(super) fn hello(&mut self, hello: Hello, serial: u64) -> Verdict {
        let Hello { mut sid, addresses } = hello;
        if sid == NAMELESS {
            sid = Sid(self.next_nameless);
            self.next_nameless -= 1;
        }
        if sid == self.me {
            return Verdict::Own;
        }
        if !self.peers.contains_key(&sid) && self.strangers() >= MAX_ELECTION_STRANGERS {
            return Verdict::Crowded;
        }
        let peer = self.peers.entry(sid).or_default();
        if peer.link.as_ref().is_some_and(|link| link.serial > serial) {
            return Verdict::Old;
        }
        if sid > self.me {
            return Verdict::Keep(sid);
        }
        peer.link = None; // the other side has lost it
        let configured = peer.configured.iter().flatten();
        let back: Vec<PeerAddress> = addresses.iter().chain(configured).cloned().collect();
        if back.is_empty() {
            self.forget_stranger(sid);
            return Verdict::Unreachable(sid);
        }
        Verdict::ConnectBack(sid, back)
    }

    fn strangers(&self) -> usize {
        let strangers = self.peers.values().filter(|peer| peer.configured.is_none());
        strangers.count()
    }

    /// Whether this server keeps connections that it makes to that one.
    pub(super) fn keeps_own(&self, sid: Sid) -> bool {
        sid < self.me
    }

    /// Notes that a connection to a server is being made, by what `connect` starts; not where that is so already.
    pub(super) fn connecting(&mut self, sid: Sid, connect: impl FnOnce() -> Option<EndOnDrop>) {
        if let Some(peer) = self.peers.get_mut(&sid)
            && peer.connecting.is_none()
        {
            peer.connecting = connect();
        }
    }

    /// The connection was made and given up again: the other side connects back.
    pub(super) fn knocked(&mut self, sid: Sid) {
        if let Some(peer) = self.peers.get_mut(&sid) {
            peer.connecting = None;
        }
        self.forget_stranger(sid);
    }

    /// The connection could not be made. True where this is news.
    pub(super) fn not_connected(&mut self, sid: Sid) -> bool {
        let known = self
            .peers
            .get_mut(&sid)
            .map(|peer| std::mem::replace(&mut peer.unreachable, true));
        self.knocked(sid);
        !known.unwrap_or_default()
    }

    /// A connection is used from now on; one before it ends, and an attempt at one too.
    pub(super) fn open(&mut self, sid: Sid, link: OpenLink) {
        let peer = self.peers.entry(sid).or_default();
        peer.link = Some(link);
        peer.connecting = None;
        peer.unreachable = false;
    }

    /// A connection has ended by itself.
    pub(super) fn ended(&mut self, sid: Sid, serial: u64) -> Way {
        let Some(peer) = self.peers.get_mut(&sid) else {
            return Way::Clear;
        };
        if peer.link.as_ref().is_none_or(|link| link.serial != serial) {
            return Way::Clear; // another has taken its place
        }
        peer.link = None;
        self.forget_stranger(sid);
        match self.peers.contains_key(&sid) {
            true => self.way(sid),
            false => Way::Clear,
        }
    }

    fn forget_stranger(&mut self, sid: Sid) {
        let idle = |peer: &Peer| {
            peer.configured.is_none() && peer.link.is_none() && peer.connecting.is_none()
        };
        if self.peers.get(&sid).is_some_and(idle) {
            self.peers.remove(&sid);
        }
    }

    /// What a new connection sends first: the last message may have been lost with the connection before, unless there is a
    /// newer one.
    pub(super) fn first_message(&mut self, sid: Sid) -> Option<Bytes> {
        let pending = self.next_message(sid);
        let peer = self.peers.get(&sid)?;
        pending.or_else(|| peer.last_sent.clone())
    }

    /// Takes what is pending.
    pub(super) fn next_message(&mut self, sid: Sid) -> Option<Bytes> {
        let peer = self.peers.get_mut(&sid)?;
        let message = peer.pending.take()?;
        peer.last_sent = Some(message.clone());
        Some(message)
    }

    /// The serials of the connections in use, by server.
    #[cfg(test)]
    pub(super) fn links(&self) -> BTreeMap<Sid, u64> {
        let linked = |(sid, peer): (&Sid, &Peer)| Some((*sid, peer.link.as_ref()?.serial));
        self.peers.iter().filter_map(linked).collect()
    }
}

#[cfg(test)]
mod tests;
