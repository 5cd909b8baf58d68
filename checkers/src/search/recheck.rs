//! Linearizability of a few operations by trying all orders.
//!
//! It shares nothing with the search but the specification: neither events nor configurations nor reductions.

use std::collections::HashSet;
use std::time::Duration;

use super::compile::{Compiled, Entries};
use super::register::{Action, INITIAL};
use super::{Answer, Want, decide, queues, sets};
use crate::Budget;
use crate::models::{EntryOf, FifoQueue, Model, Set};

/// More would not fit the set of operations already placed.
const ENTRIES_MAX: usize = 64;

/// Whether some order explains the entries; `None` where that takes more than `tries`.
pub(super) fn is_linearizable<M: Model>(model: &M, entries: &[EntryOf<M>], tries: usize) -> Option<bool> {
    if entries.len() > ENTRIES_MAX {
        return None;
    }
    let certain = (0..).zip(entries).filter(|(_, entry)| entry.returned.is_some());
    let required = certain.fold(0_u64, |mask, (i, _): (u32, _)| mask | 1 << i);
    let mut tried = HashSet::new();
    let mut stack = vec![(0_u64, model.initial())];
    while let Some((done, state)) = stack.pop() {
        if done & required == required {
            return Some(true);
        }
        if tried.len() > tries {
            return None;
        }
        let left = |i: usize| done >> i & 1 == 0;
        let deadline = (0..entries.len()).filter(|&i| left(i)).filter_map(|i| entries[i].returned).min();
        for (i, entry) in entries.iter().enumerate() {
            if !left(i) || deadline.is_some_and(|deadline| entry.invoked > deadline) {
                continue;
            }
            if let Some(after) = model.step(&state, &entry.call, entry.reply.as_ref())
                && tried.insert((done | 1 << i, after.clone()))
            {
                stack.push((done | 1 << i, after));
            }
        }
    }
    Some(false)
}

impl Compiled<'_> {
    /// Whether some order explains what the whole shows of the elements that a witness is about; `None` where the
    /// object has no elements, or they are too much to try all.
    pub(crate) fn recheck_projected(&self, witness: &[u32]) -> Option<bool> {
        match &self.entries {
            Entries::Set(entries) => explained(&Set, &sets::projected(entries, witness)),
            Entries::Queue(entries) => explained(&FifoQueue, &queues::projected(entries, witness)),
            _ => None,
        }
    }
}

const BYTES_MAX: usize = 1 << 30;
pub(super) const TRIES_MAX: usize = 200_000;

/// By trying all orders, or where they are too many by the search.
fn explained<M: Model>(model: &M, entries: &[EntryOf<M>]) -> Option<bool> {
    is_linearizable(model, entries, TRIES_MAX).or_else(|| {
        let budget = Budget::new(Duration::from_mins(1), BYTES_MAX);
        match decide(model, entries, &budget, Want::Verdict) {
            Answer::Explained { .. } => Some(true),
            Answer::Unexplained { .. } => Some(false),
            Answer::Undecided { .. } => None,
        }
    })
}

/// A register whose values are numbers.
pub(super) struct Numbered;

impl Model for Numbered {
    type State = u32;
    type Call = Action;
    type Reply = ();

    fn initial(&self) -> u32 {
        INITIAL
    }

    fn step(&self, state: &u32, call: &Action, _reply: Option<&()>) -> Option<u32> {
        match *call {
            Action::Read(value) => (value == *state).then_some(value),
            Action::Write(value) => Some(value),
            Action::Cas { from, to } => (from == *state).then_some(to),
        }
    }
}
