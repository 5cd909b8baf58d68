//! Transactions as what they read of each other.
//!
//! It knows nothing of time but when each began and ended.

use histories::Value;
use rustc_hash::FxHashMap;

use crate::core::registers::NONE;
use crate::models::{Entry, MicroOperation};

pub(super) type Transaction = Entry<Vec<MicroOperation>, Vec<Value>>;

/// A transaction that happened. A *slot* is a value of a key: what one transaction leaves there, or what was there at
/// first.
pub(super) struct Node {
    pub(super) entry: u32,
    pub(super) invoked: u64,
    /// `u64::MAX` where the outcome is unknown.
    pub(super) returned: u64,
    /// By when it must have happened: when it or one that saw it returned.
    pub(super) known: u64,
    /// Key and slot, each key once.
    pub(super) reads: Vec<(u32, u32)>,
    pub(super) writes: Vec<(u32, u32)>,
}

pub(super) struct Problem {
    pub(super) nodes: Vec<Node>,
    /// By key, the slot that is in force at first.
    pub(super) initial: Vec<u32>,
    /// By slot, who wrote it, [`NONE`] for what was there at first, and who reads it.
    pub(super) writers: Vec<u32>,
    pub(super) readers: Vec<Vec<u32>>,
}

/// Who wrote which value of a key.
#[derive(Default)]
struct Names<'e> {
    keys: FxHashMap<&'e Value, u32>,
    initial: Vec<u32>,
    /// By key and value; no slot where its own transaction overwrote it.
    written: FxHashMap<(u32, &'e Value), Option<u32>>,
    /// By slot, the entry that wrote it.
    writers: Vec<Option<u32>>,
}

impl<'e> Names<'e> {
    fn slot(&mut self, writer: Option<u32>) -> u32 {
        self.writers.push(writer);
        self.writers.len() as u32 - 1
    }

    fn key(&mut self, name: &'e Value) -> u32 {
        if let Some(&key) = self.keys.get(name) {
            return key;
        }
        let (key, slot) = (self.initial.len() as u32, self.slot(None));
        self.initial.push(slot);
        self.keys.insert(name, key);
        key
    }

    /// What an entry leaves under each key that it writes. `None` where a value is written twice, or is that of a key
    /// without one.
    fn writes(&mut self, entry: u32, calls: &'e [MicroOperation]) -> Option<Vec<(u32, u32)>> {
        let mut last: Vec<(u32, &'e Value)> = Vec::new();
        for call in calls {
            let MicroOperation::Write(name, value) = call else { continue };
            let key = self.key(name);
            if value.is_null() || self.written.insert((key, value), None).is_some() {
                return None;
            }
            last.retain(|(other, _)| *other != key);
            last.push((key, value));
        }
        let kept = last.into_iter().map(|(key, value)| {
            let slot = self.slot(Some(entry));
            self.written.insert((key, value), Some(slot));
            (key, slot)
        });
        Some(kept.collect())
    }

    /// What an entry saw of what others left. `None` where no order explains it, or it saw two values of a key.
    fn reads(&mut self, calls: &'e [MicroOperation], seen: &'e [Value]) -> Option<Vec<(u32, u32)>> {
        let mut own: Vec<(u32, &'e Value)> = Vec::new();
        let mut reads: Vec<(u32, u32)> = Vec::new();
        let mut seen = seen.iter();
        for call in calls {
            let (MicroOperation::Read(name) | MicroOperation::Write(name, _)) = call;
            let key = self.key(name);
            let before = own.iter().position(|(other, _)| *other == key);
            match (call, before) {
                (MicroOperation::Write(_, value), Some(at)) => own[at].1 = value,
                (MicroOperation::Write(_, value), None) => own.push((key, value)),
                (MicroOperation::Read(_), Some(at)) => (seen.next()? == own[at].1).then_some(())?,
                (MicroOperation::Read(_), None) => {
                    let value = seen.next()?;
                    let slot = if value.is_null() {
                        Some(self.initial[key as usize])
                    } else {
                        *self.written.get(&(key, value))?
                    };
                    match reads.iter().find(|(other, _)| *other == key) {
                        Some(&(_, other)) => (slot == Some(other)).then_some(())?,
                        None => reads.push((key, slot?)),
                    }
                }
            }
        }
        Some(reads)
    }
}

impl Problem {
    pub(super) fn of(entries: &[Transaction]) -> Option<Self> {
        let mut names = Names::default();
        let writes: Option<Vec<Vec<(u32, u32)>>> =
            (0..).zip(entries).map(|(entry, txn)| names.writes(entry, &txn.call)).collect();
        let mut nodes = Vec::with_capacity(entries.len());
        for ((entry, txn), writes) in (0..).zip(entries).zip(writes?) {
            let reads = match &txn.reply {
                Some(seen) => names.reads(&txn.call, seen)?,
                None => Vec::new(),
            };
            let returned = txn.returned.unwrap_or(u64::MAX);
            nodes.push(Node { entry, invoked: txn.invoked, returned, known: returned, reads, writes });
        }
        let mut read = vec![false; names.writers.len()];
        for place in 0..nodes.len() {
            for at in 0..nodes[place].reads.len() {
                let slot = nodes[place].reads[at].1 as usize;
                read[slot] = true;
                if let Some(writer) = names.writers[slot] {
                    let known = nodes[place].returned.min(nodes[writer as usize].known);
                    nodes[writer as usize].known = known;
                }
            }
        }
        // What may have happened and was not seen need not have.
        nodes.retain(|node| {
            node.returned < u64::MAX || node.writes.iter().any(|&(_, slot)| read[slot as usize])
        });
        let (mut writers, mut readers) = (vec![NONE; read.len()], vec![Vec::new(); read.len()]);
        for (place, node) in (0..).zip(&nodes) {
            node.writes.iter().for_each(|&(_, slot)| writers[slot as usize] = place);
            node.reads.iter().for_each(|&(_, slot)| readers[slot as usize].push(place));
        }
        Some(Self { nodes, initial: names.initial, writers, readers })
    }
}
