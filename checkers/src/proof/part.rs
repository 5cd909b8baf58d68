//! A history cut down to a few operations, which say no more than those few explain.
//!
//! What a read shows of an operation that is not listed is removed from the read, because no order of the listed operations
//! could explain it.

use std::collections::{BTreeMap, BTreeSet};

use histories::{Function, History, KeyId, Operation, OperationId, Outcome, Value};

use super::sources::{Item, Sources};

/// The operations of a part, in the order of their invocations. What they show and none of them made is left out; where
/// it `keeps_phantoms`, what no operation of the whole made stays, since that is a contradiction of its own.
pub(super) fn operations(
    history: &History,
    sources: &Sources<'_>,
    listed: &BTreeSet<OperationId>,
    keeps_phantoms: bool,
) -> Vec<Operation> {
    let made = listed.iter().flat_map(|&id| [sources.made(id), sources.failed_to_make(id)].concat());
    let made: BTreeSet<Item> = made.collect();
    let shown = listed.iter().flat_map(|&id| sources.shown(id));
    let mut unexplained: BTreeSet<Item> = shown.filter(|item| !made.contains(item)).collect();
    if keeps_phantoms && !unexplained.is_empty() {
        let elsewhere: BTreeSet<Item> =
            sources.makers(&unexplained, listed).flat_map(|id| sources.made(id)).collect();
        unexplained.retain(|item| elsewhere.contains(item));
    }
    let part = Part { history, sources, listed, unexplained };
    let mut operations: BTreeMap<OperationId, Operation> =
        listed.iter().filter_map(|&id| Some((id, part.saying_less(id)?))).collect();
    for id in part.samples() {
        operations.entry(id).or_insert_with(|| undone(history.operation(id)));
    }
    operations.into_values().collect()
}

struct Part<'h> {
    history: &'h History,
    sources: &'h Sources<'h>,
    listed: &'h BTreeSet<OperationId>,
    /// What listed operations show and is left out.
    unexplained: BTreeSet<Item>,
}

impl Part<'_> {
    /// One operation of each kind that changes a key: what the key holds is known from them.
    fn samples(&self) -> Vec<OperationId> {
        let mut samples: BTreeMap<(Option<KeyId>, &Function), OperationId> = BTreeMap::new();
        let mut last = None;
        for id in self.sources.candidates() {
            let op = self.history.operation(id);
            let only_looks = matches!(op.function, Function::Read | Function::ReadAll | Function::Dump);
            if only_looks || op.function == Function::Txn || self.listed.contains(&id) {
                continue;
            }
            // Most operations are of the kind of the one before.
            let kind = Some((op.key, &op.function));
            if last != kind {
                samples.entry((op.key, &op.function)).or_insert(id);
                last = kind;
            }
        }
        samples.into_values().collect()
    }

    fn is_left_out(&self, op: &Operation, value: &Value) -> bool {
        self.unexplained.contains(&(self.sources.name(op.key), value.clone()))
    }

    /// What an operation says of the listed ones; `None` where that is nothing.
    fn saying_less(&self, id: OperationId) -> Option<Operation> {
        let op = self.history.operation(id);
        if self.unexplained.is_empty() {
            return Some(op.clone());
        }
        let call = || op.call().clone();
        match (&op.function, op.call().as_pair()) {
            (Function::Txn, _) => Some(self.transaction(op)),
            (Function::Cas, Some((from, to))) if op.outcome != Outcome::Fail => {
                let mut less = op.clone();
                if self.is_left_out(op, from) {
                    less.function = Function::Write;
                    let reply = if op.is_ok() { to.clone() } else { Value::Null };
                    less = less.saying(to.clone(), reply);
                }
                Some(less)
            }
            (Function::Read | Function::ReadAll, _) if self.sources.made_by(op).is_some() => {
                let made_by = self.sources.made_by(op).unwrap_or_default();
                let pieces: Vec<&Value> = made_by
                    .iter()
                    .filter(|id| self.listed.contains(id))
                    .map(|&id| self.history.operation(id).call())
                    .collect();
                Some(op.clone().saying(call(), joined(op.reply(), &pieces)))
            }
            _ => match op.reply().as_list().filter(|_| op.is_ok()) {
                Some(items) if self.sources.shown(id).len() == items.len() => {
                    let kept = items.iter().filter(|item| !self.is_left_out(op, item));
                    Some(op.clone().saying(call(), Value::list(kept.cloned())))
                }
                _ => {
                    let says = !self.sources.shown(id).iter().any(|item| self.unexplained.contains(item));
                    says.then(|| op.clone())
                }
            },
        }
    }

    /// Without the reads of what others wrote.
    fn transaction(&self, op: &Operation) -> Operation {
        let said = if op.is_ok() && !op.reply().is_null() { op.reply() } else { op.call() };
        let (Some(items), Some(micros)) = (said.as_list(), said.micros()) else { return op.clone() };
        let kept: Vec<bool> = micros
            .map(|micro| {
                micro.is_ok_and(|micro| {
                    let key = match &*micro.key {
                        Value::Text(text) => text.to_string(),
                        other => other.to_string(),
                    };
                    micro.function != "r" || !self.unexplained.contains(&(key, micro.value.into_owned()))
                })
            })
            .collect();
        let without = |items: &[Value]| {
            let kept = items.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(item, _)| item.clone());
            Value::list(kept)
        };
        let call = op.call().as_list().map_or_else(|| op.call().clone(), &without);
        let reply = if op.reply().is_null() { Value::Null } else { without(items) };
        op.clone().saying(call, reply)
    }
}

/// A list or a string of some of its pieces.
fn joined(whole: &Value, pieces: &[&Value]) -> Value {
    if whole.as_text().is_some() {
        return Value::text(pieces.iter().filter_map(|piece| piece.as_text()).collect::<String>());
    }
    Value::list(pieces.iter().flat_map(|piece| match piece {
        Value::List(items) => items.to_vec(),
        element => vec![(*element).clone()],
    }))
}

/// An operation that says of what kind its key is, and nothing else.
fn undone(op: &Operation) -> Operation {
    let mut undone = op.clone().saying(op.call().clone(), Value::Null);
    undone.outcome = Outcome::Fail;
    undone
}
