//! Hostile input for the reader of `cobra`.
#![no_main]

use histories::read::Format;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| histories_fuzz::read(Some(Format::Cobra), bytes));
