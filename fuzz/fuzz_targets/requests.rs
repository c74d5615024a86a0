//! Any requests: answered or refused, and the tree stays sound.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sim::fuzz::requests(bytes));
