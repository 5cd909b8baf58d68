//! Histories to files.

pub mod jsonl;
