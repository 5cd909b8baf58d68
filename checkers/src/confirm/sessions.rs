//! A circle of demands, each made by one session: first it knew of one value, then it returned or wrote another.
//!
//! It never builds a graph; a witness is a list of pairs, and each pair is looked at by itself.

use histories::{AnomalyKind, Function, History, KeyId, ModelName, Operation, Outcome, Value};

use crate::Anomaly;

type Write<'h> = (Option<KeyId>, &'h Value);

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), String> {
    if matches!(anomaly.kind, AnomalyKind::PhantomRead | AnomalyKind::AbortedRead) {
        return super::linear::confirm(history, anomaly);
    }
    let operations: Vec<&Operation> =
        anomaly.witness.operations.iter().map(|&id| history.operation(id)).collect();
    let model = anomaly.witness.model;
    let hops: Vec<(Write<'_>, Write<'_>)> = operations
        .chunks(2)
        .map(|pair| if let [first, then] = pair { demand(model, first, then) } else { None })
        .collect::<Option<_>>()
        .ok_or("a pair of the witness demands nothing")?;
    let Some((last, _)) = hops.split_last() else { return Err("the witness is empty".into()) };
    if hops.len() == 1 && last.1.1.is_null() {
        return Ok(());
    }
    let closes = (0..hops.len()).all(|i| hops[i].1 == hops[(i + 1) % hops.len()].0);
    let proper = hops.len() > 1 || model == ModelName::WritesFollowReads;
    if closes && proper { Ok(()) } else { Err("the demands form no circle".into()) }
}

/// Which write has to be arbitrated before which, by what one session did in this order.
fn demand<'h>(model: ModelName, first: &'h Operation, then: &'h Operation) -> Option<(Write<'h>, Write<'h>)> {
    let before = first.call_event < then.call_event;
    if first.process != then.process {
        return None;
    }
    let (from, to) = match model {
        ModelName::ReadYourWrites => (wrote(first).filter(|_| first.is_ok() && before)?, read(then)?),
        ModelName::MonotonicReads => (read(first).filter(|_| before)?, read(then)?),
        ModelName::MonotonicWrites => (wrote(first).filter(|_| before)?, wrote(then)?),
        ModelName::WritesFollowReads => {
            // A compare-and-set reads before it writes.
            (read(first).filter(|_| first.call_event <= then.call_event)?, wrote(then)?)
        }
        _ => return None,
    };
    let same_key =
        from.0 == to.0 || model == ModelName::WritesFollowReads || model == ModelName::MonotonicWrites;
    (same_key && !from.1.is_null()).then_some((from, to))
}

fn read(op: &Operation) -> Option<Write<'_>> {
    match (&op.function, op.outcome) {
        (Function::Read, Outcome::Ok) => Some((op.key, op.reply())),
        (Function::Cas, Outcome::Fail) if op.seen().is_some() => Some((op.key, op.reply())),
        (Function::Cas, Outcome::Ok | Outcome::Info) => op.call().as_pair().map(|(from, _)| (op.key, from)),
        _ => None,
    }
}

fn wrote(op: &Operation) -> Option<Write<'_>> {
    match (&op.function, op.outcome) {
        (_, Outcome::Fail) => None,
        (Function::Write, _) => Some((op.key, op.call())),
        (Function::Cas, _) => op.call().as_pair().map(|(_, to)| (op.key, to)),
        _ => None,
    }
}
