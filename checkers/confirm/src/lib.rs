//! Re-checks proofs against the history that they came from, by definitions alone.
//!
//! This crate shares nothing with the checkers: it reads operations, specifies objects and builds relations by its own
//! rules, so that a fault of a checker does not hide itself here. Where it would need a search it tries all orders, up to
//! a limit, and says so beyond it.

mod accesses;
mod action;
mod apart;
mod causal;
pub mod certificate;
mod convergence;
mod durability;
mod growth;
mod inserts;
mod isolation;
mod linear;
mod log;
mod loose;
mod orders;
mod parts;
mod policy;
pub mod prefix;
mod register;
mod replay;
mod rules;
mod sequences;
mod sequential;
mod sessions;
mod state;
mod whole;

use finding::Anomaly;
use histories::{AnomalyKind, History, ModelName, OperationId};

pub use parts::{Kind, Part, QueueOrder, parts};
pub use replay::replay;
pub use sequences::Pieces;

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
    pub fn too_many_operations(count: usize) -> Self {
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
            inserts::confirm(history, anomaly)
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

/// An operation in a few words: `operation 7, client 3's write`.
fn named(history: &History, id: OperationId) -> String {
    let op = history.operation(id);
    format!("operation {}, client {}'s {}", id.0, op.process, op.function)
}
