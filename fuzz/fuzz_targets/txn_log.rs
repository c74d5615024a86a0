//! Any bytes as a txn log: read or refused, and what is put right stays right.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = sim::fuzz::txn_log(bytes);
});
