//! One seed from its beginning to its end, and many of them.

use std::ops::Range;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use persistence::SyncPoint;

use super::counts::Counts;
use super::world::World;

/// Of each seed.
const LEAST_REQUESTS: u64 = 300;
const LEAST_FAULTS: u64 = 5;
const LEAST_ELECTIONS: u64 = 2;

/// When faults end at the earliest, and how long a seed without enough of something goes on.
const FAULTY_MS: u64 = 8_000;
const MOST_MS: u64 = 60_000;
/// All servers serve again by then, sessions that nobody keeps have expired, and the last writes are everywhere.
const HEALING_MS: u64 = 3_000;
const EXPIRY_MS: u64 = 4_000;
const LAST_MS: u64 = 500;

/// Runs a seed; panics with what is wrong.
pub fn run_seed(seed: u64, is_traced: bool) -> Counts {
    run(World::new(seed, is_traced))
}

/// Runs a seed on disks that ignore such syncs: some seed has to find that.
pub fn run_seed_without_sync(seed: u64, point: SyncPoint) -> Counts {
    let mut world = World::new(seed, false);
    for node in world.nodes.values_mut() {
        node.disk.ignore(point);
    }
    run(world)
}

fn run(mut world: World) -> Counts {
    world.run(FAULTY_MS);
    while !has_enough(&world.counts) && world.now_ms < MOST_MS {
        if world.counts.elections < LEAST_ELECTIONS {
            world.crash_leader();
        }
        world.run(1_000);
    }
    world.calm();
    world.run(HEALING_MS);
    if world.has_locked_out() {
        world.counts.locked_out += 1;
        world.crash_leader();
        world.run(2 * HEALING_MS);
    }
    world.is_quiet = true;
    world.run(EXPIRY_MS);
    world.write_everywhere();
    world.run(LAST_MS);
    world.check_agreement();
    world.counts.moved_refusals = world.checks.history.refused_as_moved() as u64;
    assert!(
        has_enough(&world.counts),
        "too little happened:\n{}",
        world.counts
    );
    world.counts
}

fn has_enough(counts: &Counts) -> bool {
    counts.requests >= LEAST_REQUESTS
        && counts.faults >= LEAST_FAULTS
        && counts.elections >= LEAST_ELECTIONS
}

/// Runs seeds on so many threads. Returns what they went through, and which failed.
pub fn run_seeds(seeds: Range<u64>, threads: usize) -> (Counts, Vec<u64>) {
    let next = AtomicU64::new(seeds.start);
    let result = Mutex::new((Counts::default(), Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let ran = catch_unwind(|| run_seed(seed, false));
            let mut result = result.lock().expect("no thread panics with it");
            match ran {
                Ok(counts) => result.0.add(&counts),
                Err(_) => {
                    eprintln!("seed {seed} fails");
                    result.1.push(seed);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    result.into_inner().expect("all threads have ended")
}
