//! What keys will hold once everything in the log is applied: a leader decides changes on it before they are committed.
//!
//! Never shown to a reader.

use std::collections::BTreeMap;

use histories::Key;

use super::isolation::settle;
use super::machine::{Outcome, Prepared};
use super::message::{Change, Work};
use super::options::Format;
use super::state::{Data, State, changed, decide};
use crate::store::{Command, Commit};

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
    if let Command::Commit(commit) = &command {
        return encode_commit(state, foresight, format, index, commit);
    }
    let Some(key) = command.key() else {
        return Prepared { work: Work::Stream(Vec::new()), outcome: Some(Outcome::DONE) };
    };
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

/// The changes of a transaction, if it takes place.
fn encode_commit(
    state: &State,
    foresight: &mut Foresight,
    format: Format,
    index: u64,
    commit: &Commit,
) -> Prepared<Work> {
    let (changes, outcome) = match settle_ahead(state, foresight, commit) {
        Ok(changes) => (changes, Outcome::DONE),
        Err(refused) => (Vec::new(), refused),
    };
    take_in(state, foresight, index, &changes);
    let held = |change: &Change| Some((change.key().clone(), foresight.get(change.key())?.1.clone()));
    let work = match format {
        Format::Data => {
            let cells: BTreeMap<Key, Data> = changes.iter().filter_map(held).collect();
            Work::Data(cells.into_iter().collect())
        }
        Format::Log | Format::Stream => Work::Stream(changes),
    };
    Prepared { work, outcome: Some(outcome) }
}

fn settle_ahead(state: &State, foresight: &Foresight, commit: &Commit) -> Result<Vec<Change>, Outcome> {
    let held = |key: &Key| match foresight.get(key) {
        Some((index, data)) => Some((data.clone(), *index)),
        None => state.held(key),
    };
    let changed_since = |prefix: &str, after: u64| {
        let mut foreseen = foresight.iter();
        let changed =
            |(key, (index, _)): &(&Key, &(u64, Data))| *index > after && key.as_str().starts_with(prefix);
        foreseen.find(changed).map(|(key, _)| key.clone()).or_else(|| state.changed_since(prefix, after))
    };
    settle(commit, &held, &changed_since)
}

fn take_in(state: &State, foresight: &mut Foresight, index: u64, changes: &[Change]) {
    for change in changes {
        let current = foresight.get(change.key()).map(|(_, data)| data).or_else(|| state.data(change.key()));
        let after = changed(current, change);
        foresight.insert(change.key().clone(), (index, after));
    }
}

/// A new leader foresees what an entry that it found will do.
pub(super) fn foresee(state: &State, foresight: &mut Foresight, index: u64, work: &Work) {
    match work {
        Work::Log(Command::Commit(commit)) => {
            let changes = settle_ahead(state, foresight, commit).unwrap_or_default();
            take_in(state, foresight, index, &changes);
        }
        Work::Log(command) => {
            let Some(key) = command.key() else { return };
            let current = foresight.get(key).map(|(_, data)| data).or_else(|| state.data(key));
            let changes: Vec<Change> = decide(command, current).ok().flatten().into_iter().collect();
            take_in(state, foresight, index, &changes);
        }
        Work::Stream(changes) => take_in(state, foresight, index, changes),
        Work::Data(cells) => {
            for (key, data) in cells {
                foresight.insert(key.clone(), (index, data.clone()));
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
    work.keys().for_each(&mut forget);
}
