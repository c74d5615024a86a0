//! What cons tells of a connection's requests (`ServerCnxn.updateStatsForResponse`).
//!
//! Kept beside the outbound queue, under the lock that a reply takes anyway.

use proto::{ErrorCode, OpCode, Zxid};

/// A request at the moment of its reply.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// What cons calls it: see [`name`].
    pub name: &'static str,
    /// The client's number of it; those below 0 are not remembered.
    pub xid: i32,
    /// The zxid of the reply.
    pub zxid: Zxid,
    /// When it was read; monotonic ms.
    pub received_ms: i64,
    /// A txn was made of it, or refused to be.
    pub is_update: bool,
}

/// Of one connection, since its begin or since crst.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// What was answered last.
    pub last_name: &'static str,
    /// Its number; below 0 there is none.
    pub last_cxid: i32,
    /// The zxid of the last reply.
    pub last_zxid: Zxid,
    /// When it was queued; monotonic ms.
    pub last_response_ms: i64,
    /// How long the last request took.
    pub last_latency_ms: i64,
    /// The shortest that one took; `i64::MAX` without any.
    least_ms: i64,
    /// The longest that one took.
    pub most_ms: i64,
    total_ms: i64,
    count: i64,
}

/// A connection that has just come: as Java leaves the fields.
impl Default for Figures {
    fn default() -> Self {
        Figures {
            last_name: "null",
            last_cxid: 0,
            last_zxid: Zxid::ZERO,
            ..Figures::reset()
        }
    }
}

impl Figures {
    /// After crst, which leaves other values than a new connection has (`ServerCnxn.resetStats`).
    pub fn reset() -> Self {
        Figures {
            last_name: NO_NAME,
            last_cxid: -1,
            last_zxid: Zxid(-1),
            last_response_ms: 0,
            last_latency_ms: 0,
            least_ms: i64::MAX,
            most_ms: 0,
            total_ms: 0,
            count: 0,
        }
    }

    /// A request is answered.
    pub fn add(&mut self, answered: &Answered, now_ms: i64) {
        if answered.xid >= 0 {
            self.last_cxid = answered.xid;
        }
        self.last_name = answered.name;
        self.last_zxid = answered.zxid;
        self.last_response_ms = now_ms;
        let latency_ms = now_ms - answered.received_ms;
        self.last_latency_ms = latency_ms;
        self.least_ms = self.least_ms.min(latency_ms);
        self.most_ms = self.most_ms.max(latency_ms);
        self.total_ms += latency_ms;
        self.count += 1;
    }

    /// The shortest that a request took; 0 without any.
    pub fn least_ms(&self) -> i64 {
        match self.count {
            0 => 0,
            _ => self.least_ms,
        }
    }

    /// What requests took on average, in whole ms; 0 without any.
    pub fn mean_ms(&self) -> i64 {
        self.total_ms.checked_div(self.count).unwrap_or_default()
    }
}

/// What cons calls a request that was refused before it was executed.
const NO_NAME: &str = "NA";

/// What cons calls a request (`FinalRequestProcessor.processRequest`). A write that is refused has no name, as it never was
/// a write; a read has its own, whatever came of it.
pub fn name(op: OpCode, refusal: ErrorCode) -> &'static str {
    if refusal != ErrorCode::OK {
        return NO_NAME;
    }
    match op {
        OpCode::PING => "PING",
        OpCode::CREATE_SESSION => "SESS",
        OpCode::MULTI => "MULT",
        OpCode::MULTI_READ => "MLTR",
        OpCode::CREATE | OpCode::CREATE2 | OpCode::CREATE_TTL | OpCode::CREATE_CONTAINER => "CREA",
        OpCode::DELETE | OpCode::DELETE_CONTAINER => "DELE",
        OpCode::SET_DATA => "SETD",
        OpCode::RECONFIG => "RECO",
        OpCode::SET_ACL => "SETA",
        OpCode::CLOSE_SESSION => "CLOS",
        OpCode::SYNC => "SYNC",
        OpCode::EXISTS => "EXIS",
        OpCode::GET_DATA => "GETD",
        OpCode::SET_WATCHES => "SETW",
        OpCode::SET_WATCHES2 => "STW2",
        OpCode::ADD_WATCH => "ADDW",
        OpCode::GET_ACL => "GETA",
        OpCode::GET_CHILDREN | OpCode::GET_CHILDREN2 => "GETC",
        OpCode::GET_ALL_CHILDREN_NUMBER => "GETACN",
        OpCode::CHECK_WATCHES => "CHKW",
        OpCode::REMOVE_WATCHES => "REMW",
        OpCode::WHO_AM_I => "HOMI",
        OpCode::GET_EPHEMERALS => "GETE",
        _ => NO_NAME,
    }
}
