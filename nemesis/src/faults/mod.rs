//! The catalogue of faults: what each one aims at, and its rhythm.
//!
//! Nothing here carries a fault out or reads a clock: everything is decided from a [`crate::View`] and dice.

mod aim;
mod cycle;
mod partition;
mod rhythm;
mod spec;
mod syntax;

pub use spec::{FaultKind, FaultSpec};
pub use syntax::FaultSyntaxError;
