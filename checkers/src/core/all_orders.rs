//! Linearizability of a few operations by trying all orders.
//!
//! It shares nothing with the search but the specification: neither events nor configurations nor reductions.

use std::collections::HashSet;

use crate::models::{EntryOf, Model};

/// More would not fit the set of operations already placed.
const ENTRIES_MAX: usize = 64;

/// Whether some order explains the entries; `None` where that takes more than `tries`.
pub(crate) fn is_linearizable<M: Model>(model: &M, entries: &[EntryOf<M>], tries: usize) -> Option<bool> {
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
