//! The operations of a witness on sets that only grow, or lists that are only appended to, have no legal order.
//!
//! It never counts on an addition that may not have happened, nor on a key whose elements something else may change.

use histories::{Function, History, Operation, OperationId, Outcome, Value};

use super::causal::{closure, cyclic, relation};

pub(super) fn confirm(history: &History, inside: &[OperationId]) -> Result<(), String> {
    let operations: Vec<&Operation> = inside.iter().map(|&id| history.operation(id)).collect();
    for &op in &operations {
        only_grows(history, op)?;
        if adds(op) && !happened(history, op) {
            return Err(format!("nobody saw that the {} of {} happened", op.function, op.call()));
        }
    }
    if operations.iter().any(|op| is_impossible(history, op)) {
        return Ok(());
    }
    let comes_before = |a: usize, b: usize| comes_before(&operations, operations[a], operations[b]);
    if cyclic(&closure(relation(operations.len(), comes_before))) {
        return Ok(());
    }
    Err("what the witness shows of additions is no contradiction".into())
}

fn adds(op: &Operation) -> bool {
    matches!(op.function, Function::Add | Function::Append)
}

fn reads(op: &Operation) -> bool {
    op.function.is_read() && op.is_ok()
}

/// Whether an operation adds to its key or reads it, and all others of that key do, each element once.
fn only_grows(history: &History, op: &Operation) -> Result<(), String> {
    if !adds(op) && !reads(op) {
        return Err(format!("an {} neither adds nor reads", op.function));
    }
    let of_key = |other: &&Operation| other.key == op.key || other.key.is_none();
    for other in history.operations().iter().filter(of_key) {
        let harmless = other.function.only_looks();
        if other.outcome != Outcome::Fail && !harmless && !adds(other) {
            return Err(format!("an {} may change more", other.function));
        }
        if adds(op) && other.call_event != op.call_event && may_add(other, op, op.call()) {
            return Err(format!("{} is added more than once", op.call()));
        }
    }
    Ok(())
}

/// Whether an operation may have added an element to the key of another.
fn may_add(op: &Operation, of: &Operation, element: &Value) -> bool {
    adds(op) && op.outcome != Outcome::Fail && op.key == of.key && op.call() == element
}

/// A read of what nobody can have added, or of what was appended once and is there twice.
fn is_impossible(history: &History, read: &Operation) -> bool {
    let seen = if reads(read) { shown(read) } else { &[] };
    seen.iter().enumerate().any(|(at, element)| {
        let mut additions = history.operations().iter().filter(|op| may_add(op, read, element));
        let Some(first) = additions.next() else { return true };
        first.function == Function::Append && additions.next().is_none() && seen[..at].contains(element)
    })
}

fn shown(read: &Operation) -> &[Value] {
    read.reply().as_list().unwrap_or_default()
}

fn happened(history: &History, addition: &Operation) -> bool {
    let sees = |op: &Operation| reads(op) && op.key == addition.key && shown(op).contains(addition.call());
    addition.is_ok() || (addition.outcome == Outcome::Info && history.operations().iter().any(sees))
}

fn comes_before(operations: &[&Operation], a: &Operation, b: &Operation) -> bool {
    if a.process == b.process && a.outcome != Outcome::Info && a.call_event < b.call_event {
        return true;
    }
    if a.key != b.key || a.call_event == b.call_event {
        return false;
    }
    match (adds(a), adds(b)) {
        (true, false) => shown(b).contains(a.call()),
        (false, true) => !shown(a).contains(b.call()),
        (true, true) if a.function == Function::Append => {
            operations.iter().filter(|op| reads(op) && op.key == a.key).any(|read| {
                let place = |op: &Operation| shown(read).iter().position(|element| element == op.call());
                place(a).zip(place(b)).is_some_and(|(a, b)| a < b)
            })
        }
        _ => false,
    }
}
