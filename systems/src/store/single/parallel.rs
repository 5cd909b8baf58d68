//! Replicas that apply committed entries in an order of their own: each entry is put off for a while, and waits for those
//! before it that share a key with it.
//!
//! Never changes what a key holds in another order than the log's: all replicas come to the same state.

use std::collections::{BTreeMap, BTreeSet};

use histories::{Key, Nanos};
use nemesis::Dice;

use super::Replica;
use super::machine::Machine;
use super::message::Payload;
use super::options::Apply;

#[derive(Debug)]
pub(super) struct Turns {
    /// Entries that are committed and not applied, each with the time until which it is put off.
    waiting: BTreeMap<u64, Nanos>,
    /// All entries up to this one are applied or waiting.
    pub(super) queued: u64,
    dice: Dice,
}

impl Turns {
    pub(super) fn new(dice: Dice) -> Self {
        Self { waiting: BTreeMap::new(), queued: 0, dice }
    }

    /// Everything up to `index` is applied, and nothing after it.
    pub(super) fn restart(&mut self, index: u64) {
        self.waiting.clear();
        self.queued = index;
    }

    pub(super) fn wakes_at(&self, now: Nanos) -> Option<Nanos> {
        self.waiting.values().copied().filter(|due| *due > now).min()
    }
}

impl<M: Machine> Replica<M> {
    pub(super) fn applies_in_parallel(&self) -> bool {
        self.options.apply == Apply::Parallel
    }

    /// What has been committed since is put off, each entry for a time of its own.
    pub(super) fn queue_committed(&mut self) {
        let longest = self.options.timing.delay.0;
        let turns = &mut self.turns;
        for index in turns.queued + 1..=self.commit {
            let due = self.now + Nanos(turns.dice.below(longest));
            turns.waiting.insert(index, due);
        }
        turns.queued = turns.queued.max(self.commit);
        self.apply_in_turn();
    }

    /// Applies what is due and depends on nothing that waits.
    pub(super) fn apply_in_turn(&mut self) {
        if self.turns.waiting.is_empty() {
            return;
        }
        let mut held_up: BTreeSet<Key> = BTreeSet::new();
        let waiting: Vec<(u64, Nanos)> =
            self.turns.waiting.iter().map(|(index, due)| (*index, *due)).collect();
        for (index, due) in waiting {
            let keys = self.keys_at(index);
            if due <= self.now && held_up.is_disjoint(&keys) {
                self.turns.waiting.remove(&index);
                self.apply(index);
            } else {
                held_up.extend(keys);
            }
        }
        self.applied = self.turns.waiting.first_key_value().map_or(self.turns.queued, |(first, _)| first - 1);
    }

    /// The keys that an entry reads or changes.
    fn keys_at(&self, index: u64) -> BTreeSet<Key> {
        match self.log.get(index).map(|entry| &entry.payload) {
            Some(Payload::Work(work)) => M::touched(work).cloned().collect(),
            Some(Payload::Empty | Payload::Epoch(_)) | None => BTreeSet::new(),
        }
    }
}
