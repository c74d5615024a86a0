//! Any bytes as a snapshot that a leader sends, in pieces: the same as at once, or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sim::fuzz::any_transfer(bytes));
