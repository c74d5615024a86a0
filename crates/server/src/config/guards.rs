//! Owns the settings of the guards that Apache does not have.

use super::reader::Reader;

/// When the server says that something runs short, and when it refuses to take more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardSettings {
    /// MiB free on a disk below which it is warned about; 0: never. `None`: by the disk's size.
    pub disk_warn_mib: Option<u64>,
    /// MiB free on a disk below which writes are refused; 0: never. `None`: by the disk's size.
    pub disk_refuse_mib: Option<u64>,
    /// Old snapshots and logs are purged behind each snapshot while a disk is low; default true.
    pub purge_when_low: bool,
    /// MiB of resident memory above which writes are refused; 0: never. `None`: by the cgroup or the machine.
    pub memory_limit_mib: Option<u64>,
    /// ms above which a request is logged as slow; 0: none is. Default 1000.
    pub slow_request_ms: u64,
}

impl GuardSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> GuardSettings {
        let mut mib = |name| {
            let mib = reader.long(name, -1);
            u64::try_from(mib).ok()
        };
        GuardSettings {
            disk_warn_mib: mib("zookeeper.ironkeeper.disk.warnBelowMiB"),
            disk_refuse_mib: mib("zookeeper.ironkeeper.disk.refuseBelowMiB"),
            memory_limit_mib: mib("zookeeper.ironkeeper.memory.limitMiB"),
            purge_when_low: reader.flag("zookeeper.ironkeeper.disk.purgeWhenLow", true),
            slow_request_ms: u64::try_from(reader.long("zookeeper.ironkeeper.slowRequestMs", 1000))
                .unwrap_or(0),
        }
    }
}
