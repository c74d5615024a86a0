//! One server: what outlives its processes.

use rand::Rng;
use rand::rngs::SmallRng;

use super::process::Process;
use super::settings::ServerSettings;
use crate::member::Failure;
use crate::{Crash, SimDisk};

/// A clock that is fast or slow.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    offset_ms: u64,
    /// Of a thousand.
    rate: u64,
}

impl Clock {
    /// Up to a tenth too fast or too slow.
    pub fn new(random: &mut SmallRng) -> Self {
        Clock {
            offset_ms: random.random_range(0..100_000),
            rate: random.random_range(900..=1100),
        }
    }

    /// What it shows.
    pub fn local_ms(self, now_ms: u64) -> u64 {
        self.offset_ms + now_ms * self.rate / 1000
    }

    /// When it will show this.
    pub fn true_ms(self, local_ms: u64) -> u64 {
        (local_ms.saturating_sub(self.offset_ms) * 1000).div_ceil(self.rate)
    }
}

/// One server.
pub struct Node {
    /// The same for each of its processes.
    pub settings: ServerSettings,
    /// Its disk.
    pub disk: SimDisk,
    /// What runs.
    pub process: Option<Process>,
    /// Of every process that ever ran here: an old one's events are told apart by it.
    pub incarnation: u64,
    /// Its clock.
    pub clock: Clock,
    /// It stands still until then.
    pub paused_until_ms: u64,
    /// A turn of the disk is under way.
    pub disk_is_busy: bool,
    /// It dies in front of so many outputs from now.
    pub dies_in_outputs: Option<u32>,
}

impl Node {
    /// A server that does not run.
    pub fn new(settings: ServerSettings, random: &mut SmallRng) -> Self {
        Node {
            settings,
            disk: SimDisk::new(),
            process: None,
            incarnation: 0,
            clock: Clock::new(random),
            paused_until_ms: 0,
            disk_is_busy: false,
            dies_in_outputs: None,
        }
    }

    /// Starts a process.
    pub fn start(&mut self) -> Result<(), Failure> {
        self.process = Some(Process::start(&self.settings, &self.disk)?);
        self.incarnation += 1;
        self.disk_is_busy = false;
        Ok(())
    }

    /// Its process is gone, and perhaps what the system had not written.
    pub fn end(&mut self, crash: Crash) {
        self.process = None;
        self.disk = self.disk.crash(crash);
        self.paused_until_ms = 0;
        self.dies_in_outputs = None;
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_timer_is_due_when_the_clock_shows_its_time_and_not_before() {
        for seed in 0..100 {
            let clock = Clock::new(&mut SmallRng::seed_from_u64(seed));
            for local_ms in clock.offset_ms + 1..clock.offset_ms + 500 {
                let due_ms = clock.true_ms(local_ms);
                assert!(clock.local_ms(due_ms) >= local_ms);
                assert!(clock.local_ms(due_ms - 1) < local_ms);
            }
        }
    }
}
