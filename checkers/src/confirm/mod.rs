//! Re-checks an anomaly against the history it came from, by definitions alone.
//!
//! It shares nothing with the searches: neither their tables nor their rules. That the operations which a proof lists
//! violate the model by themselves is asked of the checkers, by [`crate::proof`].

mod causal;
mod convergence;
mod durability;
mod growth;
mod isolation;
mod linear;
mod log;
mod policy;
mod replay;
mod rules;
mod sequences;
mod sequential;
mod sessions;

use histories::{AnomalyKind, History, ModelName};

use crate::Anomaly;

pub(crate) use replay::replay;
pub(crate) use sequences::Pieces;

/// Why a proof is not confirmed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unconfirmed {
    /// It proves nothing: says what the history does not hold.
    #[error("{0}")]
    Refuted(String),
    /// There is too much to try: so many of what is named.
    #[error("{count} {what} are too many to re-check")]
    TooLarge { count: usize, what: &'static str },
}

impl Unconfirmed {
    pub(crate) fn too_many_operations(count: usize) -> Self {
        Self::TooLarge { count, what: "operations" }
    }
}

impl From<String> for Unconfirmed {
    fn from(why: String) -> Self {
        Self::Refuted(why)
    }
}

impl From<&str> for Unconfirmed {
    fn from(why: &str) -> Self {
        Self::Refuted(why.to_owned())
    }
}

/// Whether the history really holds what the anomaly claims; the text says what it does not hold.
pub fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    let known = history.operations().len();
    let beyond = anomaly.witness.operations.iter().find(|id| id.index() >= known);
    if let Some(id) = beyond {
        return Err(format!("the witness names operation {} of {known}", id.0).into());
    }
    match anomaly.witness.model {
        ModelName::Linearizable => linear::confirm(history, anomaly),
        ModelName::Durability => Ok(durability::confirm(history, anomaly)?),
        ModelName::Convergence => Ok(convergence::confirm(history, anomaly)?),
        ModelName::ConflictPolicy => policy::confirm(history, anomaly),
        ModelName::Set if anomaly.kind == AnomalyKind::LostWrite => {
            Ok(durability::confirm(history, anomaly)?)
        }
        ModelName::Set
        | ModelName::Counter
        | ModelName::Bank
        | ModelName::Queue
        | ModelName::UniqueIds
        | ModelName::LongFork
        | ModelName::Mutex => rules::confirm(history, anomaly),
        ModelName::Log => log::confirm(history, anomaly),
        ModelName::Sequential => sequential::confirm(history, anomaly),
        ModelName::ReadYourWrites
        | ModelName::MonotonicReads
        | ModelName::MonotonicWrites
        | ModelName::WritesFollowReads => sessions::confirm(history, anomaly),
        ModelName::RealTimeCausal
        | ModelName::CausalConvergence
        | ModelName::CausalMemory
        | ModelName::Causal
        | ModelName::Pram
        | ModelName::ReadAtomic
        | ModelName::ReadCommittedBe => causal::confirm(history, anomaly),
        ModelName::Serializable if anomaly.kind == AnomalyKind::PredicatePhantom => {
            crate::inserts::confirm(history, anomaly)
        }
        ModelName::StrictSerializable
        | ModelName::StrongSessionSerializable
        | ModelName::Serializable
        | ModelName::RepeatableRead
        | ModelName::StrongSnapshotIsolation
        | ModelName::StrongSessionSnapshotIsolation
        | ModelName::SnapshotIsolation
        | ModelName::StrongSessionParallelSnapshotIsolation
        | ModelName::ParallelSnapshotIsolation
        | ModelName::StrongSessionPrefix
        | ModelName::Prefix
        | ModelName::MonotonicAtomicView
        | ModelName::ReadCommitted
        | ModelName::ReadUncommitted => isolation::confirm(history, anomaly),
    }
}
