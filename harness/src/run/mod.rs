//! A run takes place: start, drive, heal, read, stop. It checks nothing.

mod conduct;
pub mod conductor;
mod crashed;
mod folder;
mod lag;
mod live;
mod note;
mod pace;
mod prepared;
pub mod progress;
pub(crate) mod rehearsal;
mod scaling;
mod sequence;
mod sim;
pub mod stage;

pub use conduct::{Conducted, conduct};
pub use crashed::Crashed;
pub use folder::RunFolder;
pub(crate) use folder::{executable_digest, replace};
pub use note::{Note, Shortfall};
pub use pace::{Pace, Stall};
pub(crate) use prepared::Prepared;
pub(crate) use scaling::reads_per_second;
pub(crate) use sim::{Simulated, Watch, simulate};

use self::progress::{Ends, Progress};
use crate::cli::failure::Failure;
use crate::plan::spec::{RunSpec, StageName};

/// The harness could not carry a run out: no verdict, and never a pass.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("{0}")]
    Harness(String),
    /// Ctrl-C. A run with a folder has an outcome all the same, which is not finished.
    #[error("interrupted")]
    Interrupted,
}

impl RunError {
    pub(crate) fn harness(error: impl std::fmt::Display) -> Self {
        Self::Harness(error.to_string())
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Harness(why) => Self::Harness(why),
            RunError::Interrupted => Self::Interrupted(error.to_string()),
        }
    }
}

/// Carries a run out on the stage that its spec names, and leaves its history in the folder.
pub(crate) fn drive(
    spec: &RunSpec,
    prepared: &Prepared,
    folder: &RunFolder,
    progress: &dyn Progress,
    ends: &Ends,
) -> Result<Conducted, RunError> {
    match spec.stage {
        StageName::Live => live::drive(spec, prepared, folder, progress, ends),
        StageName::Sim => sim::drive(spec, prepared, folder, progress, &ends.interrupt),
    }
}
