//! Identifiers: none is given out twice.
//!
//! It never looks at what was asked for, only at what was answered.

use histories::{AnomalyKind, Function, History, ModelName, OperationId};
use rustc_hash::FxHashMap;

use crate::core::ruling::Ruling;
use crate::{Anomaly, Budget, Witness, words};

pub(super) fn decide(history: &History, _budget: &Budget) -> Ruling {
    let generated = || history.iter().filter(|(_, op)| op.function == Function::Generate);
    if generated().next().is_none() {
        return Ruling::not_applicable("no operation generates an identifier");
    }
    let mut ruling = Ruling::default();
    let mut first = FxHashMap::default();
    for (id, op) in generated().filter(|(_, op)| op.is_ok() && !op.reply().is_null()) {
        ruling.judged += 1;
        let earlier = *first.entry((op.key, op.reply())).or_insert(id);
        if earlier != id {
            ruling.anomalies.push(twice(history, earlier, id));
        }
    }
    if ruling.judged == 0 {
        ruling.undecided.push("no identifier was given out".into());
    }
    ruling
}

fn twice(history: &History, first: OperationId, second: OperationId) -> Anomaly {
    let (one, other) = (history.operation(first), history.operation(second));
    let value = one.reply();
    Anomaly {
        kind: AnomalyKind::DuplicateId,
        edges: Vec::new(),
        not_rechecked: None,
        summary: format!("client {} and client {} were both given {value}", one.process, other.process),
        key: one.key,
        steps: [first, second].map(|id| words::completed(history, id, format!("was given {value}"))).to_vec(),
        facts: vec!["an identifier is given out once".into()],
        witness: Witness { model: ModelName::UniqueIds, operations: vec![first, second] },
    }
}
