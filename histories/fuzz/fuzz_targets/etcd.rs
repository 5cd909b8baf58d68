//! Hostile input for the reader of `etcd`.
#![no_main]

use histories::read::Format;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| histories_fuzz::read(Some(Format::Etcd), bytes));
