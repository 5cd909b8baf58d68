//! What the clients of a run were asked, counted: whether a suite could notice a lie is seen in that.

use std::collections::{BTreeMap, BTreeSet};

use histories::{Function, Key, Op, Value};

use super::transactions::{self, Access};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Operations that were asked for, by what they do.
    pub functions: BTreeMap<Function, u64>,
    /// Keys that were used.
    pub keys: usize,
    /// The most clients that used the same key.
    pub clients_on_a_key: usize,
    /// Reads, answered, of keys that had been updated.
    pub read_back: u64,
    /// Updates that put a value in place, and those of them whose key had been given the same value before.
    pub updates: u64,
    pub repeated: u64,
    /// How often the lie was told.
    pub told: u64,
}

impl Observed {
    /// Whether any of these operations was asked for.
    pub fn has_any(&self, functions: &[Function]) -> bool {
        functions.iter().any(|function| self.functions.contains_key(function))
    }

    /// What several runs come to together.
    pub fn add(&mut self, other: &Self) {
        for (function, count) in &other.functions {
            *self.functions.entry(function.clone()).or_default() += count;
        }
        self.keys = self.keys.max(other.keys);
        self.clients_on_a_key = self.clients_on_a_key.max(other.clients_on_a_key);
        self.read_back += other.read_back;
        self.updates += other.updates;
        self.repeated += other.repeated;
        self.told += other.told;
    }
}

/// Counts while a run goes on.
#[derive(Debug, Default)]
pub(super) struct Observer {
    counts: Observed,
    keys: BTreeMap<Key, Usage>,
}

#[derive(Debug, Default)]
struct Usage {
    clients: BTreeSet<u32>,
    given: BTreeSet<Value>,
    updated: bool,
}

/// What stands for the whole system, where an operation names no key.
fn everything() -> Key {
    Key::from("")
}

impl Observer {
    pub(super) fn asked(&mut self, client: u32, op: &Op) {
        *self.counts.functions.entry(op.function.clone()).or_default() += 1;
        // A look into one node is no operation of a client.
        if op.function == Function::Dump {
            return;
        }
        for key in keys_of(op) {
            let usage = self.keys.entry(key).or_default();
            usage.clients.insert(client);
            usage.updated |= !op.function.only_looks() && op.function != Function::Txn;
        }
        match &op.function {
            Function::Txn => {
                let micros = transactions::accesses(op);
                for (key, value) in micros.into_iter().filter_map(Access::written) {
                    self.give(&key, value);
                }
            }
            Function::Write | Function::Append | Function::Add | Function::Enqueue => {
                if let Some(key) = &op.key {
                    self.give(key, op.value.clone());
                }
            }
            Function::Cas => {
                if let (Some(key), Some((_, to))) = (&op.key, op.value.as_pair()) {
                    self.give(key, to.clone());
                }
            }
            _ => {}
        }
    }

    /// An operation was answered and took effect.
    pub(super) fn answered(&mut self, op: &Op) {
        let reads = match op.function {
            Function::Read | Function::ReadAll | Function::Dequeue | Function::Drain => keys_of(op),
            Function::Txn => transactions::accesses(op)
                .into_iter()
                .filter(Access::is_read)
                .map(|access| access.key)
                .collect(),
            _ => return,
        };
        let is_updated = |key: &Key| self.keys.get(key).is_some_and(|usage| usage.updated);
        self.counts.read_back += u64::from(reads.iter().any(is_updated));
    }

    pub(super) fn told(&mut self) {
        self.counts.told += 1;
    }

    pub(super) fn counts(&self) -> Observed {
        let clients = self.keys.values().map(|usage| usage.clients.len()).max().unwrap_or(0);
        Observed { keys: self.keys.len(), clients_on_a_key: clients, ..self.counts.clone() }
    }

    fn give(&mut self, key: &Key, value: Value) {
        let usage = self.keys.entry(key.clone()).or_default();
        usage.updated = true;
        self.counts.updates += 1;
        self.counts.repeated += u64::from(!usage.given.insert(value));
    }
}

fn keys_of(op: &Op) -> Vec<Key> {
    let keys = op.keys();
    if keys.is_empty() { vec![everything()] } else { keys }
}
