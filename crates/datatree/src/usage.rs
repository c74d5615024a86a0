//! The use of quotas, counted in place outside any txn: no version, no zxid, no digest.

use crate::arena::Slot;
use crate::quota::{LIMIT_NODE, QUOTA_ROOT, QuotaStats, STAT_NODE, stat_path, trimmed_quota_path};
use crate::tree::DataTree;

impl DataTree {
    /// Counts a change of use against the quota that covers `path` (`DataTree.updateQuotaStat`).
    /// Text that is no quota is left alone, where Apache's server ends.
    pub(crate) fn count_use(&mut self, path: &str, bytes: i64, count: i64) {
        let Some(quota) = self.quotas.longest_prefix(path) else {
            return;
        };
        let Some(slot) = self.arena.find(&stat_path(quota)) else {
            return;
        };
        let text = self.arena.node(slot).data.as_deref().unwrap_or_default();
        let Some(mut stats) = QuotaStats::parse(text) else {
            return;
        };
        stats.set(
            QuotaStats::COUNT,
            stats.get(QuotaStats::COUNT).wrapping_add(count),
        );
        stats.set(
            QuotaStats::BYTES,
            stats.get(QuotaStats::BYTES).wrapping_add(bytes),
        );
        self.set_use(slot, &stats);
    }

    /// Use is changed in place: no version, no zxid, no digest.
    fn set_use(&mut self, slot: Slot, stats: &QuotaStats) {
        self.keep_image(slot);
        self.arena.node_mut(slot).data = Some(stats.to_text().into_bytes().into());
    }

    /// Counts afresh what is at and below `path` (`DataTree.updateQuotaForPath`).
    fn recount_use(&mut self, path: &str) {
        let Some(stat_slot) = self.arena.find(&stat_path(path)) else {
            return;
        };
        let (mut count, mut bytes) = (0, 0);
        let mut waiting: Vec<Slot> = self.arena.find(path).into_iter().collect();
        while let Some(slot) = waiting.pop() {
            count += 1;
            bytes += self
                .arena
                .node(slot)
                .data
                .as_ref()
                .map_or(0, |data| data.len() as i64);
            waiting.extend(self.arena.children(slot));
        }
        let mut stats = QuotaStats::default();
        stats.set(QuotaStats::COUNT, count);
        stats.set(QuotaStats::BYTES, bytes);
        self.set_use(stat_slot, &stats);
    }

    /// Finds all quotas and counts their use, after a snapshot was loaded (`DataTree.setupQuota`).
    pub(crate) fn set_up_quotas(&mut self) {
        let mut waiting: Vec<Slot> = self.arena.find(QUOTA_ROOT).into_iter().collect();
        while let Some(slot) = waiting.pop() {
            waiting.extend(self.arena.children(slot));
            if self.arena.node(slot).name() == LIMIT_NODE {
                let parent = self.arena.path(self.arena.node(slot).parent());
                let quota = trimmed_quota_path(&parent).unwrap_or_default().to_owned();
                self.recount_use(&quota);
                self.quotas.add(&quota);
            }
        }
    }

    pub(crate) fn note_quota_created(&mut self, parent: &str, name: &str) {
        let Some(quota) = trimmed_quota_path(parent) else {
            return;
        };
        match name {
            LIMIT_NODE => self.quotas.add(quota),
            STAT_NODE => self.recount_use(quota),
            _ => {}
        }
    }
}
