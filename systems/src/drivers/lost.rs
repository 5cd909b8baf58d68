//! What a driver's connection says of a request that brought no answer, alike for every database.

use histories::Hints;

use crate::Completion;

/// Why a request was not carried out, or why that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Nothing of it left.
    NotSent(String),
    /// The server said that it did not do it.
    Refused(String),
    /// It may have been done.
    Unknown(String),
}

impl Lost {
    /// What became of a transaction that the server had not been asked to commit.
    pub(super) fn before_commit(self) -> Self {
        match self {
            Self::Refused(why) | Self::Unknown(why) => Self::Refused(why),
            Self::NotSent(why) => Self::NotSent(why),
        }
    }

    pub(super) fn into_text(self) -> String {
        match self {
            Self::NotSent(text) | Self::Refused(text) | Self::Unknown(text) => text,
        }
    }

    /// What the client says of its operation. One that only looks and was not answered did nothing.
    pub(super) fn into_completion(self, only_looks: bool) -> Completion {
        match self {
            Self::Unknown(why) if !only_looks => Completion::Info(why),
            lost => failed(lost.into_text()),
        }
    }
}

/// The operation certainly did not happen.
pub(super) fn failed(error: String) -> Completion {
    Completion::Fail { error, seen: None, hints: Hints::NONE }
}
