//! Exit codes. Others script against them: a code never changes its meaning.

use std::process::ExitCode;

/// How a command ended. Of several, the one with the highest precedence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every verdict was as expected.
    Success,
    /// A violation, or a verdict other than the expected one.
    Violation,
    /// Unknown or inconclusive.
    Undecided,
    /// The harness failed, or an input file cannot be read or is malformed.
    HarnessFailure,
    /// Nothing ran.
    NothingRan,
    /// A flag, mode, key, fault or file name that is not known.
    Usage,
    /// A bug in the harness.
    Bug,
    /// Ctrl-C; the history is flushed, the cluster healed and stopped.
    Interrupted,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Violation => 1,
            Self::Undecided => 2,
            Self::HarnessFailure => 3,
            Self::NothingRan => 4,
            Self::Usage => 64,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }

    /// The exit of another process of this program.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        let all = [
            Self::Success,
            Self::Violation,
            Self::Undecided,
            Self::HarnessFailure,
            Self::NothingRan,
            Self::Usage,
            Self::Bug,
            Self::Interrupted,
        ];
        all.into_iter().find(|exit| exit.code() == code)
    }

    /// Higher wins: 130 > 70 > 1 > 3 > 2 > 4 > 0. A wrong usage ends a command before it has anything to merge.
    fn precedence(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::NothingRan => 1,
            Self::Undecided => 2,
            Self::HarnessFailure => 3,
            Self::Violation => 4,
            Self::Usage => 5,
            Self::Bug => 6,
            Self::Interrupted => 7,
        }
    }

    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        if other.precedence() > self.precedence() { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_outranks_a_harness_failure_and_an_interruption_outranks_all() {
        let merged = [Exit::Undecided, Exit::HarnessFailure, Exit::Violation, Exit::Success]
            .into_iter()
            .fold(Exit::Success, Exit::merge);
        assert_eq!(merged, Exit::Violation);
        assert_eq!(Exit::Interrupted.merge(Exit::Bug), Exit::Interrupted);
        assert_eq!(Exit::NothingRan.merge(Exit::Undecided), Exit::Undecided);
    }
}
