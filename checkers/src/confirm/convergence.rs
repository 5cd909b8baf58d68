//! Two dumps differ, or one was not answered.
//!
//! It never looks for the best explanation: a node's very last dump is what counts.

use histories::{AnomalyKind, Function, History, Operation, Value};

use crate::Anomaly;

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), String> {
    let dumps: Vec<&Operation> = anomaly.witness.operations.iter().map(|&id| history.operation(id)).collect();
    if dumps.iter().any(|dump| dump.function != Function::Dump) {
        return Err("the witness names something else than dumps".into());
    }
    let later = |dump: &Operation| {
        history.operations().iter().any(|op| {
            op.function == Function::Dump && op.node == dump.node && op.call_event > dump.call_event
        })
    };
    if dumps.iter().any(|dump| later(dump)) {
        return Err("a later dump of the same node exists".into());
    }
    match anomaly.kind {
        AnomalyKind::MissingReplica
            if dumps.iter().any(|dump| dump.is_ok() && dump.reply.as_map().is_some()) =>
        {
            Err("the replica answered".into())
        }
        AnomalyKind::MissingReplica => Ok(()),
        _ => {
            let key = anomaly.key.map(|key| history.key(key).as_str());
            let value = |dump: &&Operation| {
                let map = dump.reply.as_map()?;
                Some(sorted(key.and_then(|key| map.get(key)), is_set(history, anomaly)))
            };
            match (dumps.first().and_then(value), dumps.get(1).and_then(value)) {
                (Some(first), Some(second)) if first != second => Ok(()),
                // A key that no client ever touched has no id: then the states as a whole differ.
                (Some(_), Some(_)) if key.is_none() && dumps[0].reply != dumps[1].reply => Ok(()),
                _ => Err("the dumps hold the same".into()),
            }
        }
    }
}

fn is_set(history: &History, anomaly: &Anomaly) -> bool {
    let changes = |op: &Operation| matches!(op.function, Function::Add | Function::Remove);
    history.operations().iter().any(|op| op.key == anomaly.key && changes(op))
}

fn sorted(value: Option<&Value>, is_set: bool) -> Vec<Value> {
    match value {
        Some(Value::List(items)) if is_set => {
            let mut items = items.to_vec();
            items.sort();
            items
        }
        Some(value) => vec![value.clone()],
        None => vec![Value::Null],
    }
}
