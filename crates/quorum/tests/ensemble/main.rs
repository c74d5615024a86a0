//! Ensembles of peers on a network and on disks that fail: whatever happens, they agree, and lose nothing.

mod checks;
#[path = "../model/mod.rs"]
mod model;
mod promises;
mod world;

use world::{Counts, World};

fn run(seed: u64, voters: i64, observers: i64) -> Counts {
    let mut world = World::new(seed, voters, observers);
    world.run(10_000);
    world.calm();
    world.run(8_000);
    world.write_everywhere();
    world.run(1_000);
    world.check_agreement();
    world.counts
}

fn seeds() -> std::ops::Range<u64> {
    match std::env::var("SEED") {
        Ok(seed) => {
            let seed = seed.parse().expect("SEED is a number");
            seed..seed + 1
        }
        Err(_) => {
            0..std::env::var("SEEDS").map_or(100, |seeds| seeds.parse().expect("SEEDS is a number"))
        }
    }
}

fn run_all(voters: i64, observers: i64) {
    let mut all = Counts::default();
    for seed in seeds() {
        let ran = std::panic::catch_unwind(|| run(seed, voters, observers));
        let counts = ran.unwrap_or_else(|_| panic!("seed {seed} fails"));
        all.elections += counts.elections;
        all.diffs += counts.diffs;
        all.truncs += counts.truncs;
        all.snaps += counts.snaps;
        all.reloads += counts.reloads;
        all.crashes += counts.crashes;
        all.acknowledged += counts.acknowledged;
    }
    eprintln!("{voters} voters, {observers} observers: {all:?}");
}

#[test]
fn three_servers_agree_whatever_happens() {
    run_all(3, 0);
}

#[test]
fn five_servers_and_observers_agree_whatever_happens() {
    run_all(5, 2);
}
