//! What servers tell each other on the election connections: the bytes of a notification.
//!
//! Versions differ by length and by a number behind the old fields. Apache: `FastLeaderElection.buildMsg` and
//! `Messenger.WorkerReceiver.run`.

use bytes::{Bytes, BytesMut};
use proto::{Encode, Epoch, Input, Sid, Zxid};

/// What 3.5 and later send: with the text of the configuration.
pub(super) const VERSION: i32 = 2;
/// No peer epoch: 3.3 and older.
const BYTES_WITHOUT_EPOCH: usize = 28;
/// 3.4, whose version number at the end is not looked at.
const BYTES_WITHOUT_CONFIG: usize = 40;

/// What a server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// Electing.
    Looking,
    /// Follows a leader.
    Following,
    /// Leads.
    Leading,
    /// Learns without a vote.
    Observing,
}

impl PeerState {
    fn from_wire(number: i32) -> Option<Self> {
        Some(match number {
            0 => PeerState::Looking,
            1 => PeerState::Following,
            2 => PeerState::Leading,
            3 => PeerState::Observing,
            _ => return None,
        })
    }
}

/// Whom a server would have as leader, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proposal {
    /// The current epoch of the leader's history.
    pub epoch: Epoch,
    /// The last txn that it has logged.
    pub zxid: Zxid,
    /// The leader. The order of the fields is the order in which proposals are compared.
    pub leader: Sid,
}

/// A server's vote, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// What the sender is doing.
    pub state: PeerState,
    /// Its vote.
    pub proposal: Proposal,
    /// Its election round, `electionEpoch` in Apache.
    pub round: i64,
    /// Version of the message's form: 0 before 3.4.6, 1 in 3.4, 2 since 3.5.
    pub version: i32,
    /// The text of its configuration, since 3.5.
    pub config: Option<Bytes>,
}

/// Why bytes are no notification. The sender's fault; Apache goes on reading from it, and so do we.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNotification {
    /// Less than any version sends, or than its fields say.
    #[error("a notification of {0} bytes is too short")]
    Short(usize),
    /// A state that no version has.
    #[error("a notification of state {0}, which is none of 0 to 3")]
    State(i32),
    /// A configuration that is not all there.
    #[error("a notification of {bytes} bytes with a configuration of {config}")]
    Config {
        /// All of the message.
        bytes: usize,
        /// What it says.
        config: i32,
    },
}

impl Notification {
    /// The message as 3.5 and later send it, without the length before it.
    pub fn encode(&self) -> Bytes {
        let config = self.config.as_deref().unwrap_or_default();
        let mut out = BytesMut::with_capacity(BYTES_WITHOUT_CONFIG + 4 + config.len());
        (self.state as i32).encode(&mut out);
        self.proposal.leader.encode(&mut out);
        self.proposal.zxid.encode(&mut out);
        self.round.encode(&mut out);
        self.proposal.epoch.encode(&mut out);
        VERSION.encode(&mut out);
        let length = i32::try_from(config.len()).expect("a configuration stays below 2 GiB");
        length.encode(&mut out);
        out.extend_from_slice(config);
        out.freeze()
    }

    /// Reads a message of any version.
    ///
    /// # Errors
    ///
    /// [`BadNotification`]. 36 bytes, from 3.4.0 to 3.4.5, are too short for what is read, as in Apache since 3.5.
    pub fn decode(message: &Bytes) -> Result<Self, BadNotification> {
        let short = |_| BadNotification::Short(message.len());
        let mut input = Input::new(message);
        let state = input.read().map_err(short)?;
        let leader = input.read().map_err(short)?;
        let zxid: Zxid = input.read().map_err(short)?;
        let round = input.read().map_err(short)?;
        let (mut epoch, mut version) = (zxid.epoch(), 0);
        if message.len() != BYTES_WITHOUT_EPOCH {
            epoch = input.read().map_err(short)?;
        }
        if ![BYTES_WITHOUT_EPOCH, BYTES_WITHOUT_CONFIG].contains(&message.len()) {
            version = input.read().map_err(short)?;
        }
        Ok(Notification {
            state: PeerState::from_wire(state).ok_or(BadNotification::State(state))?,
            proposal: Proposal {
                epoch,
                zxid,
                leader,
            },
            round,
            version,
            config: if version >= VERSION {
                Some(config(message)?)
            } else {
                None
            },
        })
    }
}

fn config(message: &Bytes) -> Result<Bytes, BadNotification> {
    let bytes = message.len();
    let rest = message.slice(BYTES_WITHOUT_CONFIG..);
    let config = rest.first_chunk().map(|length| i32::from_be_bytes(*length));
    let config = config.ok_or(BadNotification::Short(bytes))?;
    let end = usize::try_from(config)
        .ok()
        .and_then(|length| length.checked_add(4));
    let end = end.filter(|end| *end <= rest.len());
    end.map(|end| rest.slice(4..end))
        .ok_or(BadNotification::Config { bytes, config })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notification() -> Notification {
        Notification {
            state: PeerState::Leading,
            proposal: Proposal {
                epoch: Epoch(5),
                zxid: Zxid(0x4_0000_0007),
                leader: Sid(3),
            },
            round: 9,
            version: 2,
            config: Some(Bytes::from_static(b"version=0")),
        }
    }

    fn old(bytes: usize) -> Bytes {
        notification().encode().slice(..bytes)
    }

    #[test]
    fn what_is_sent_is_read_back() {
        assert_eq!(
            Notification::decode(&notification().encode()),
            Ok(notification())
        );
    }

    #[test]
    fn a_message_of_28_bytes_has_its_epoch_from_the_zxid() {
        let read = Notification::decode(&old(28)).unwrap();
        assert_eq!(
            (read.proposal.epoch, read.version, read.config),
            (Epoch(4), 0, None)
        );
    }

    #[test]
    fn a_message_of_40_bytes_has_no_version_and_no_config() {
        let read = Notification::decode(&old(40)).unwrap();
        assert_eq!(
            (read.proposal.epoch, read.version, read.config),
            (Epoch(5), 0, None)
        );
    }

    #[test]
    fn a_message_that_is_cut_is_refused() {
        for bytes in (0..notification().encode().len()).filter(|bytes| ![28, 40].contains(bytes)) {
            assert!(Notification::decode(&old(bytes)).is_err(), "{bytes} bytes");
        }
    }

    #[test]
    fn states_and_lengths_that_cannot_be_are_refused() {
        let mut bytes = BytesMut::from(&notification().encode()[..]);
        bytes[40] = 0xff;
        assert!(matches!(
            Notification::decode(&bytes.clone().freeze()),
            Err(BadNotification::Config { config: ..0, .. })
        ));
        bytes[3] = 4;
        bytes[40] = 0;
        assert_eq!(
            Notification::decode(&bytes.freeze()),
            Err(BadNotification::State(4))
        );
    }
}
