//! From names to runs: suites, the matrix of runs that they mean, and each run with every question answered.
//!
//! What can be refused is refused here, before anything starts.

pub(crate) mod catalogue;
pub mod expect;
pub mod faults;
mod matrix;
pub(crate) mod recipe;
pub mod spec;
pub(crate) mod suite;

pub(crate) use matrix::{layout, left_out, running_time, specs};
