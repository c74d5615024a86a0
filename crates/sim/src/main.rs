//! Simulated ensembles: many seeds, or one with all that happens in it. See [`sim::ensemble`].

use std::process::ExitCode;
use std::time::Instant;

use sim::ensemble::{FLOOR, run_seed, run_seeds};

/// So many seeds, or more, have to meet everything.
const ENOUGH_SEEDS: u64 = 2_400;

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name}={value} is not a number")),
    )
}

fn main() -> ExitCode {
    if let Some(seed) = number("SEED") {
        println!("{}", run_seed(seed, true));
        return ExitCode::SUCCESS;
    }
    let first = number("FIRST").unwrap_or(0);
    let count = number("SEEDS").unwrap_or(ENOUGH_SEEDS);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let start = Instant::now();
    let (counts, failed) = run_seeds(first..first + count, threads);
    print!("{counts}");
    let seconds = start.elapsed().as_secs();
    println!("{count} seeds in {seconds} s, {} failed", failed.len());
    if !failed.is_empty() {
        println!("make sim SEED={} shows the first of {failed:?}", failed[0]);
        return ExitCode::FAILURE;
    }
    let below = counts.below_floor();
    if count >= ENOUGH_SEEDS && !below.is_empty() {
        println!("fewer than {FLOOR}: {}", below.join(", "));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
