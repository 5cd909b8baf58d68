//! Why a lie, or a planted bug, was not noticed. [`crate::report`] makes words of it.

use histories::{Function, ModelName};
use serde::{Serialize, Serializer};
use systems::Trap;

/// Whether a lie could have been noticed at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gravity {
    /// Nothing was there to lie about, or what is promised allows the lie: no fault of the suite's.
    OutOfScope,
    /// The suite does what the lie is about and can never tell.
    Blind,
    /// It could have been noticed, and was not.
    Missed,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unnoticed {
    /// No workload issues such an operation.
    NoOperation {
        functions: &'static [Function],
    },
    /// None of the models that may notice it is promised or expected.
    NotPromised {
        models: &'static [ModelName],
    },
    /// No operation gave occasion to it.
    NoOccasion {
        runs: u64,
    },
    /// The runs are not those that are known to find the bug.
    OtherTrap(&'static Trap),
    /// What was updated is read by nothing.
    NothingReadBack,
    /// So many clients on one key are needed, and no more than this many were there.
    FewClients {
        needed: usize,
        there: usize,
    },
    FewKeys {
        needed: usize,
        there: usize,
    },
    /// Of so many updates, so many gave their key a value that it had been given before.
    ValuesRepeat {
        updates: u64,
        repeated: u64,
        told: u64,
        runs: u64,
    },
    Unseen {
        told: u64,
        runs: u64,
    },
    /// A bug that no checker noticed.
    NotFound {
        runs: u64,
    },
    /// No run with it came to an end.
    NeverRan {
        why: String,
    },
}

impl Unnoticed {
    pub(crate) fn gravity(&self) -> Gravity {
        match self {
            Self::NoOperation { .. }
            | Self::NotPromised { .. }
            | Self::NoOccasion { .. }
            | Self::OtherTrap(_) => Gravity::OutOfScope,
            Self::NothingReadBack | Self::FewClients { .. } | Self::FewKeys { .. } => Gravity::Blind,
            Self::ValuesRepeat { .. }
            | Self::Unseen { .. }
            | Self::NotFound { .. }
            | Self::NeverRan { .. } => Gravity::Missed,
        }
    }

    /// As it stands in JSON.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::NoOperation { .. } => "no-operation",
            Self::NotPromised { .. } => "not-promised",
            Self::NoOccasion { .. } => "no-occasion",
            Self::OtherTrap(_) => "other-trap",
            Self::NothingReadBack => "nothing-read-back",
            Self::FewClients { .. } => "few-clients",
            Self::FewKeys { .. } => "few-keys",
            Self::ValuesRepeat { .. } => "values-repeat",
            Self::Unseen { .. } => "unseen",
            Self::NotFound { .. } => "not-found",
            Self::NeverRan { .. } => "never-ran",
        }
    }
}

impl Serialize for Unnoticed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
