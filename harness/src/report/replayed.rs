//! What a run that was done again came to, as data.

use std::path::PathBuf;

use crate::cli::exit::Exit;
use crate::judge::outcome::RunOutcome;

/// Of `replay`.
pub(crate) struct Replayed<'a> {
    pub(crate) exit: Exit,
    pub(crate) outcome: &'a RunOutcome,
    /// The SHA-256 of the history, in hexadecimal digits.
    pub(crate) history_sha256: String,
    /// How the history is related to that of the earlier run, where they have to be the same.
    pub(crate) compared: Option<Compared>,
    pub(crate) trace: Option<Trace>,
}

/// A history beside that of the earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    Same,
    Another {
        /// The first that differs, from 1.
        line: usize,
        why: Difference,
    },
    /// There is no earlier history, and this is why.
    Nothing(String),
}

/// Why a run that should be the same is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// The earlier run's `env.json` is not as that run left it.
    Configuration,
    /// The earlier run was of this version of the program.
    Version(String),
    /// The earlier run was of another build of this version.
    Build,
    /// Nothing differs that may make a difference.
    Unexplained,
}

/// The files that a trace was written to.
pub(crate) struct Trace {
    /// Every message, timer, write and fault.
    pub(crate) log: PathBuf,
    /// The last moments as a sequence diagram.
    pub(crate) drawing: PathBuf,
}
