//! The operations of a witness alone admit no order.
//!
//! A witness is closed under writers, so a linearization of the whole history would, restricted to it, be one of
//! the witness; a compare-and-set whose source is outside counts there as a plain write.

use std::collections::BTreeMap;

use histories::{AnomalyKind, Function, History, Operation, OperationId, Outcome, Value};

use crate::Anomaly;
use crate::brute::{self, Access, Effect};
use crate::search;

use super::{Unconfirmed, sequences};

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    let in_transaction = |&id: &OperationId| history.operation(id).function == Function::Txn;
    let is_unwritten = matches!(anomaly.kind, AnomalyKind::PhantomRead | AnomalyKind::AbortedRead);
    if is_unwritten && anomaly.witness.operations.iter().any(in_transaction) {
        return super::causal::confirm(history, anomaly);
    }
    let is_named = anomaly.kind != AnomalyKind::NotLinearizable;
    let by_values = if is_named { by_values(history, anomaly) } else { Err("".into()) };
    by_values.or_else(|why| {
        search::confirm_part(history, anomaly).map_err(|other| if is_named { why } else { other })
    })
}

/// By the values that operations wrote and saw, each of which was written once.
fn by_values(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    if sequences::is_sequence(history, anomaly.key) {
        return sequences::confirm(history, anomaly);
    }
    let inside: Vec<&Operation> =
        anomaly.witness.operations.iter().map(|&id| history.operation(id)).collect();
    if let Some(op) = inside.iter().find(|op| op.key != anomaly.key) {
        return Err(format!("client {}'s {} is on another key", op.process, op.function).into());
    }
    let of_register =
        |op: &&&Operation| matches!(op.function, Function::Read | Function::Write | Function::Cas);
    if let Some(op) = inside.iter().find(|op| !of_register(op)) {
        return Err(format!("an {} is no operation of a register", op.function).into());
    }
    let on_key = history.operations().iter().filter(|op| op.key == anomaly.key);
    let written_anywhere = count(on_key.filter_map(written));
    let written_inside = count(inside.iter().filter_map(|op| written(op)));
    // Where a value was written outside, too, what saw it may have seen that.
    let lacks = |value: &Value| written_anywhere.get(value) != written_inside.get(value);
    let mut accesses = Vec::new();
    for op in inside {
        let Some(effect) = effect(op) else { continue };
        let effect = match effect {
            Effect::Cas(from, to) if lacks(&from) => Effect::Write(to),
            Effect::Read(value) if lacks(&value) => {
                return Err(format!("the witness lacks the write of {value}").into());
            }
            other => other,
        };
        let ret = (op.outcome != Outcome::Info).then_some(op.completed.0);
        accesses.push(Access { call: op.invoked.0, ret, effect });
    }
    contract(&mut accesses);
    if accesses.len() > brute::OPERATIONS_MAX {
        return Err(Unconfirmed::too_many_operations(accesses.len()));
    }
    if brute::linearizable(&accesses) { Err("the witness has a valid order".into()) } else { Ok(()) }
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

fn effect(op: &Operation) -> Option<Effect> {
    match (&op.function, op.outcome) {
        (Function::Read, Outcome::Ok) => Some(Effect::Read(op.reply().clone())),
        (Function::Cas, Outcome::Fail) if op.seen().is_some() => Some(Effect::Read(op.reply().clone())),
        (Function::Write, Outcome::Ok | Outcome::Info) => Some(Effect::Write(op.call().clone())),
        (Function::Cas, Outcome::Ok | Outcome::Info) => {
            op.call().as_pair().map(|(from, to)| Effect::Cas(from.clone(), to.clone()))
        }
        _ => None,
    }
}

/// Makes one compare-and-set of two that follow each other, while there are too many. They stand together in every
/// order, so whatever has to precede the one precedes both, and likewise what has to follow: each bound is kept. Two
/// that real time puts the other way round are left as they are, for they are the proof.
pub(super) fn contract(accesses: &mut Vec<Access>) {
    while accesses.len() > brute::OPERATIONS_MAX {
        let Some((first, second, joined)) = joinable(accesses) else { return };
        accesses[first] = joined;
        accesses.remove(second);
    }
}

fn joinable(accesses: &[Access]) -> Option<(usize, usize, Access)> {
    accesses.iter().enumerate().find_map(|(first, earlier)| {
        let Effect::Cas(_, middle) = &earlier.effect else { return None };
        let is_source =
            |access: &&Access| matches!(&access.effect, Effect::Read(value) | Effect::Cas(value, _) if value == middle);
        let is_origin =
            |access: &&Access| matches!(&access.effect, Effect::Write(value) | Effect::Cas(_, value) if value == middle);
        if accesses.iter().filter(is_source).count() != 1 || accesses.iter().filter(is_origin).count() != 1 {
            return None;
        }
        let (second, later) = accesses.iter().enumerate().find(|(_, access)| is_source(access))?;
        (second != first).then_some(())?;
        Some((first, second, joined(earlier, later)?))
    })
}

/// What two do as one; `None` where the later returned before the earlier began. Where only the later may never have
/// happened, nothing bounds when both have.
fn joined(earlier: &Access, later: &Access) -> Option<Access> {
    let (Effect::Cas(from, _), Effect::Cas(_, to)) = (&earlier.effect, &later.effect) else { return None };
    if later.ret.is_some_and(|ret| ret < earlier.call) {
        return None;
    }
    let ret = later.ret.map(|ret| earlier.ret.map_or(ret, |other| other.min(ret)));
    Some(Access { call: earlier.call.max(later.call), ret, effect: Effect::Cas(from.clone(), to.clone()) })
}
