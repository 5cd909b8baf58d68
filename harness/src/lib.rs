//! The harness: workloads, the run loop, suites, comparison, reports and the command line.
//!
//! Its wings stand in the order in which a run passes through them, and each imports only from those before it:
//! `cli`, `load`, `plan`, `run`, `judge`, `report`, `explore`, `commands`. Only this crate prints, exits or reads the
//! environment.

mod builder;
mod cli;
mod commands;
mod explore;
pub mod judge;
pub mod load;
pub mod plan;
pub mod report;
pub mod run;
#[cfg(test)]
mod testing;

use std::process::ExitCode;
use std::sync::Arc;

use systems::System;

pub use builder::Builder;

/// The command line with parts of one's own: `partita::builder().workload(..).checker(..).main()`.
pub fn builder() -> Builder {
    Builder::default()
}

/// The whole command line, over the bundled systems and `own`, a user's own: the short form of [`builder`].
pub fn main(own: &[Arc<dyn System>]) -> ExitCode {
    builder().systems(own).main()
}
