//! Owns what keeps a server from filling its disks or its memory: below a watermark it warns, below a second one it refuses
//! the writes that grow the data. Reads, deletes, heart-beats, and sessions' begins and ends go on, so that clients can go on with
//! what is there, and make room.
//!
//! A write is refused before it is a txn: by the server that its client is connected to, and by the leader. What a leader has
//! proposed is logged by everybody, whatever his disk says; a disk that is full then ends the server, as it does without guards.

mod disk;
mod memory;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use proto::OpCode;

use crate::config::{Config, GuardSettings};
use crate::limits;
use crate::sync::Mutex;
use disk::{Level, Room, Watermarks};
pub use memory::of_process as memory_of_process;

/// A look takes a few microseconds, which is not worth while for less.
const MIN_UNWATCHED_LOG_BYTES: u64 = 64 << 10;

/// What the guards have seen.
#[derive(Debug)]
pub struct Guards {
    settings: GuardSettings,
    directories: Vec<PathBuf>,
    /// Level of each directory's disk, as it was told. It is held for a look, and no other lock is taken under it.
    levels: Mutex<Vec<Level>>,
    is_disk_low: AtomicBool,
    is_disk_full: AtomicBool,
    is_memory_full: AtomicBool,
    memory: memory::Limit,
    /// Bytes logged since the last look: neither disk nor memory is filled by much else.
    logged: AtomicU64,
    /// Bytes free on the fuller disk.
    free: AtomicU64,
    /// So many may be until the next look: a part of the room below which writes are refused, or that is beside the memory's limit.
    unwatched: AtomicU64,
}

impl Guards {
    /// Which look at what the configuration names, for the first time when they are told to.
    pub fn new(config: &Config) -> Self {
        let mut directories = vec![config.data_dir.clone(), config.data_log_dir.clone()];
        directories.dedup();
        let levels = vec![Level::Enough; directories.len()];
        let memory = memory::Limit::find(config.guards.memory_limit_mib);
        Guards {
            settings: config.guards.clone(),
            directories,
            levels: Mutex::new(levels),
            is_disk_low: AtomicBool::new(false),
            is_disk_full: AtomicBool::new(false),
            is_memory_full: AtomicBool::new(false),
            logged: AtomicU64::new(0),
            free: AtomicU64::new(0),
            unwatched: AtomicU64::new(part_unwatched(memory.bytes() / 16)),
            memory,
        }
    }

    /// Is there no room for this operation?
    pub fn refuse(&self, op: OpCode) -> bool {
        (self.is_disk_full.load(Relaxed) || self.is_memory_full.load(Relaxed)) && grows(op)
    }

    /// Is there no room for what grows a disk?
    pub fn is_disk_full(&self) -> bool {
        self.is_disk_full.load(Relaxed)
    }

    /// Should old files go?
    pub fn want_purge(&self) -> bool {
        self.settings.purge_when_low && self.is_disk_low.load(Relaxed)
    }

    /// Bytes free on the fuller of the disks when it was last looked at; 0 before.
    pub fn disk_free_bytes(&self) -> u64 {
        self.free.load(Relaxed)
    }

    /// Bytes of memory above which writes are refused; 0: there is no limit.
    pub fn memory_limit_bytes(&self) -> u64 {
        self.memory.bytes()
    }

    /// Looks at all of it. It may wait for a disk.
    pub fn look(&self) {
        self.logged.store(0, Relaxed);
        let mut levels = self.levels.lock();
        self.look_at_disks(&mut levels);
        let was_full = self.is_memory_full.load(Relaxed);
        self.is_memory_full
            .store(self.memory.look(was_full), Relaxed);
    }

    /// So many bytes more are in the log. With many of them the next look is now.
    pub fn logged(&self, bytes: u64) {
        let since = self.logged.fetch_add(bytes, Relaxed) + bytes;
        if since >= self.unwatched.load(Relaxed) {
            self.look();
        }
    }

    fn look_at_disks(&self, levels: &mut [Level]) {
        let mut least = u64::MAX;
        for (directory, level) in self.directories.iter().zip(levels.iter_mut()) {
            if let Some(room) = disk::room(directory) {
                least = least.min(room.free);
                *level = self.level(directory, room, *level);
            } // else the disk's thread will meet what is wrong with it
        }
        let worst = levels.iter().max().copied().unwrap_or_default();
        self.free.store(least, Relaxed);
        self.is_disk_low.store(worst >= Level::Low, Relaxed);
        self.is_disk_full.store(worst == Level::Full, Relaxed);
    }

    /// Told where it is another than before.
    fn level(&self, directory: &Path, room: Room, level: Level) -> Level {
        let marks = Watermarks::of(&self.settings, room.total);
        self.unwatched
            .fetch_min(part_unwatched(marks.refuse), Relaxed);
        let next = marks.level(room.free, level);
        if next != level {
            disk::tell(directory, room.free, &marks, level, next);
        }
        next
    }
}

/// How much of some room may be used up between two looks; 0: there is no such room.
fn part_unwatched(room: u64) -> u64 {
    match room {
        0 => limits::MAX_UNWATCHED_LOG_BYTES,
        room => (room / 8).clamp(MIN_UNWATCHED_LOG_BYTES, limits::MAX_UNWATCHED_LOG_BYTES),
    }
}

/// Does the operation make the data larger? Of a multi it may.
fn grows(op: OpCode) -> bool {
    matches!(
        op,
        OpCode::CREATE
            | OpCode::CREATE2
            | OpCode::CREATE_CONTAINER
            | OpCode::CREATE_TTL
            | OpCode::SET_DATA
            | OpCode::SET_ACL
            | OpCode::MULTI
            | OpCode::RECONFIG
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_room_or_keeps_a_session_is_never_refused() {
        for op in [
            OpCode::DELETE,
            OpCode::DELETE_CONTAINER,
            OpCode::CREATE_SESSION,
            OpCode::CLOSE_SESSION,
            OpCode::SYNC,
            OpCode::PING,
        ] {
            assert!(!grows(op), "{op:?}");
        }
        assert!(grows(OpCode::CREATE) && grows(OpCode::MULTI));
    }
}
