//! An anomaly of linearizability from the steps that tell it.
//!
//! A checker of another model names that model in the witness.

use histories::{AnomalyKind, KeyId, ModelName, OperationId};

use super::registers::Register;
use crate::{Anomaly, Step, Witness};

/// The witness is the steps' operations and those of `beside`, by id.
pub(crate) fn anomaly(
    kind: AnomalyKind,
    summary: String,
    key: Option<KeyId>,
    steps: Vec<Step>,
    facts: Vec<String>,
    beside: &[OperationId],
) -> Anomaly {
    let mut operations: Vec<OperationId> =
        steps.iter().map(|step| step.operation).chain(beside.iter().copied()).collect();
    operations.sort_unstable();
    operations.dedup();
    let witness = Witness { model: ModelName::Linearizable, operations };
    Anomaly { kind, summary, key, steps, facts, edges: Vec::new(), not_rechecked: None, witness }
}

/// Adds rows to a witness.
pub(crate) fn beside(anomaly: &mut Anomaly, register: &Register, rows: &[u32]) {
    let operations = &mut anomaly.witness.operations;
    operations.extend(rows.iter().map(|&row| register.rows[row as usize].operation));
    operations.sort_unstable();
    operations.dedup();
}
