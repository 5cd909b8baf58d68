//! Re-checks an anomaly against the history it came from, by definitions alone.
//!
//! It shares nothing with the searches: neither their tables nor their rules.

mod causal;
mod convergence;
mod durability;
mod growth;
mod linear;
mod policy;
mod replay;
mod rules;
mod sequences;
mod sequential;
mod sessions;

use histories::{AnomalyKind, History, ModelName};

use crate::Anomaly;

pub(crate) use replay::replay;

/// Whether the history really holds what the anomaly claims; the text says what it does not hold.
pub fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), String> {
    let known = history.operations().len();
    let beyond = anomaly.witness.operations.iter().find(|id| id.index() >= known);
    if let Some(id) = beyond {
        return Err(format!("the witness names operation {} of {known}", id.0));
    }
    match anomaly.witness.model {
        ModelName::Linearizable => linear::confirm(history, anomaly),
        ModelName::Durability => durability::confirm(history, anomaly),
        ModelName::Convergence => convergence::confirm(history, anomaly),
        ModelName::ConflictPolicy => policy::confirm(history, anomaly),
        ModelName::Set if anomaly.kind == AnomalyKind::LostWrite => durability::confirm(history, anomaly),
        ModelName::Set
        | ModelName::Counter
        | ModelName::Bank
        | ModelName::Queue
        | ModelName::UniqueIds
        | ModelName::LongFork
        | ModelName::Mutex => rules::confirm(history, anomaly),
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
    }
}
