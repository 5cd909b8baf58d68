//! The state machine: registers, lists, sets and counters, and what each command does to them.
//!
//! Deterministic: the same entries in the same order give the same state on every member.

use std::collections::BTreeMap;
use std::sync::Arc;

use histories::{Key, Value};
use serde::{Deserialize, Serialize};

use super::foresight::{Foresight, encode, foresee, forget};
use super::isolation::{Running, settle};
use super::machine::{Machine, Outcome, Place, Prepared, Sight};
use super::message::{Change, Work};
use crate::store::few::{Few, put};
use crate::store::keyed::Keyed;
use crate::store::{Command, Commit, DumpEntry, Request};

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Data {
    Register(Value),
    List(Arc<Vec<Value>>),
    /// By rising value.
    Set(Arc<Vec<Value>>),
    Counter(i64),
    /// How many of each item.
    Cart(Arc<Few<String, i64>>),
}

impl Data {
    pub(in crate::store) fn kind(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Counter(_) => "counter",
            Self::Cart(_) => "cart",
        }
    }

    pub(in crate::store) fn value(&self) -> Value {
        match self {
            Self::Register(value) => value.clone(),
            Self::List(items) | Self::Set(items) => Value::List(Arc::clone(items)),
            Self::Counter(sum) => Value::Int(*sum),
            Self::Cart(items) => cart_value(items.iter()),
        }
    }
}

/// Items with how many of them there are, but for those of which there are none.
pub(in crate::store) fn cart_value<'a>(items: impl Iterator<Item = (&'a String, &'a i64)>) -> Value {
    Value::map(
        items.filter(|(_, count)| **count != 0).map(|(item, count)| (item.clone(), Value::Int(*count))),
    )
}

/// A key's data and the log index that made it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Cell {
    data: Data,
    version: u64,
}

impl Cell {
    pub(super) fn data(&self) -> &Data {
        &self.data
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    fn change(&mut self, index: u64, change: &Change) {
        self.version = index;
        alter(&mut self.data, change);
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State {
    cells: Keyed<Cell>,
}

impl State {
    pub fn data(&self, key: &Key) -> Option<&Data> {
        self.cells.get(key).map(|cell| &cell.data)
    }

    pub(super) fn cell(&self, key: &Key) -> Option<&Cell> {
        self.cells.get(key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.cells.sorted().into_keys()
    }

    /// What a key holds, with its version.
    pub(super) fn held(&self, key: &Key) -> Option<(Data, u64)> {
        self.cells.get(key).map(|cell| (cell.data.clone(), cell.version))
    }

    /// A key that begins so and has changed after that entry.
    pub(super) fn changed_since(&self, prefix: &str, index: u64) -> Option<Key> {
        let cells = self.cells.sorted().into_iter();
        let mut changed =
            cells.filter(|(key, cell)| cell.version > index && key.as_str().starts_with(prefix));
        changed.next().map(|(key, _)| key.clone())
    }

    /// Takes over what `other` holds of the keys that are `wanted`, as of `index`.
    pub(in crate::store) fn take_over(&mut self, index: u64, other: &Self, wanted: impl Fn(&Key) -> bool) {
        for (key, cell) in other.cells.sorted().into_iter().filter(|(key, _)| wanted(key)) {
            self.cells.insert(key.clone(), Cell { data: cell.data.clone(), version: index });
        }
    }

    pub(in crate::store) fn change(&mut self, index: u64, change: &Change) {
        if let Some(cell) = self.cells.get_mut(change.key()) {
            cell.change(index, change);
        } else {
            self.add(index, change);
        }
    }

    fn add(&mut self, index: u64, change: &Change) {
        let cell = Cell { data: changed(None, change), version: index };
        self.cells.insert(change.key().clone(), cell);
    }

    fn carry_out(&mut self, index: u64, command: &Command) -> Outcome {
        if let Command::Commit(commit) = command {
            return self.commit(index, commit);
        }
        let Some(key) = command.key() else { return Outcome::DONE };
        let cell = self.cells.get_mut(key);
        let change = match decide(command, cell.as_ref().map(|cell| &cell.data)) {
            Ok(Some(change)) => change,
            Ok(None) => return Outcome::DONE,
            Err(refused) => return refused,
        };
        match cell {
            Some(cell) => cell.change(index, &change),
            None => self.add(index, &change),
        }
        Outcome::DONE
    }

    fn commit(&mut self, index: u64, commit: &Commit) -> Outcome {
        let settled =
            settle(commit, &|key| self.held(key), &|prefix, after| self.changed_since(prefix, after));
        match settled {
            Ok(changes) => changes.iter().for_each(|change| self.change(index, change)),
            Err(refused) => return refused,
        }
        Outcome::DONE
    }
}

impl Machine for State {
    type Work = Work;
    type Foresight = Foresight;
    type Transaction = Running;

    fn prepare(&self, foresight: &mut Foresight, at: Place, request: Request) -> Prepared<Work> {
        encode(self, foresight, at.format, at.index, request.command)
    }

    fn foresee(&self, foresight: &mut Foresight, index: u64, work: &Work) {
        foresee(self, foresight, index, work);
    }

    fn forget(foresight: &mut Foresight, index: u64, work: &Work) {
        forget(foresight, index, work);
    }

    fn apply(&mut self, index: u64, work: &Work) -> Outcome {
        match work {
            Work::Log(command) => return self.carry_out(index, command),
            Work::Stream(changes) => changes.iter().for_each(|change| self.change(index, change)),
            Work::Data(cells) => {
                for (key, data) in cells {
                    self.cells.insert(key.clone(), Cell { data: data.clone(), version: index });
                }
            }
        }
        Outcome::DONE
    }

    fn touched(work: &Work) -> Box<dyn Iterator<Item = &Key> + '_> {
        match work {
            Work::Log(Command::Commit(commit)) => Box::new(commit.keys()),
            Work::Log(_) | Work::Stream(_) | Work::Data(_) => work.keys(),
        }
    }

    fn read(&self, key: &Key) -> Sight {
        let value = self.data(key).map_or(Value::Null, Data::value);
        Sight { value, context: None }
    }

    fn dump(&self) -> BTreeMap<Key, DumpEntry> {
        self.cells
            .sorted()
            .into_iter()
            .map(|(key, cell)| (key.clone(), DumpEntry { value: cell.data.value(), version: cell.version }))
            .collect()
    }
}

/// Carries out a change that was decided on data of the same kind; where split brain made them differ, none.
fn alter(data: &mut Data, change: &Change) {
    match (data, change) {
        (data, Change::Set { value, .. }) => *data = Data::Register(value.clone()),
        (Data::List(items), Change::Appended { value, .. }) => Arc::make_mut(items).push(value.clone()),
        (Data::Set(items), Change::Added { value, .. }) => {
            if let Err(place) = items.binary_search(value) {
                put(Arc::make_mut(items), place, value.clone());
            }
        }
        (Data::Set(items), Change::Removed { value, .. }) => {
            if let Ok(place) = items.binary_search(value) {
                Arc::make_mut(items).remove(place);
            }
        }
        (Data::Counter(sum), Change::Incremented { by, .. }) => *sum = sum.saturating_add(*by),
        (Data::Cart(items), Change::Counted { item, by, .. }) => {
            let count = Arc::make_mut(items).at(item.as_str());
            *count = count.saturating_add(*by);
        }
        _ => {}
    }
}

/// What `data` becomes by `change`.
pub(in crate::store) fn changed(data: Option<&Data>, change: &Change) -> Data {
    let mut data = data.cloned().unwrap_or_else(|| match change {
        Change::Set { value, .. } => Data::Register(value.clone()),
        Change::Appended { .. } => Data::List(Arc::default()),
        Change::Added { .. } | Change::Removed { .. } => Data::Set(Arc::default()),
        Change::Incremented { .. } => Data::Counter(0),
        Change::Counted { .. } => Data::Cart(Arc::default()),
    });
    alter(&mut data, change);
    data
}

/// What `command` does to a key that holds `data`: a change, nothing, or a refusal.
pub(in crate::store) fn decide(command: &Command, data: Option<&Data>) -> Result<Option<Change>, Outcome> {
    let mismatch = |wanted: &str| match (data, command.key()) {
        (Some(data), Some(key)) => Err(Outcome::Refused {
            error: format!("{key} holds a {}, not a {wanted}", data.kind()),
            seen: None,
        }),
        _ => Ok(()),
    };
    Ok(Some(match command {
        // A transaction is decided as a whole.
        Command::Read { .. } | Command::Txn { .. } | Command::Commit(_) => return Ok(None),
        Command::Write { key, value } => {
            if !matches!(data, Some(Data::Register(_))) {
                mismatch("register")?;
            }
            Change::Set { key: key.clone(), value: value.clone() }
        }
        Command::Cas { key, from, to } => {
            let seen = match data {
                Some(Data::Register(value)) => value.clone(),
                _ => mismatch("register").map(|()| Value::Null)?,
            };
            if seen != *from {
                let error = format!("{key} holds {seen}, not {from}");
                return Err(Outcome::Refused { error, seen: Some(seen) });
            }
            Change::Set { key: key.clone(), value: to.clone() }
        }
        Command::Append { key, value } => {
            if !matches!(data, Some(Data::List(_))) {
                mismatch("list")?;
            }
            Change::Appended { key: key.clone(), value: value.clone() }
        }
        Command::Add { key, value } => {
            if !matches!(data, Some(Data::Set(_))) {
                mismatch("set")?;
            }
            Change::Added { key: key.clone(), value: value.clone() }
        }
        Command::Remove { key, value } => {
            if !matches!(data, Some(Data::Set(_))) {
                mismatch("set")?;
            }
            Change::Removed { key: key.clone(), value: value.clone() }
        }
        Command::Count { key, item, by } => {
            if !matches!(data, Some(Data::Cart(_))) {
                mismatch("cart")?;
            }
            Change::Counted { key: key.clone(), item: item.clone(), by: *by }
        }
        Command::Increment { key, by } => {
            let sum = match data {
                Some(Data::Counter(sum)) => *sum,
                _ => mismatch("counter").map(|()| 0)?,
            };
            if sum.checked_add(*by).is_none() {
                let error = format!("{key} holds {sum}: adding {by} overflows 64 bits");
                return Err(Outcome::Refused { error, seen: None });
            }
            Change::Incremented { key: key.clone(), by: *by }
        }
    }))
}
