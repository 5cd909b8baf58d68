//! Which operations made what another one shows.
//!
//! Where several operations made the same value, all of them are named: the order of the operations is not looked at.

use std::collections::{BTreeMap, BTreeSet};

use confirm::Pieces;
use histories::{Function, History, KeyId, Operation, OperationId, Outcome, Value};
use rustc_hash::FxHashSet;

use super::index::{Holds, Index};
use crate::core::accesses::{self, Access, Target};

/// Something that one operation puts in place and another shows: a key with its value, or with one of its elements.
pub(super) type Item = (String, Value);

/// What operations on some keys make and show.
pub(super) struct Sources<'h> {
    history: &'h History,
    index: &'h Index,
    keys: BTreeMap<Option<KeyId>, Holds>,
    pieces: BTreeMap<Option<KeyId>, Pieces>,
}

impl<'h> Sources<'h> {
    /// For the keys that these operations are on.
    pub(super) fn of(
        history: &'h History,
        index: &'h Index,
        operations: impl Iterator<Item = OperationId>,
    ) -> Self {
        let keys: BTreeSet<Option<KeyId>> = operations.map(|id| history.operation(id).key).collect();
        let keys: BTreeMap<_, _> = keys.into_iter().map(|key| (key, index.holds(history, key))).collect();
        let appended = keys.iter().filter(|(_, holds)| holds.appended);
        let pieces = appended.map(|(&key, _)| (key, Pieces::of(history, key))).collect();
        Self { history, index, keys, pieces }
    }

    /// Every operation on one of the keys.
    pub(super) fn candidates(&self) -> impl Iterator<Item = OperationId> {
        self.keys.keys().flat_map(|&key| self.index.on(key).iter().copied())
    }

    /// The one object that has no name goes by none.
    pub(super) fn name(&self, key: Option<KeyId>) -> String {
        key.map_or_else(String::new, |key| self.history.key(key).to_string())
    }

    fn target(&self, target: &Target<'_>) -> String {
        match target {
            Target::Own(key) => self.name(*key),
            Target::Named(_) => target.text(self.history),
        }
    }

    /// What an operation puts in place, or may.
    pub(super) fn made(&self, id: OperationId) -> Vec<Item> {
        let op = self.history.operation(id);
        let own = || self.name(op.key);
        match (&op.function, op.function.name()) {
            _ if op.outcome == Outcome::Fail => Vec::new(),
            (Function::Add | Function::Append | Function::Enqueue, _) | (_, "push") => {
                vec![(own(), op.call().clone())]
            }
            (Function::Acquire, _) => vec![(own(), Value::Int(op.process.into()))],
            _ => self.accessed(op, Access::Write),
        }
    }

    /// What an operation that failed would have put in place.
    pub(super) fn failed_to_make(&self, id: OperationId) -> Vec<Item> {
        let op = self.history.operation(id);
        let mut items = Vec::new();
        // What is malformed is in no proof.
        let _ = accesses::aborted(op, |target, value| {
            items.push((self.target(&target), value.into_owned()));
        });
        let adds = matches!(op.function, Function::Add | Function::Append | Function::Enqueue)
            || op.function.name() == "push";
        if adds && op.outcome == Outcome::Fail {
            items.push((self.name(op.key), op.call().clone()));
        }
        items
    }

    /// What an operation shows, that another one must have put in place.
    pub(super) fn shown(&self, id: OperationId) -> Vec<Item> {
        let op = self.history.operation(id);
        let own = || self.name(op.key);
        let holds = self.keys.get(&op.key).copied().unwrap_or_default();
        let each = |values: &[Value]| values.iter().map(|value| (own(), value.clone())).collect();
        match (&op.function, op.function.name()) {
            (Function::Release, _) => vec![(own(), Value::Int(op.process.into()))],
            _ if !op.is_ok() => self.accessed(op, Access::Read),
            (Function::Dequeue, _) | (_, "pop") if !op.reply().is_null() => {
                vec![(own(), op.reply().clone())]
            }
            (Function::Drain, _) => each(op.reply().as_list().unwrap_or_default()),
            (Function::Read | Function::ReadAll, _) if holds.counted => Vec::new(),
            (Function::Read | Function::ReadAll, _) if holds.appended => {
                let made_by = self.made_by(op).unwrap_or_default();
                made_by.iter().map(|&id| (own(), self.history.operation(id).call().clone())).collect()
            }
            (Function::Read | Function::ReadAll, _) if holds.elements => {
                each(op.reply().as_list().unwrap_or_default())
            }
            (Function::ReadAll, _) => Vec::new(),
            _ => self.accessed(op, Access::Read),
        }
    }

    /// The writes and appends that made what a read shows; `None` where that is not known.
    pub(super) fn made_by(&self, read: &Operation) -> Option<Vec<OperationId>> {
        self.pieces.get(&read.key)?.of_reply(read.reply())
    }

    fn accessed(&self, op: &Operation, wanted: Access) -> Vec<Item> {
        let mut items = Vec::new();
        // What is malformed is in no proof.
        let _ = accesses::each(op, |access, target, value| {
            if access == wanted && !(value.is_null() && wanted == Access::Read) {
                items.push((self.target(&target), value.into_owned()));
            }
        });
        items
    }

    /// The operations that are not listed and may have made one of these.
    pub(super) fn makers<'s>(
        &'s self,
        items: &'s BTreeSet<Item>,
        listed: &'s BTreeSet<OperationId>,
    ) -> impl Iterator<Item = OperationId> + 's {
        let wanted: FxHashSet<&Value> = items.iter().map(|(_, value)| value).collect();
        // Most operations concern none of them; their keys are not worth to be spelled out.
        let may_make = move |op: &Operation| match op.function {
            Function::Acquire | Function::Cas | Function::Txn | Function::Custom(_) => true,
            _ => wanted.contains(op.call()),
        };
        self.candidates().filter(move |&id| {
            may_make(self.history.operation(id))
                && !listed.contains(&id)
                && self.made(id).iter().any(|item| items.contains(item))
        })
    }

    /// Every operation that may have made what one of these shows, and of what has an unknown outcome every one that
    /// shows what it made.
    pub(super) fn of_all(&self, listed: &BTreeSet<OperationId>) -> Vec<OperationId> {
        let shown: BTreeSet<Item> = listed.iter().flat_map(|&id| self.shown(id)).collect();
        let mut sources: Vec<OperationId> =
            if shown.is_empty() { Vec::new() } else { self.makers(&shown, listed).collect() };
        let unknown = listed.iter().filter(|&&id| self.history.operation(id).outcome == Outcome::Info);
        let unknown: BTreeSet<Item> = unknown.flat_map(|&id| self.made(id)).collect();
        if !unknown.is_empty() {
            let others = self.candidates().filter(|id| !listed.contains(id));
            sources.extend(others.filter(|&id| self.shown(id).iter().any(|item| unknown.contains(item))));
        }
        sources
    }
}
