//! Hard quotas (`ZooKeeperServer.checkQuota`). Soft ones are for the log only.

use datatree::{DataTree, QuotaStats, limit_path, stat_path};
use proto::ErrorCode;

/// Would a change of use break a hard limit? Checked against what is applied, not what is
/// outstanding, as Apache does. Text that is no quota limits nothing.
pub(crate) fn check_quota(
    tree: &DataTree,
    path: &str,
    bytes: i64,
    count: i64,
) -> Result<(), ErrorCode> {
    let Some(quota) = tree.quota_path(path) else {
        return Ok(());
    };
    let read = |path: &str| QuotaStats::parse(tree.get(path)?.data().unwrap_or_default());
    let (Some(limits), Some(used)) = (read(&limit_path(quota)), read(&stat_path(quota))) else {
        return Ok(());
    };
    let breaks = |change: i64, used_key: &str, limit_key: &str| {
        let limit = limits.get(limit_key);
        change != 0 && limit > -1 && used.get(used_key).saturating_add(change) > limit
    };
    let broken = breaks(count, QuotaStats::COUNT, QuotaStats::COUNT_HARD_LIMIT)
        || breaks(bytes, QuotaStats::BYTES, QuotaStats::BYTE_HARD_LIMIT);
    if broken {
        Err(ErrorCode::QUOTA_EXCEEDED)
    } else {
        Ok(())
    }
}
