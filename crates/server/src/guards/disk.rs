//! How much room is left on a disk, and what that means.

use std::path::Path;

use rustix::fs::statvfs;

use crate::config::GuardSettings;

/// Bytes of a disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Free for this user.
    pub free: u64,
    /// In all.
    pub total: u64,
}

/// None where the system does not tell.
pub(super) fn room(directory: &Path) -> Option<Room> {
    let stat = statvfs(directory).ok()?;
    Some(Room {
        free: stat.f_bavail * stat.f_frsize,
        total: stat.f_blocks * stat.f_frsize,
    })
}

/// How full a disk is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// There is room.
    #[default]
    Enough,
    /// It is time to make room.
    Low,
    /// Writes are refused.
    Full,
}

/// Bytes free below which a disk is low, and full; 0: never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watermarks {
    /// See [`Level::Low`].
    pub warn: u64,
    /// See [`Level::Full`].
    pub refuse: u64,
}

impl Watermarks {
    /// Those that were set, else by the disk's size.
    pub fn of(settings: &GuardSettings, total: u64) -> Self {
        const MIB: u64 = 1 << 20;
        let bytes =
            |mib: Option<u64>, default: u64| mib.map_or(default, |mib| mib.saturating_mul(MIB));
        Watermarks {
            warn: bytes(settings.disk_warn_mib, (total / 10).min(2048 * MIB)),
            refuse: bytes(settings.disk_refuse_mib, (total / 50).min(128 * MIB)),
        }
    }

    /// A level is left when an eighth more is free than brought it, so that it does not come and go.
    pub fn level(&self, free: u64, now: Level) -> Level {
        let is_below = |mark: u64, level| match now >= level {
            true => free < mark.saturating_add(mark / 8),
            false => free < mark,
        };
        if is_below(self.refuse, Level::Full) {
            Level::Full
        } else if is_below(self.warn, Level::Low) {
            Level::Low
        } else {
            Level::Enough
        }
    }
}

/// One line for who has to make room.
pub(super) fn tell(directory: &Path, free: u64, marks: &Watermarks, was: Level, is: Level) {
    let [free, warn, refuse] = [free, marks.warn, marks.refuse].map(|bytes| bytes >> 20);
    let place = directory.display();
    match is {
        Level::Full => tracing::error!(
            "writes are refused: {free} MiB are free on the disk of {place}, less than {refuse} \
             (ironkeeper.disk.refuseBelowMiB). Make room; reads and deletes go on"
        ),
        _ if was == Level::Full => tracing::warn!(
            "writes are taken again: {free} MiB are free on the disk of {place}; {warn} would be enough"
        ),
        Level::Low => tracing::warn!(
            "{free} MiB are free on the disk of {place}, less than {warn} (ironkeeper.disk.warnBelowMiB). Make room: below \
             {refuse} writes are refused"
        ),
        Level::Enough => {
            tracing::info!("{free} MiB are free on the disk of {place}, which is enough again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn settings(warn: Option<u64>, refuse: Option<u64>) -> GuardSettings {
        GuardSettings {
            disk_warn_mib: warn,
            disk_refuse_mib: refuse,
            purge_when_low: true,
            memory_limit_mib: None,
            slow_request_ms: 0,
        }
    }

    #[test]
    fn marks_that_are_not_set_follow_the_disks_size() {
        let small = Watermarks::of(&settings(None, None), 100 * MIB);
        assert_eq!((small.warn, small.refuse), (10 * MIB, 2 * MIB));
        let large = Watermarks::of(&settings(None, None), 1 << 40);
        assert_eq!((large.warn, large.refuse), (2048 * MIB, 128 * MIB));
        let set = Watermarks::of(&settings(Some(7), Some(0)), 1 << 40);
        assert_eq!((set.warn, set.refuse), (7 * MIB, 0));
    }

    #[test]
    fn a_level_comes_at_its_mark_and_goes_an_eighth_above_it() {
        let marks = Watermarks {
            warn: 80,
            refuse: 16,
        };
        let mut level = Level::Enough;
        for (free, wanted) in [
            (80, Level::Enough),
            (79, Level::Low),
            (89, Level::Low),
            (16, Level::Low),
            (15, Level::Full),
            (17, Level::Full),
            (18, Level::Low),
            (90, Level::Enough),
            (0, Level::Full),
            (90, Level::Enough),
        ] {
            level = marks.level(free, level);
            assert_eq!(level, wanted, "{free} free");
        }
    }

    #[test]
    fn a_mark_of_0_is_never_reached() {
        let marks = Watermarks { warn: 0, refuse: 0 };
        assert_eq!(marks.level(0, Level::Enough), Level::Enough);
    }
}
