//! What must hold over all servers and clients, whatever happens.
//!
//! A check panics with what is wrong. It knows what servers and clients did, and nothing of how they do it.

mod history;
mod sessions;
mod watch;

use proto::records::{ExistsResponse, GetChildren2Response, GetDataResponse};
use proto::{Decode, ErrorCode, OpCode, SessionId, Zxid};

use super::counts::Counts;
use history::{History, Seen};
use sessions::Sessions;
pub use watch::Watch;

/// All of them.
#[derive(Default)]
pub struct Checks {
    /// What is committed.
    pub history: History,
    /// Who was heard when.
    pub sessions: Sessions,
    /// The newest txn that any client was told of.
    newest_told: Zxid,
}

/// An answer, and what was asked.
#[derive(Debug)]
pub struct Answered<'a> {
    pub session: SessionId,
    pub xid: i32,
    pub op: OpCode,
    pub path: &'a str,
    pub zxid: Zxid,
    pub err: ErrorCode,
    pub body: &'a [u8],
}

impl Checks {
    /// The newest txn that any client was told of.
    pub fn newest_told(&self) -> Zxid {
        self.newest_told
    }

    /// A client has an answer; `newest` is the newest txn that any client knew of when it asked.
    pub fn answered(&mut self, answered: &Answered<'_>, newest: Zxid, counts: &mut Counts) {
        match answered.op {
            OpCode::PING | OpCode::SET_WATCHES2 => {}
            OpCode::SYNC => self.synced(answered, newest),
            OpCode::EXISTS | OpCode::GET_DATA | OpCode::GET_CHILDREN2 => {
                counts.reads += 1;
                self.read(answered);
            }
            _ => {
                counts.acknowledged += u64::from(answered.err == ErrorCode::OK);
                self.history.acknowledged(answered);
                self.newest_told = self.newest_told.max(answered.zxid);
            }
        }
    }

    /// Whoever leads has what was committed before: unless it is deposed and does not know, all that was told before a sync is
    /// there when it is through.
    fn synced(&self, answered: &Answered<'_>, newest: Zxid) {
        let is_deposed = answered.zxid.epoch() < newest.epoch();
        assert!(
            answered.err != ErrorCode::OK || answered.zxid >= newest || is_deposed,
            "a sync is through at {}, but {newest} was told before it was asked for",
            answered.zxid
        );
    }

    /// A read shows the state of its zxid.
    fn read(&self, answered: &Answered<'_>) {
        let mut input = proto::Input::new(answered.body);
        let shown = match (answered.err, answered.op) {
            (ErrorCode::NO_NODE, _) => None,
            (ErrorCode::OK, OpCode::EXISTS) => {
                let shown = ExistsResponse::decode(&mut input).expect("a stat");
                Some((shown.stat, None))
            }
            (ErrorCode::OK, OpCode::GET_DATA) => {
                let shown = GetDataResponse::decode(&mut input).expect("data and a stat");
                Some((shown.stat, Some(shown.data.unwrap_or_default())))
            }
            (ErrorCode::OK, _) => {
                let shown = GetChildren2Response::decode(&mut input).expect("names and a stat");
                Some((shown.stat, None))
            }
            _ => panic!("a read fails: {answered:?}"),
        };
        let expected = self.history.seen(answered.path, answered.zxid);
        let is_same = match (&shown, expected) {
            (None, None) => true,
            (
                Some((stat, data)),
                Some(Seen {
                    stat: is,
                    data: is_data,
                }),
            ) => stat == is && data.is_none_or(|data| data == is_data),
            _ => false,
        };
        assert!(is_same, "{answered:?} shows {shown:?}, not {expected:?}");
    }
}

#[cfg(test)]
mod tests;
