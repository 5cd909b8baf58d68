//! What must hold at every step, and what every answer must agree with.
//!
//! The committed log is the reference: an answer names the place in it that explains the answer, and the judge checks
//! that it does, and that real time agrees. So a check is a comparison, not a search.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use histories::{Key, Node, Value};

use crate::store::replica::{Command, Response};
use crate::store::single::Replica;
use crate::store::single::machine::Machine as _;
use crate::store::single::message::{Entry, Payload};
use crate::store::single::state::State;
use crate::store::single::{Fencing, Options, Read};

struct Open {
    client: usize,
    command: Command,
    /// The highest version that anybody had been told of when this was invoked.
    floor: u64,
    watermark: u64,
}

pub(super) struct Judge {
    options: Options,
    pub(super) nodes: u16,
    leaders: BTreeMap<u64, Node>,
    /// Entry and its predecessor's term, by index and term.
    entries: BTreeMap<(u64, u64), (Arc<Entry>, u64)>,
    committed: Vec<Arc<Entry>>,
    /// After each committed entry.
    states: Vec<State>,
    looked: BTreeMap<Node, u64>,
    open: BTreeMap<u64, Open>,
    floor: u64,
    acknowledged: Vec<(u64, Command)>,
    refused: BTreeSet<Value>,
    reads: u64,
    stale: u64,
}

fn written(command: &Command) -> Option<Value> {
    match command {
        Command::Write { value, .. } | Command::Append { value, .. } | Command::Cas { to: value, .. } => {
            Some(value.clone())
        }
        Command::Read { .. }
        | Command::Add { .. }
        | Command::Remove { .. }
        | Command::Increment { .. }
        | Command::Count { .. } => None,
    }
}

impl Judge {
    pub(super) fn new(options: Options, nodes: u16) -> Self {
        Self {
            options,
            nodes,
            leaders: BTreeMap::new(),
            entries: BTreeMap::new(),
            committed: Vec::new(),
            states: vec![State::default()],
            looked: BTreeMap::new(),
            open: BTreeMap::new(),
            floor: 0,
            acknowledged: Vec::new(),
            refused: BTreeSet::new(),
            reads: 0,
            stale: 0,
        }
    }

    fn strict(&self) -> bool {
        self.options.keeps_commits()
    }

    pub(super) fn restarted(&mut self, node: Node) {
        self.looked.remove(&node);
    }

    /// A member after a step.
    pub(super) fn look(&mut self, node: Node, replica: &Replica) {
        if self.options.fencing == Fencing::None {
            return;
        }
        if replica.leading.is_some() {
            let leader = *self.leaders.entry(replica.term).or_insert(node);
            assert_eq!(leader, node, "two leaders in term {}", replica.term);
        }
        self.match_logs(replica);
        assert!(replica.applied <= replica.commit && replica.commit <= replica.log.last_index());
        if self.strict() {
            self.keep_commits(node, replica);
        }
    }

    fn match_logs(&mut self, replica: &Replica) {
        let last = replica.log.last();
        let (Some(entry), Some(before)) =
            (replica.log.get(last.index), replica.log.term(last.index.wrapping_sub(1)))
        else {
            return;
        };
        let (known, term) =
            self.entries.entry((last.index, last.term)).or_insert_with(|| (Arc::clone(entry), before));
        assert_eq!((&*known, *term), (entry, before), "logs part before {last:?}");
    }

    fn keep_commits(&mut self, node: Node, replica: &Replica) {
        let from = self.looked.get(&node).copied().unwrap_or(0).min(replica.commit);
        for index in from + 1..=replica.commit {
            let Some(entry) = replica.log.get(index) else { continue };
            if let Some(known) = self.committed.get(index as usize - 1) {
                assert_eq!(known, entry, "{node} committed another entry at {index}");
                continue;
            }
            assert_eq!(self.committed.len() as u64 + 1, index, "{node} skipped entries");
            self.committed.push(Arc::clone(entry));
            let mut state = self.states.last().cloned().unwrap_or_default();
            if let Payload::Work(work) = &entry.payload {
                state.apply(index, work);
            }
            self.states.push(state);
        }
        self.looked.insert(node, replica.commit);
    }

    /// What a compare-and-set may expect with some hope.
    pub(super) fn guess(&self, key: &Key) -> Value {
        self.states.last().map_or(Value::Null, |state| state.read(key).value)
    }

    pub(super) fn invoked(&mut self, id: u64, client: usize, watermark: u64, command: &Command) {
        let open = Open { client, command: command.clone(), floor: self.floor, watermark };
        self.open.insert(id, open);
    }

    pub(super) fn answered_late(&mut self, id: u64, response: &Response) {
        let Some(open) = self.open.remove(&id) else { return };
        if let Response::Refused { definite: true, .. } = response {
            self.refused.extend(written(&open.command));
        }
    }

    pub(super) fn completed(&mut self, id: u64, response: &Response) {
        let Some(open) = self.open.remove(&id) else { panic!("{id} was answered twice") };
        match response {
            Response::Done { value, version, .. } => {
                if open.command.is_read() {
                    self.read(&open, value, *version);
                } else {
                    self.acknowledged.push((*version, open.command.clone()));
                    self.order_write(&open, *version);
                }
                self.floor = self.floor.max(*version);
            }
            Response::Refused { definite: true, seen, version, .. } => {
                self.refused.extend(written(&open.command));
                if let (Command::Cas { key, .. }, Some(seen)) = (&open.command, seen) {
                    self.read_at(key, seen, *version);
                    self.order_write(&open, *version);
                }
            }
            Response::Refused { definite: false, .. } => {}
        }
    }

    fn order_write(&self, open: &Open, version: u64) {
        if self.strict() && self.linearizable() {
            assert!(version > open.floor, "{:?} took place before it was invoked", open.command);
        }
    }

    fn linearizable(&self) -> bool {
        matches!(self.options.read, Read::Index | Read::Lease | Read::Tail)
    }

    fn read(&mut self, open: &Open, value: &Value, version: u64) {
        self.reads += 1;
        self.stale += u64::from(version < open.floor);
        if !self.strict() {
            return;
        }
        self.read_at(open.command.key(), value, version);
        if self.linearizable() {
            assert!(
                version >= open.floor,
                "stale read by client {}: {version} < {}",
                open.client,
                open.floor
            );
        }
        if self.options.read == Read::Session {
            assert!(version >= open.watermark, "client {} saw less than before", open.client);
        }
    }

    fn read_at(&self, key: &Key, value: &Value, version: u64) {
        if self.strict() {
            assert_eq!(*value, self.states[version as usize].read(key).value, "{key} at {version}");
        }
    }

    /// Acknowledged writes that are in no place of `survivor`'s log.
    pub(super) fn lost(&self, survivor: &Replica) -> usize {
        let present = |(version, command): &&(u64, Command)| {
            let entry = survivor.log.get(*version);
            entry.is_some_and(|entry| written_by(&entry.payload).contains(&written(command)))
                || *version <= survivor.log.base().index
        };
        self.acknowledged.iter().filter(|write| !present(write)).count()
    }

    pub(super) fn stale(&self) -> u64 {
        self.stale
    }

    /// What may only be said at the end.
    pub(super) fn conclude(&self) -> (usize, u64) {
        if self.strict() {
            for (version, command) in &self.acknowledged {
                let entry = &self.committed[*version as usize - 1];
                assert!(
                    written_by(&entry.payload).contains(&written(command)),
                    "{command:?} is not at {version}"
                );
            }
            let mut seen = BTreeSet::new();
            for value in self.committed.iter().flat_map(|entry| written_by(&entry.payload)).flatten() {
                // A compare-and-set that failed is in the log in one format only, where it changes nothing.
                assert!(seen.insert(value.clone()), "{value} was written twice");
            }
            if let Some(state) = self.states.last() {
                for (key, entry) in state.dump() {
                    let values =
                        entry.value.as_list().map_or_else(|| vec![entry.value.clone()], <[Value]>::to_vec);
                    for value in values {
                        assert!(!self.refused.contains(&value), "{key} holds {value}, which was refused");
                    }
                }
            }
        }
        (self.acknowledged.len(), self.reads)
    }
}

/// Values that an entry writes, where its form tells them apart.
fn written_by(payload: &Payload) -> Vec<Option<Value>> {
    use crate::store::single::message::{Change, Work};
    use crate::store::single::state::Data;
    match payload {
        Payload::Empty | Payload::Epoch(_) => Vec::new(),
        Payload::Work(Work::Log(command)) => vec![written(command)],
        Payload::Work(Work::Stream(changes)) => changes
            .iter()
            .map(|change| match change {
                Change::Set { value, .. } | Change::Appended { value, .. } | Change::Added { value, .. } => {
                    Some(value.clone())
                }
                Change::Removed { .. } | Change::Incremented { .. } | Change::Counted { .. } => None,
            })
            .collect(),
        Payload::Work(Work::Data(cells)) => cells
            .iter()
            .map(|(_, data)| match data {
                Data::Register(value) => Some(value.clone()),
                Data::List(items) => items.last().cloned(),
                Data::Set(_) | Data::Counter(_) | Data::Cart(_) => None,
            })
            .collect(),
    }
}
