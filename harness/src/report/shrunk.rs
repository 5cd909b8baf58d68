//! What shrinking came to, as data.

use std::path::Path;

use histories::{AnomalyKind, ModelName};
use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::names;
use crate::judge::outcome::RunOutcome;
use crate::judge::verdict::{Subject, Violation};

/// Of `shrink`.
pub(crate) enum Shrunk<'a> {
    RunHolds(&'a Path),
    HistoryHolds(&'a Path),
    /// Nothing is known to be violated by the history, and this is why.
    Undecided {
        history: &'a Path,
        why: &'a str,
    },
    Run(SmallerRun<'a>),
    History(SmallerHistory<'a>),
}

impl Shrunk<'_> {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::RunHolds(_) | Self::HistoryHolds(_) => Exit::Success,
            Self::Undecided { .. } => Exit::Undecided,
            Self::Run(_) | Self::History(_) => Exit::Violation,
        }
    }
}

/// A smaller run that fails the same check.
pub(crate) struct SmallerRun<'a> {
    /// The smaller run's.
    pub(crate) outcome: &'a RunOutcome,
    pub(crate) subject: Subject,
    /// How the larger run violated it, where that is known.
    pub(crate) violation: Option<Violation>,
    pub(crate) before: Size,
    pub(crate) after: Size,
    /// How many smaller runs were tried.
    pub(crate) trials: u64,
    /// The command that shows it.
    pub(crate) command: &'a str,
}

/// A part of a history that violates the same model.
pub(crate) struct SmallerHistory<'a> {
    pub(crate) model: ModelName,
    pub(crate) anomaly: AnomalyKind,
    /// Operations of the whole history.
    pub(crate) before: usize,
    /// Operations of the part.
    pub(crate) after: usize,
    pub(crate) file: &'a Path,
}

impl SmallerHistory<'_> {
    /// The command that shows it.
    pub(crate) fn command(&self) -> String {
        let file = names::shell_quote(&self.file.display().to_string());
        format!("partita check --model {} {file}", self.model)
    }
}

/// How much there is of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub(crate) struct Size {
    pub(crate) faults: usize,
    pub(crate) operations: usize,
    pub(crate) nodes: u16,
    pub(crate) clients: usize,
    pub(crate) keys: usize,
    pub(crate) seconds: u64,
}
