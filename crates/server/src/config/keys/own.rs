//! The keys that Apache does not have. It ignores them in zoo.cfg, so that a file with them serves both.

use super::Treatment::Used;
use super::{Row, key};

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    key("ironkeeper.log.format", "text", Used, "lines of the log: text as Apache's, or json"),
    key("ironkeeper.slowRequestMs", "1000", Used, "ms above which a request is logged as slow; 0: none is"),
    key("ironkeeper.disk.warnBelowMiB", "a tenth of the disk, at most 2048", Used, "MiB free on the disk of dataDir or dataLogDir below which a warning is logged; 0: never"),
    key("ironkeeper.disk.refuseBelowMiB", "a fiftieth of the disk, at most 128", Used, "MiB free below which writes that grow the data are refused with SystemError; 0: never"),
    key("ironkeeper.disk.purgeWhenLow", "true", Used, "purge old snapshots and logs, as autopurge does, when a disk becomes low and behind each snapshot until it is not"),
    key("ironkeeper.memory.limitMiB", "nine tenths of the cgroup's limit or of the machine's memory", Used, "MiB of resident memory above which writes that grow the data are refused with SystemError; 0: never"),
];
