//! The operations of a witness alone admit no order.
//!
//! A witness is closed under writers, so a linearization of the whole history would, restricted to it, be one of
//! the witness; a compare-and-set whose source is outside counts there as a plain write.

use std::collections::BTreeSet;

use histories::{AnomalyKind, Function, History, Operation, Outcome, Value};

use crate::Anomaly;
use crate::brute::{self, Access, Effect};
use crate::search;

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), String> {
    if anomaly.kind == AnomalyKind::NotLinearizable {
        return search::confirm_part(history, anomaly);
    }
    let inside: Vec<&Operation> =
        anomaly.witness.operations.iter().map(|&id| history.operation(id)).collect();
    if let Some(op) = inside.iter().find(|op| op.key != anomaly.key) {
        return Err(format!("client {}'s {} is on another key", op.process, op.function));
    }
    let on_key = || history.operations().iter().filter(|op| op.key == anomaly.key);
    let written_anywhere: BTreeSet<&Value> = on_key().filter_map(written).collect();
    let written_inside: BTreeSet<&Value> = inside.iter().filter_map(|op| written(op)).collect();
    let mut accesses = Vec::new();
    for op in inside {
        let Some(effect) = effect(op) else { continue };
        let effect = match effect {
            Effect::Cas(from, to) if written_anywhere.contains(&from) && !written_inside.contains(&from) => {
                Effect::Write(to)
            }
            Effect::Read(value) if written_anywhere.contains(&value) && !written_inside.contains(&value) => {
                return Err(format!("the witness lacks the write of {value}"));
            }
            other => other,
        };
        let ret = (op.outcome != Outcome::Info).then_some(op.completed.0);
        accesses.push(Access { call: op.invoked.0, ret, effect });
    }
    contract(&mut accesses);
    if accesses.len() > brute::OPERATIONS_MAX {
        return Err(format!("{} operations are too many to re-check", accesses.len()));
    }
    if brute::linearizable(&accesses) { Err("the witness has a valid order".into()) } else { Ok(()) }
}

/// What an operation wrote, or may have.
fn written(op: &Operation) -> Option<&Value> {
    match op.function {
        _ if op.outcome == Outcome::Fail => None,
        Function::Write => Some(&op.call),
        Function::Cas => op.call.as_pair().map(|(_, to)| to),
        _ => None,
    }
}

fn effect(op: &Operation) -> Option<Effect> {
    match (&op.function, op.outcome) {
        (Function::Read, Outcome::Ok) => Some(Effect::Read(op.reply.clone())),
        (Function::Cas, Outcome::Fail) if !op.reply.is_null() => Some(Effect::Read(op.reply.clone())),
        (Function::Write, Outcome::Ok | Outcome::Info) => Some(Effect::Write(op.call.clone())),
        (Function::Cas, Outcome::Ok | Outcome::Info) => {
            op.call.as_pair().map(|(from, to)| Effect::Cas(from.clone(), to.clone()))
        }
        _ => None,
    }
}

/// Makes one compare-and-set without bounds in time of two that follow each other, while there are too many: what
/// stands contiguous in every order still does, and with fewer bounds.
fn contract(accesses: &mut Vec<Access>) {
    while accesses.len() > brute::OPERATIONS_MAX {
        let Some((first, second, joined)) = joinable(accesses) else { return };
        accesses[first] = Access { call: 0, ret: None, effect: joined };
        accesses.remove(second);
    }
}

fn joinable(accesses: &[Access]) -> Option<(usize, usize, Effect)> {
    let uses = |value: &Value| {
        let used = |access: &&Access| match &access.effect {
            Effect::Read(seen) => seen == value,
            Effect::Cas(from, _) => from == value,
            Effect::Write(_) => false,
        };
        accesses.iter().filter(used).count()
    };
    accesses.iter().enumerate().find_map(|(first, access)| {
        let Effect::Cas(from, middle) = &access.effect else { return None };
        if uses(middle) != 1 {
            return None;
        }
        accesses.iter().enumerate().find_map(|(second, access)| match &access.effect {
            Effect::Cas(source, to) if source == middle && second != first => {
                Some((first, second, Effect::Cas(from.clone(), to.clone())))
            }
            _ => None,
        })
    })
}
