//! The last txns of a log that is replayed, for the committed log in memory
//! (`ZKDatabase.addCommittedProposal`).

use std::collections::VecDeque;

use bytes::Bytes;
use proto::Zxid;

use crate::log_reader::follows;

/// How many of the last txns recovery hands out; by default none, which costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecentLimit {
    /// Most txns (`zookeeper.commitLogCount`).
    pub records: usize,
    /// Most bytes of their records.
    pub bytes: usize,
}

/// Txns in which none is missing, up to the last one.
pub(crate) struct Recent {
    limit: RecentLimit,
    records: VecDeque<(Zxid, Bytes)>,
    bytes: usize,
}

impl Recent {
    pub(crate) fn new(limit: RecentLimit) -> Self {
        Recent {
            limit,
            records: VecDeque::new(),
            bytes: 0,
        }
    }

    /// One that was there before is left out, as in Apache. Behind a gap it begins anew: Apache does
    /// not start from such a log.
    pub(crate) fn push(&mut self, zxid: Zxid, record: &Bytes) {
        if self.limit.records == 0 {
            return;
        }
        match self.records.back() {
            Some((last, _)) if zxid <= *last => return,
            Some((last, _)) if !follows(*last, zxid) => self.clear(),
            _ => {}
        }
        self.bytes += record.len();
        self.records.push_back((zxid, record.clone()));
        while self.records.len() > self.limit.records || self.bytes > self.limit.bytes {
            let oldest = self.records.pop_front();
            self.bytes -= oldest.map_or(self.bytes, |(_, record)| record.len());
        }
    }

    pub(crate) fn into_records(self) -> VecDeque<(Zxid, Bytes)> {
        self.records
    }

    fn clear(&mut self) {
        self.records.clear();
        self.bytes = 0;
    }
}
