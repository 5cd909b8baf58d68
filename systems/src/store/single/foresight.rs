//! What keys will hold once everything in the log is applied: a leader decides changes on it before they are committed.
//!
//! Never shown to a reader.

use std::collections::BTreeMap;

use histories::Key;

use super::machine::{Outcome, Prepared};
use super::message::Work;
use super::options::Format;
use super::state::{Data, State, changed, decide};
use crate::store::Command;

/// Data by key, with the index that changes it last.
pub(super) type Foresight = BTreeMap<Key, (u64, Data)>;

/// The entry for `command`: the command itself, or what it comes to.
pub(super) fn encode(
    state: &State,
    foresight: &mut Foresight,
    format: Format,
    index: u64,
    command: Command,
) -> Prepared<Work> {
    if format == Format::Log {
        return Prepared { work: Work::Log(command), outcome: None };
    }
    let key = command.key();
    let current = foresight.get(key).map(|(_, data)| data).or_else(|| state.data(key));
    let (change, outcome) = match decide(&command, current) {
        Ok(change) => (change, Outcome::DONE),
        // An entry all the same: the refusal rests on entries that have to be committed first.
        Err(refused) => (None, refused),
    };
    let after = change.as_ref().map(|change| changed(current, change));
    if let Some(data) = &after {
        foresight.insert(key.clone(), (index, data.clone()));
    }
    let work = match format {
        Format::Data => Work::Data(after.map(|data| (key.clone(), data)).into_iter().collect()),
        Format::Log | Format::Stream => Work::Stream(change.into_iter().collect()),
    };
    Prepared { work, outcome: Some(outcome) }
}

/// A new leader foresees what an entry that it found will do.
pub(super) fn foresee(state: &State, foresight: &mut Foresight, index: u64, work: &Work) {
    let mut insert = |key: &Key, next: &dyn Fn(Option<&Data>) -> Option<Data>| {
        let current = foresight.get(key).map(|(_, data)| data.clone()).or_else(|| state.data(key).cloned());
        if let Some(data) = next(current.as_ref()) {
            foresight.insert(key.clone(), (index, data));
        }
    };
    match work {
        Work::Log(command) => insert(command.key(), &|current| {
            decide(command, current).ok().flatten().map(|change| changed(current, &change))
        }),
        Work::Stream(changes) => {
            for change in changes {
                insert(change.key(), &|current| Some(changed(current, change)));
            }
        }
        Work::Data(cells) => {
            for (key, data) in cells {
                insert(key, &|_| Some(data.clone()));
            }
        }
    }
}

/// What was applied need not be foreseen.
pub(super) fn forget(foresight: &mut Foresight, index: u64, work: &Work) {
    let mut forget = |key: &Key| {
        if foresight.get(key).is_some_and(|(by, _)| *by <= index) {
            foresight.remove(key);
        }
    };
    match work {
        Work::Log(command) => forget(command.key()),
        Work::Stream(changes) => changes.iter().for_each(|change| forget(change.key())),
        Work::Data(cells) => cells.iter().for_each(|(key, _)| forget(key)),
    }
}
