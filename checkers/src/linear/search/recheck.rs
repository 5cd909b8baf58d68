//! Whether an order explains what a witness is about, asked again: by trying all orders, or by the search.

use std::time::Duration;

use super::compile::{Compiled, Entries};
use super::register::{Action, INITIAL};
use super::{Answer, Want, decide, queues, sets};
use crate::Budget;
use crate::core::all_orders::is_linearizable;
use crate::models::{EntryOf, FifoQueue, Model, Set};

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
