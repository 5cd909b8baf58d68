//! Many simulated runs: hunts for one that fails, the smallest that still fails, and planted bugs that have to be found.

pub(crate) mod hunt;
pub(crate) mod selftest;
pub(crate) mod shrink;
