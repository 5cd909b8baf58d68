//! The harness: workloads, the run loop, suites, comparison, reports and the command line.
//!
//! Only this crate prints, exits or reads the environment.

pub mod conductor;
pub mod exit;
mod findings;
pub mod generator;
pub mod outcome;
pub mod progress;
pub mod run;
pub mod spec;
pub mod stage;
pub mod workloads;

use std::process::ExitCode;
use std::sync::Arc;

use systems::System;

/// The whole command line, over the bundled systems and `own`, a user's own.
pub fn main(_own: &[Arc<dyn System>]) -> ExitCode {
    exit::Exit::NothingRan.into()
}
