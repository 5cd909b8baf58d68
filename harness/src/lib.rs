//! The harness: workloads, the run loop, suites, comparison, reports and the command line.
//!
//! Only this crate prints, exits or reads the environment.

mod catalogue;
mod checking;
mod cli;
mod commands;
mod compare;
pub mod conductor;
mod config;
mod dispatch;
pub mod exit;
pub mod expect;
pub mod explain;
mod failure;
mod faults;
mod findings;
pub mod generator;
mod grid;
mod hunt;
mod loading;
mod names;
mod options;
pub mod outcome;
mod paint;
mod plan;
pub mod progress;
mod quantity;
mod reading;
mod recipe;
pub mod report;
pub mod run;
pub mod script;
mod selftest;
mod sequence;
mod shrink;
pub mod spec;
pub mod stage;
mod suite;
mod terminal;
#[cfg(test)]
mod testing;
mod toml_file;
mod tradeoffs;
pub mod workloads;

use std::process::ExitCode;
use std::sync::Arc;

use systems::System;

/// The whole command line, over the bundled systems and `own`, a user's own.
pub fn main(own: &[Arc<dyn System>]) -> ExitCode {
    dispatch::main(own)
}
