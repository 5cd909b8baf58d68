//! From a resolved run to its outcome: start, drive, heal, read, stop, check.

use crate::outcome::RunOutcome;
use crate::progress::{Interrupt, Progress};
use crate::spec::RunSpec;

/// The harness could not carry a run out: no verdict, and never a pass.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("{0}")]
    Harness(String),
    /// Ctrl-C. What was recorded is in the folder.
    #[error("interrupted; what was recorded is in {0}")]
    Interrupted(String),
}

/// Carries a run out and checks its history.
pub fn execute(
    _spec: &RunSpec,
    _progress: &dyn Progress,
    _interrupt: &Interrupt,
) -> Result<RunOutcome, RunError> {
    Err(RunError::Harness("not built yet".into()))
}
