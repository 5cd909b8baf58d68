//! Hints: what is kept for members that did not answer, until they take it over.
//!
//! Never more than one cell a key and member, and never more than a bound: who misses more is mended by anti-entropy.

use std::collections::BTreeMap;

use histories::{Key, Nanos, Node};

use super::Replica;
use super::journal::Then;
use super::message::{Message, OperationId, Record};
use super::version::Cell;
use crate::store::Bug;

/// Kept for one member.
const HINTS_MAX: usize = 100_000;
/// Handed over at once.
const BATCH_MAX: usize = 256;

/// What is on disk of it.
#[derive(Debug, Default)]
pub(super) struct Hints {
    kept: BTreeMap<Node, BTreeMap<Key, Cell>>,
    /// The batch that each member was offered last.
    offered: BTreeMap<Node, (OperationId, Vec<(Key, u64)>)>,
}

impl Hints {
    pub(super) fn is_full(&self, node: Node) -> bool {
        self.kept.get(&node).is_some_and(|cells| cells.len() >= HINTS_MAX)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.kept.values().map(BTreeMap::len).sum()
    }

    /// How many are kept for each.
    pub(super) fn counts(&self) -> impl Iterator<Item = (Node, u64)> + '_ {
        self.kept.iter().map(|(&node, cells)| (node, cells.len() as u64))
    }

    /// What is kept of a key for anyone.
    pub(super) fn get(&self, key: &Key) -> Option<Cell> {
        self.kept.values().filter_map(|cells| cells.get(key)).cloned().reduce(|mut one, other| {
            one.merge(&other);
            one
        })
    }

    pub(super) fn keep(&mut self, node: Node, key: &Key, cell: &Cell) {
        let cells = self.kept.entry(node).or_default();
        cells.entry(key.clone()).and_modify(|kept| kept.merge(cell)).or_insert_with(|| cell.clone());
    }

    /// Drops what was handed over, unless it has changed since.
    pub(super) fn handed(&mut self, node: Node, key: &Key, hash: u64) {
        let Some(cells) = self.kept.get_mut(&node) else { return };
        if cells.get(key).is_some_and(|cell| cell.hash() == hash) {
            cells.remove(key);
        }
        if cells.is_empty() {
            self.kept.remove(&node);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Node, &Key, &Cell)> {
        self.kept.iter().flat_map(|(&node, cells)| cells.iter().map(move |(key, cell)| (node, key, cell)))
    }
}

impl Replica {
    /// Keeps a cell for `node`, where there is room.
    pub(super) fn keep_hint(&mut self, node: Node, key: &Key, cell: &Cell, then: Then) {
        if !self.hints.is_full(node) {
            self.journal.push(Record::Hint { node, key: key.clone(), cell: cell.clone() }, then);
        }
    }

    /// Offers hints to whom they are for, who may be there again.
    pub(super) fn offer_hints(&mut self) {
        if self.now.monotonic < self.offer_at {
            return;
        }
        self.offer_at = self.now.monotonic + self.options.timing.handoff;
        let nodes: Vec<Node> = self.hints.kept.keys().copied().collect();
        for node in nodes {
            self.offer(node);
        }
    }

    fn offer(&mut self, node: Node) {
        let id = self.next_id();
        let Some(kept) = self.hints.kept.get(&node) else { return };
        let cells: Vec<(Key, Cell)> =
            kept.iter().take(BATCH_MAX).map(|(key, cell)| (key.clone(), cell.clone())).collect();
        let offered = cells.iter().map(|(key, cell)| (key.clone(), cell.hash())).collect();
        self.hints.offered.insert(node, (id, offered));
        self.send(node, Message::HandOver { id, cells });
        if self.options.has(Bug::LostHint) {
            self.on_taken_over(node, id);
        }
    }

    pub(super) fn on_hand_over(&mut self, from: Node, id: OperationId, cells: Vec<(Key, Cell)>) {
        let missing: Vec<_> = cells.into_iter().filter(|(key, cell)| !self.state.covers(key, cell)).collect();
        let Some(last) = missing.len().checked_sub(1) else {
            return self.send(from, Message::TakenOver { id });
        };
        for (place, (key, cell)) in missing.into_iter().enumerate() {
            let then = if place == last { Then::TellTaken { node: from, id } } else { Then::Nothing };
            self.journal.push(Record::Cell { key, cell }, then);
        }
    }

    pub(super) fn on_taken_over(&mut self, from: Node, id: OperationId) {
        let Some((_, cells)) = self.hints.offered.remove(&from).filter(|(offered, _)| *offered == id) else {
            return;
        };
        for (key, hash) in cells {
            self.journal.push(Record::Handed { node: from, key, hash }, Then::Nothing);
        }
    }

    /// When hints are to be offered next.
    pub(super) fn offers_at(&self) -> Option<Nanos> {
        (!self.hints.is_empty()).then_some(self.offer_at)
    }
}
