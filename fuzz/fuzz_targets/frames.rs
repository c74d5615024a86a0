//! Any bytes from a client, in pieces of any size: cut into the frames that they are, or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sim::fuzz::frames(bytes));
