//! Any bytes as a snapshot, in each form: read or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sim::fuzz::any_snapshot(bytes));
