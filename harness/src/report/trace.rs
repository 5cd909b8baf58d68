//! What the formats that draw operations over time have in common: the histories of runs, and operations in short.

use std::path::Path;

use histories::{History, Operation, Outcome};

use super::explain;
use crate::cli::failure::Failure;
use crate::judge::outcome::RunOutcome;

/// A run with the history in its folder.
pub(crate) struct Traced<'a> {
    pub(crate) run: &'a RunOutcome,
    pub(crate) history: History,
}

impl<'a> Traced<'a> {
    /// `None` for a run that left no folder.
    pub(crate) fn of(run: &'a RunOutcome) -> Option<Result<Self, Failure>> {
        if run.dir.is_empty() {
            return None;
        }
        let history = histories::read::file(&Path::new(&run.dir).join("history.jsonl"));
        Some(
            history.map(|history| Self { run, history }).map_err(|error| Failure::Harness(error.to_string())),
        )
    }

    /// `register × single/quorum × kill:leader, seed 7`.
    pub(crate) fn title(&self) -> String {
        let run = self.run;
        let faults = if run.faults.is_empty() { "no faults".to_owned() } else { run.faults.join(",") };
        format!("{} × {} × {faults}, seed {}", run.workload, run.mode, run.seed)
    }

    /// `write x 5`, `read x -> 3`.
    pub(crate) fn label(&self, operation: &Operation) -> String {
        explain::brief(&self.history, operation)
    }

    /// When an operation ended, in nanoseconds; one that never did lasts until the end of the history.
    pub(crate) fn end_of(&self, operation: &Operation) -> u64 {
        let end = if operation.has_completion() { operation.completed } else { self.history.end() };
        end.max(operation.invoked).0
    }

    /// The node that was asked, by name.
    pub(crate) fn node(&self, operation: &Operation) -> Option<&str> {
        operation.node.map(|node| self.history.node_name(node))
    }
}

/// `ok`, `fail`, or `info` where the outcome is not known.
pub(crate) fn outcome(operation: &Operation) -> &'static str {
    match operation.outcome {
        Outcome::Ok => "ok",
        Outcome::Fail => "fail",
        Outcome::Info => "info",
    }
}
