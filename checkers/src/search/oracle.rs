//! Linearizability by trying all orders: what the fuzz tests hold every other method against.
//!
//! It shares nothing with the search but the model.

use std::collections::HashSet;

use crate::models::{EntryOf, Model};

/// Whether some order explains the entries. Exponential: for a dozen of them.
pub(crate) fn is_linearizable<M: Model>(model: &M, entries: &[EntryOf<M>]) -> bool {
    assert!(entries.len() <= 32, "the oracle is for small histories");
    let required = mask(entries, |entry| entry.returned.is_some());
    let mut tried = HashSet::new();
    let mut stack = vec![(0_u64, model.initial())];
    while let Some((done, state)) = stack.pop() {
        if done & required == required {
            return true;
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
    false
}

fn mask<E>(entries: &[E], holds: impl Fn(&E) -> bool) -> u64 {
    entries.iter().enumerate().filter(|(_, entry)| holds(entry)).fold(0, |mask, (i, _)| mask | 1 << i)
}

/// Whether `order` respects time, leaves out nothing that certainly happened, and is a run of the model.
pub(crate) fn replays<M: Model>(model: &M, entries: &[EntryOf<M>], order: &[u32]) -> bool {
    let mut state = model.initial();
    let mut placed = vec![false; entries.len()];
    let mut latest_call = 0;
    for &i in order {
        let entry = &entries[i as usize];
        if std::mem::replace(&mut placed[i as usize], true) || entry.returned.is_some_and(|end| end < latest_call) {
            return false;
        }
        latest_call = latest_call.max(entry.invoked);
        match model.step(&state, &entry.call, entry.reply.as_ref()) {
            Some(after) => state = after,
            None => return false,
        }
    }
    entries.iter().zip(placed).all(|(entry, placed)| placed || entry.returned.is_none())
}
