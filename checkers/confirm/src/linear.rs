//! The operations of a witness alone admit no order.
//!
//! A witness is closed under writers, so a linearization of the whole history would, restricted to it, be one of
//! the witness; a compare-and-set whose source is outside counts there as a plain write.

use std::collections::BTreeMap;

use finding::Anomaly;
use histories::{AnomalyKind, Function, History, Operation, OperationId, Outcome, Value};

use crate::action::Action;
use crate::register::{decided, timed};

use super::{Unconfirmed, sequences, whole};

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    let in_transaction = |&id: &OperationId| history.operation(id).function == Function::Txn;
    let is_unwritten = matches!(anomaly.kind, AnomalyKind::PhantomRead | AnomalyKind::AbortedRead);
    if is_unwritten && anomaly.witness.operations.iter().any(in_transaction) {
        return super::causal::confirm(history, anomaly);
    }
    let is_named = anomaly.kind != AnomalyKind::NotLinearizable;
    let by_values = if is_named { by_values(history, anomaly) } else { Err("".into()) };
    let Err(why) = by_values else { return Ok(()) };
    whole::confirm(history, anomaly).map_err(|other| match other {
        Unconfirmed::Refuted(_) if is_named => why,
        other => other,
    })
}

/// By the values that operations wrote and saw, each of which was written once.
fn by_values(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    if sequences::is_sequence(history, anomaly.key) {
        return sequences::confirm(history, anomaly);
    }
    // Where something is appended, what is only written and read may be a string, which is empty at first.
    let is_other = |op: &&Operation| {
        let of_register =
            matches!(op.function, Function::Read | Function::Write | Function::Cas | Function::Dump);
        op.function == Function::Append || op.key == anomaly.key && !of_register
    };
    if let Some(op) = history.operations().iter().find(is_other) {
        return Err(format!("an {} is no operation of a register", op.function).into());
    }
    let inside: Vec<&Operation> =
        anomaly.witness.operations.iter().map(|&id| history.operation(id)).collect();
    if let Some(op) = inside.iter().find(|op| op.key != anomaly.key) {
        return Err(format!("client {}'s {} is on another key", op.process, op.function).into());
    }
    let on_key = history.operations().iter().filter(|op| op.key == anomaly.key);
    let written_anywhere = count(on_key.filter_map(written));
    let written_inside = count(inside.iter().filter_map(|op| written(op)));
    // Where a value was written outside, too, what saw it may have seen that.
    let lacks = |value: &Value| written_anywhere.get(value) != written_inside.get(value);
    let mut operations = Vec::new();
    for op in inside {
        let Some(action) = action(op) else { continue };
        let action = match action {
            Action::Swap { from, to } if lacks(&from) => Action::Put(to),
            Action::Show(value) if lacks(&value) => {
                return Err(format!("the witness lacks the write of {value}").into());
            }
            other => other,
        };
        operations.push(timed(op, action));
    }
    decided(operations)
}

/// How often each value is written.
fn count<'h>(values: impl Iterator<Item = &'h Value>) -> BTreeMap<&'h Value, usize> {
    let mut counts = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    counts
}

/// What an operation wrote, or may have.
fn written(op: &Operation) -> Option<&Value> {
    match op.function {
        _ if op.outcome == Outcome::Fail => None,
        Function::Write => Some(op.call()),
        Function::Cas => op.call().as_pair().map(|(_, to)| to),
        _ => None,
    }
}

fn action(op: &Operation) -> Option<Action> {
    match (&op.function, op.outcome) {
        (Function::Read, Outcome::Ok) => Some(Action::Show(op.reply().clone())),
        (Function::Cas, Outcome::Fail) if op.seen().is_some() => Some(Action::Show(op.reply().clone())),
        (Function::Write, Outcome::Ok | Outcome::Info) => Some(Action::Put(op.call().clone())),
        (Function::Cas, Outcome::Ok | Outcome::Info) => {
            op.call().as_pair().map(|(from, to)| Action::Swap { from: from.clone(), to: to.clone() })
        }
        _ => None,
    }
}
