//! The connections between a leader and its learners: packets both ways, and a snapshot in between.
//!
//! Owns these sockets and what waits on them. Must not know what a packet asks for, nor when one may come: how long nothing
//! may come is the roles' to judge, too. Apache: `Leader.LearnerCnxAcceptor`, `LearnerHandler`, `Learner`.
//!
//! `acceptor` opens a leader's port, `connector` connects to a leader; both make a `link`, on which `reader` takes bytes off
//! the socket for `intake` to cut, and `writer` empties a `queue`. `side` says what differs between the two ends.

mod acceptor;
mod connector;
mod intake;
mod link;
mod outgoing;
mod queue;
mod reader;
mod side;
mod snapshot;
mod stream;
mod writer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quorum::LinkId;
use quorum::packet::{BadFrame, BadPacket};

use super::{NoConnection, Taken};

pub use acceptor::{AcceptorSettings, LearnerAcceptor};
pub use connector::{ConnectorSettings, LeaderConnector};
pub use link::Link;
pub use queue::Pushed;
pub use side::{AtLeader, AtLearner, Side};
pub use snapshot::{BadSnapshot, Fed, SnapshotSink};
pub use stream::{LinkGone, StreamSource};

/// Between two words about a snapshot that is on its way: well below any initLimit.
pub const PROGRESS_PAUSE: Duration = Duration::from_millis(500);

/// A number that no link in this process has had.
fn new_link_id() -> LinkId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    LinkId(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// What happens on a link, in this order: Up, any of the others, Down. A link that could not be made has only Down.
#[derive(Debug)]
pub enum LinkEvent<S: Side> {
    /// It is there.
    Up(Arc<Link<S>>),
    /// These came, in this order.
    Packets {
        /// On this link.
        link: LinkId,
        /// At least one.
        packets: Vec<S::Received>,
        /// When this is dropped, there is room for as much again.
        taken: Taken,
    },
    /// Some more of the snapshot behind a SNAP has come. Not told more often than in each [`PROGRESS_PAUSE`].
    SnapshotComes(LinkId),
    /// The snapshot behind a SNAP is complete.
    SnapshotReceived {
        /// On this link.
        link: LinkId,
        /// What the sink has made of it.
        snapshot: S::Snapshot,
    },
    /// It is gone, and nothing more comes.
    Down {
        /// This link.
        link: LinkId,
        /// Why.
        reason: DownReason,
    },
}

/// Why a link is gone.
#[derive(Debug, thiserror::Error)]
pub enum DownReason {
    /// It could not be made.
    #[error("cannot connect: {0}")]
    NoConnection(#[from] NoConnection),
    /// The other side has closed it.
    #[error("the other side has closed the connection")]
    Closed,
    /// The other side has closed it in the middle of something.
    #[error("the other side has closed the connection within {0}")]
    Cut(&'static str),
    /// It was reset, or the system gave it up.
    #[error("the connection is lost: {0}")]
    Lost(#[from] std::io::Error),
    /// What came is no packet.
    #[error(
        "{0}. Check what runs there, and that jute.maxbuffer is the same on all servers of the ensemble"
    )]
    BadFrame(#[from] BadFrame),
    /// What came is no packet of this direction, or none that can be read.
    #[error("{0}. Check which version runs there")]
    BadPacket(#[from] BadPacket),
    /// The snapshot that came cannot be read.
    #[error("{0}. Check which version runs there; it is asked for again")]
    BadSnapshot(#[from] BadSnapshot),
    /// The other side does not take what is sent to it.
    #[error(
        "{0} bytes wait to be sent. The other side or the network is too slow; it has to synchronise again"
    )]
    QueueFull(usize),
    /// What was to be sent as a stream is not complete.
    #[error("the snapshot that was sent could not be read to its end")]
    StreamBroken,
    /// This side has ended it.
    #[error("ended by this server")]
    Ended,
}

/// Who hears of events: called from tasks, must not wait.
type Events<S> = Arc<dyn Fn(LinkEvent<S>) + Send + Sync>;

/// One line for the operator.
fn tell_end(peer: &str, remote: SocketAddr, link: LinkId, reason: &DownReason) {
    match reason {
        DownReason::Ended => tracing::info!("link {} with {peer} {remote}: {reason}", link.0),
        _ => tracing::warn!("link {} with {peer} {remote}: {reason}", link.0),
    }
}

#[cfg(test)]
mod tests;
