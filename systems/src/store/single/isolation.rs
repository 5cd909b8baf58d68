//! A transaction under way: what its steps see of the state and of each other, as its level of isolation has it.
//!
//! Changes nothing: it comes to a [`Commit`], which takes place when its entry of the log is applied, or is refused then.
//!
//! Serializable transactions and those on a snapshot see what was there when they began, and are certified at the end: by the
//! keys that they read or wrote, or by those that they wrote (Kung and Robinson, "On optimistic methods for concurrency
//! control", TODS 1981; Berenson et al., "A critique of ANSI SQL isolation levels", SIGMOD 1995). At the weaker levels
//! each step sees the present, and a key belongs to whoever writes it until the end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use histories::{Key, Value};

use super::machine::{Outcome, Progress, Rules, Transaction};
use super::message::Work;
use super::options::Isolation;
use super::state::{Cell, Data, State, changed, decide};
use crate::store::{Bug, Command, Commit, Step};

#[derive(Debug)]
pub struct Running {
    rules: Rules,
    steps: VecDeque<Step>,
    /// The last entry that was applied when it began.
    began: u64,
    /// What keys held when it began, of those that have changed since; `None` where that was nothing.
    before: BTreeMap<Key, Option<Cell>>,
    /// The version that it has seen of each key that it read or wrote.
    versions: BTreeMap<Key, u64>,
    /// Beginnings of keys, all of which it has read.
    prefixes: BTreeSet<String>,
    /// What the keys that it has written hold for it.
    own: BTreeMap<Key, Data>,
    /// What its reads have shown it last.
    shown: BTreeMap<Key, Value>,
    writes: Vec<Command>,
    seen: Vec<Value>,
    /// Of a planted bug: a change has gone by that the snapshot should have kept out.
    is_late: bool,
}

impl Transaction<State> for Running {
    fn begin(rules: Rules, steps: Vec<Step>, applied: u64) -> Option<Self> {
        Some(Self {
            rules,
            steps: steps.into(),
            began: applied,
            before: BTreeMap::new(),
            versions: BTreeMap::new(),
            prefixes: BTreeSet::new(),
            own: BTreeMap::new(),
            shown: BTreeMap::new(),
            writes: Vec::new(),
            seen: Vec::new(),
            is_late: false,
        })
    }

    fn advance<'t>(&mut self, state: &State, others: impl Iterator<Item = &'t Self> + Clone) -> Progress {
        let Some(step) = self.steps.pop_front() else { return Progress::Done(self.commit()) };
        match self.carry_out(step, state, others) {
            Ok(value) => {
                self.seen.push(value);
                Progress::More
            }
            Err(why) => Progress::Refused(why),
        }
    }

    fn keep(&mut self, state: &State, work: &Work) {
        if !self.rules.isolation.reads_snapshot() {
            return;
        }
        if self.rules.has(Bug::SnapshotOneLate) && !std::mem::replace(&mut self.is_late, true) {
            return;
        }
        for key in work.keys() {
            if !self.before.contains_key(key) {
                self.before.insert(key.clone(), state.cell(key).cloned());
            }
        }
    }

    fn locks(&self, key: &Key) -> bool {
        !self.rules.isolation.reads_snapshot() && self.own.contains_key(key)
    }
}

impl Running {
    fn carry_out<'t>(
        &mut self,
        step: Step,
        state: &State,
        mut others: impl Iterator<Item = &'t Self> + Clone,
    ) -> Result<Value, String> {
        match step {
            Step::Read { key } => Ok(self.read(key, state, others)),
            Step::ReadAll { prefix } => Ok(self.read_all(prefix, state, others)),
            Step::Write { key, value } => {
                self.write(Command::Write { key, value }, state, &mut others)?;
                Ok(Value::Null)
            }
            Step::Append { key, value } => {
                self.write(Command::Append { key, value }, state, &mut others)?;
                Ok(Value::Null)
            }
            Step::Add { key, by, least } => {
                let value = match self.shown.get(&key) {
                    Some(value) => value.clone(),
                    None => self.read(key.clone(), state, others.clone()),
                };
                let sum = sum(&key, &value, by, least)?;
                self.write(Command::Write { key, value: sum.clone() }, state, &mut others)?;
                Ok(sum)
            }
        }
    }

    /// What the state holds for it: the snapshot where it has one, else the present.
    fn cell<'s>(&'s self, state: &'s State, key: &Key) -> Option<&'s Cell> {
        match self.before.get(key) {
            Some(before) => before.as_ref(),
            None => state.cell(key),
        }
    }

    fn read<'t>(&mut self, key: Key, state: &State, mut others: impl Iterator<Item = &'t Self>) -> Value {
        let own = self.own.get(&key).filter(|_| !self.rules.has(Bug::OwnWritesUnread));
        let dirty = || match self.rules.isolation {
            Isolation::ReadUncommitted => others.find_map(|other| other.own.get(&key)),
            Isolation::Serializable | Isolation::Snapshot | Isolation::ReadCommitted => None,
        };
        let cell = self.cell(state, &key);
        let data = own.or_else(dirty).or_else(|| cell.map(Cell::data));
        let value = data.map_or(Value::Null, Data::value);
        let version = cell.map_or(0, Cell::version);
        self.versions.entry(key.clone()).or_insert(version);
        self.shown.insert(key, value.clone());
        value
    }

    fn read_all<'t>(
        &mut self,
        prefix: String,
        state: &State,
        others: impl Iterator<Item = &'t Self> + Clone,
    ) -> Value {
        let begins = |key: &&Key| key.as_str().starts_with(&prefix);
        let mut keys: BTreeSet<Key> = state.keys().filter(begins).cloned().collect();
        keys.extend(self.own.keys().filter(begins).cloned());
        keys.extend(others.clone().flat_map(|other| other.own.keys()).filter(begins).cloned());
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            let value = self.read(key.clone(), state, others.clone());
            if !value.is_null() {
                entries.push((key.as_str().to_owned(), value));
            }
        }
        self.prefixes.insert(prefix);
        Value::map(entries)
    }

    fn write<'t>(
        &mut self,
        command: Command,
        state: &State,
        others: &mut impl Iterator<Item = &'t Self>,
    ) -> Result<(), String> {
        let Some(key) = command.key().cloned() else { return Ok(()) };
        if others.any(|other| other.locks(&key)) {
            return Err(format!("another transaction is writing {key}"));
        }
        let cell = self.cell(state, &key);
        let version = cell.map_or(0, Cell::version);
        let current = self.own.get(&key).or_else(|| cell.map(Cell::data));
        let after = match decide(&command, current) {
            Ok(change) => change.map(|change| changed(current, &change)),
            Err(Outcome::Refused { error, .. }) => return Err(error),
            Err(Outcome::Done { .. }) => None,
        };
        self.versions.entry(key.clone()).or_insert(version);
        if let Some(after) = after {
            self.own.insert(key, after);
            self.writes.push(command);
        }
        Ok(())
    }

    /// What its steps came to.
    fn commit(&mut self) -> Commit {
        let checked = |key: &Key| match self.rules.isolation {
            Isolation::Serializable => true,
            Isolation::Snapshot => self.own.contains_key(key),
            Isolation::ReadCommitted | Isolation::ReadUncommitted => false,
        };
        let versions = self.versions.iter();
        let mut checks: Vec<(Key, u64)> =
            versions.filter(|(key, _)| checked(key)).map(|(key, version)| (key.clone(), *version)).collect();
        if self.rules.has(Bug::SkipConflictCheck) {
            checks.pop();
        }
        let serializable = self.rules.isolation == Isolation::Serializable;
        let prefixes = self.prefixes.iter().filter(|_| serializable);
        Commit {
            reads: self.versions.keys().filter(|key| !self.own.contains_key(*key)).cloned().collect(),
            prefixes: prefixes.map(|prefix| (prefix.clone(), self.began)).collect(),
            checks,
            writes: std::mem::take(&mut self.writes),
            seen: Value::list(std::mem::take(&mut self.seen)),
        }
    }
}

fn sum(key: &Key, value: &Value, by: i64, least: Option<i64>) -> Result<Value, String> {
    let number = match value {
        Value::Null => 0,
        Value::Int(number) => *number,
        other => return Err(format!("{key} holds {other}, which is no number")),
    };
    let sum = number.checked_add(by).ok_or_else(|| format!("{key} holds {number}: adding {by} overflows"))?;
    match least.filter(|least| sum < *least) {
        Some(least) => Err(format!("{key} holds {number}: adding {by} leaves less than {least}")),
        None => Ok(Value::Int(sum)),
    }
}

/// The changes of a transaction whose entry is reached, or why there are none. `held` is what a key holds now with its
/// version, `changed_since` a key with that beginning that has changed after that entry.
pub(super) fn settle(
    commit: &Commit,
    held: &dyn Fn(&Key) -> Option<(Data, u64)>,
    changed_since: &dyn Fn(&str, u64) -> Option<Key>,
) -> Result<Vec<super::Change>, Outcome> {
    let version = |key: &Key| held(key).map_or(0, |(_, version)| version);
    let conflict = commit.checks.iter().find(|(key, seen)| version(key) != *seen).map(|(key, _)| key.clone());
    let phantom = || commit.prefixes.iter().find_map(|(prefix, began)| changed_since(prefix, *began));
    if let Some(key) = conflict.or_else(phantom) {
        let error = format!("conflict: another transaction has changed {key}");
        return Err(Outcome::Refused { error, seen: None });
    }
    let mut own: BTreeMap<&Key, Data> = BTreeMap::new();
    let mut changes = Vec::with_capacity(commit.writes.len());
    for command in &commit.writes {
        let Some(key) = command.key() else { continue };
        let current = own.remove(key).or_else(|| held(key).map(|(data, _)| data));
        if let Some(change) = decide(command, current.as_ref())? {
            own.insert(key, changed(current.as_ref(), &change));
            changes.push(change);
        }
    }
    Ok(changes)
}
