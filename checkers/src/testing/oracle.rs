//! What the fuzz tests hold every method against.
//!
//! It is for a dozen operations.

use crate::core::all_orders;
use crate::models::{EntryOf, Model};

/// Whether some order explains the entries.
pub(crate) fn is_linearizable<M: Model>(model: &M, entries: &[EntryOf<M>]) -> bool {
    all_orders::is_linearizable(model, entries, usize::MAX).unwrap()
}

/// Whether `order` respects time, leaves out nothing that certainly happened, and is a run of the model.
pub(crate) fn replays<M: Model>(model: &M, entries: &[EntryOf<M>], order: &[u32]) -> bool {
    let mut state = model.initial();
    let mut placed = vec![false; entries.len()];
    let mut latest_call = 0;
    for &i in order {
        let entry = &entries[i as usize];
        if std::mem::replace(&mut placed[i as usize], true)
            || entry.returned.is_some_and(|end| end < latest_call)
        {
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
