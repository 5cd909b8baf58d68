//! The catalogue of faults: what each one aims at, and its rhythm.
//!
//! Nothing here carries a fault out or reads a clock: everything is decided from a [`crate::View`] and dice.

mod aim;
mod amount;
mod cycle;
mod kind;
mod links;
mod partition;
mod rhythm;
mod scripted;
mod spec;
mod syntax;
mod table;
mod targets;
mod trigger;

pub use kind::FaultKind;
pub use scripted::ScriptedFault;
pub use spec::FaultSpec;
pub use syntax::FaultSyntaxError;
