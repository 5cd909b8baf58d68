//! Any bytes, compressed or not, whose format their content tells.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| histories_fuzz::read(None, bytes));
