//! Histories to files.

pub mod jsonl;
#[cfg(test)]
mod tests;
