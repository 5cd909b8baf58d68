//! The log in memory: entries after a base that a snapshot covers.
//!
//! Knows nothing of what is on disk or committed.

use std::collections::VecDeque;
use std::sync::Arc;

use super::machine::Machine;
use super::message::{Entry, Position};

#[derive(Clone, Debug)]
pub(super) struct Log<M: Machine> {
    base: Position,
    entries: VecDeque<Arc<Entry<M>>>,
}

impl<M: Machine> Log<M> {
    pub(super) fn starting_at(base: Position) -> Self {
        Self { base, entries: VecDeque::new() }
    }

    pub(super) fn base(&self) -> Position {
        self.base
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn last_index(&self) -> u64 {
        self.base.index + self.entries.len() as u64
    }

    pub(super) fn last(&self) -> Position {
        let term = self.entries.back().map_or(self.base.term, |entry| entry.term);
        Position { term, index: self.last_index() }
    }

    fn slot(&self, index: u64) -> Option<usize> {
        index.checked_sub(self.base.index + 1).map(|slot| slot as usize)
    }

    pub(super) fn get(&self, index: u64) -> Option<&Arc<Entry<M>>> {
        self.slot(index).and_then(|slot| self.entries.get(slot))
    }

    /// The term at `index`, where the log or its base knows it.
    pub(super) fn term(&self, index: u64) -> Option<u64> {
        if index == self.base.index { Some(self.base.term) } else { self.get(index).map(|entry| entry.term) }
    }

    pub(super) fn push(&mut self, entry: Arc<Entry<M>>) -> u64 {
        self.entries.push_back(entry);
        self.last_index()
    }

    /// Forgets everything after `index`.
    pub(super) fn truncate(&mut self, index: u64) {
        self.entries.truncate(index.saturating_sub(self.base.index) as usize);
    }

    /// Puts another entry at an index that is taken, and keeps what follows.
    pub(super) fn replace(&mut self, index: u64, entry: Arc<Entry<M>>) {
        if let Some(slot) = self.slot(index).and_then(|slot| self.entries.get_mut(slot)) {
            *slot = entry;
        }
    }

    /// Up to `count` entries from `from` on.
    pub(super) fn slice(&self, from: u64, count: usize) -> Vec<Arc<Entry<M>>> {
        let Some(slot) = self.slot(from) else { return Vec::new() };
        let end = slot.saturating_add(count).min(self.entries.len());
        if slot >= end { Vec::new() } else { self.entries.range(slot..end).cloned().collect() }
    }

    /// Entries with their indices, from the base on.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Arc<Entry<M>>)> {
        (self.base.index + 1..).zip(&self.entries)
    }

    /// Moves the base up to `index`.
    pub(super) fn compact(&mut self, index: u64) {
        let Some(term) = self.term(index) else { return };
        let covered = index.saturating_sub(self.base.index) as usize;
        self.entries.drain(..covered);
        self.base = Position { term, index };
    }

    /// The last index before the run of entries that share `index`'s term: where a conflict may have begun.
    pub(super) fn before_term_of(&self, index: u64) -> u64 {
        let Some(term) = self.term(index) else { return self.base.index };
        let mut before = index;
        while before > self.base.index && self.term(before) == Some(term) {
            before -= 1;
        }
        before
    }
}
