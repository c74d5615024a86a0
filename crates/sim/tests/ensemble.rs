//! Whole ensembles with clients; `make sim` runs many more seeds.

use std::panic::catch_unwind;

use persistence::SyncPoint;
use sim::ensemble::{run_seed, run_seed_without_sync};

#[test]
fn ensembles_keep_their_promises_whatever_happens() {
    for seed in 0..20 {
        run_seed(seed, false);
    }
}

#[test]
fn a_seed_is_the_same_each_time() {
    assert_eq!(run_seed(7, false), run_seed(7, false));
}

/// The disk says that it did what was asked.
#[test]
fn a_sync_that_is_missing_is_found() {
    for point in [
        SyncPoint::LogRecords,
        SyncPoint::NewLogFile,
        SyncPoint::EpochFile,
        SyncPoint::EpochName,
    ] {
        let found = (0..60).find(|seed| {
            let seed = *seed;
            catch_unwind(move || run_seed_without_sync(seed, point)).is_err()
        });
        assert!(found.is_some(), "nobody missed {point:?}");
    }
}
