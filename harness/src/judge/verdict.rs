//! What is said of a run, model by model, as data. Words are made of it by [`crate::report`].

use std::fmt;

use histories::{AnomalyKind, ModelName};
use serde::{Serialize, Serializer};

pub use crate::plan::expect::Expected;

/// What a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A consistency model, decided by a checker.
    Model(ModelName),
    /// Whether the others went on after a minority was lost for good.
    Progress,
    /// Whether the replicas kept the invariants of their protocol, seen from inside.
    Replicas,
    /// Whether the nodes' processes ran until a fault or the harness ended them.
    Processes,
    /// What a checker of this program's own decides.
    Property(&'static str),
}

impl Subject {
    pub fn name(self) -> &'static str {
        match self {
            Self::Model(model) => model.name(),
            Self::Progress => "progress",
            Self::Replicas => "replicas",
            Self::Processes => "processes",
            Self::Property(name) => name,
        }
    }
}

impl From<ModelName> for Subject {
    fn from(model: ModelName) -> Self {
        Self::Model(model)
    }
}

impl PartialEq<ModelName> for Subject {
    fn eq(&self, model: &ModelName) -> bool {
        *self == Self::Model(*model)
    }
}

/// Whether what a verdict is about held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictKind {
    Valid,
    Invalid,
    /// Not decided: the budget ran out, or evidence is missing.
    Unknown,
    /// It says nothing about such a run.
    NotApplicable,
}

impl VerdictKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not-applicable",
        }
    }
}

impl From<&checkers::Verdict> for VerdictKind {
    fn from(verdict: &checkers::Verdict) -> Self {
        match verdict {
            checkers::Verdict::Valid => Self::Valid,
            checkers::Verdict::Invalid(_) => Self::Invalid,
            checkers::Verdict::Unknown(_) | checkers::Verdict::Refuted(_) => Self::Unknown,
            checkers::Verdict::NotApplicable(_) => Self::NotApplicable,
        }
    }
}

/// How something was violated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    Anomaly(AnomalyKind),
    /// Replicas contradict each other.
    BrokenInvariant,
    /// What was asked for was not answered in time.
    NoProgress,
    /// A node ended by itself.
    NodeCrashed,
    /// A property of this program's own did not hold.
    Property(&'static str),
}

impl Violation {
    pub fn name(self) -> &'static str {
        match self {
            Self::Anomaly(kind) => kind.name(),
            Self::BrokenInvariant => "broken-invariant",
            Self::NoProgress => "no-progress",
            Self::NodeCrashed => "node-crashed",
            Self::Property(name) => name,
        }
    }
}

/// Whether a fault was carried out: the less certain of how it began and how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppliedKind {
    Installed,
    Skipped,
    Indeterminate,
}

impl AppliedKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Skipped => "skipped",
            Self::Indeterminate => "indeterminate",
        }
    }
}

impl From<&histories::Applied> for AppliedKind {
    fn from(applied: &histories::Applied) -> Self {
        match applied {
            histories::Applied::Installed(_) => Self::Installed,
            histories::Applied::Skipped(_) => Self::Skipped,
            histories::Applied::Indeterminate(_) => Self::Indeterminate,
        }
    }
}

/// In JSON and in tables each stands by its name.
macro_rules! named {
    ($($type:ty)*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }
    )*};
}

named!(Subject VerdictKind Violation AppliedKind);
