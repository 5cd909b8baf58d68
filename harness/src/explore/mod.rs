//! Many simulated runs: hunts for one that fails, the smallest that still fails, planted bugs that have to be found,
//! and suites that have to notice lies.

pub(crate) mod calibrate;
pub(crate) mod hunt;
pub(crate) mod selftest;
pub(crate) mod shrink;
