//! Why a command could not do what it was asked.
//!
//! A verdict is never one of these, however bad.

use std::io;

use histories::Diagnostic;

use crate::cli::exit::Exit;

/// Ends a command before it has an outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What the user asked for does not exist or makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A file that cannot be read or written.
    #[error("{0}")]
    Harness(String),
    /// Ctrl-C, before there was anything to tell.
    #[error("{0}")]
    Interrupted(String),
    /// Standard output broke; a closed pipe is no news.
    #[error("the results could not be written: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Harness(_) | Self::Output(_) => Exit::HarnessFailure,
            Self::Interrupted(_) => Exit::Interrupted,
        }
    }
}

/// Of a suite or a configuration: what is wrong with it is the user's to mend.
impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Usage(diagnostic.to_string())
    }
}
