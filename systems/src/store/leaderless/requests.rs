//! Clients' requests: what each begins with.
//!
//! Never refuses definitely what may already be on somebody's disk.

use histories::{Key, Value};

use super::Replica;
use super::journal::Then;
use super::message::Record;
use super::operation::{Operation, Phase, Purpose};
use super::options::Versions;
use super::version::{Cell, Stamp};
use crate::store::VersionVector;
use crate::store::replica::{Command, Request, RequestId, Response};
use crate::store::siblings::{Dot, Siblings};

/// Operations that may be under way.
const OPERATIONS_MAX: usize = 65_536;
/// Versions of a key that one member takes before a write has to quote some.
const SIBLINGS_MAX: usize = 64;

impl Replica {
    pub(super) fn on_request(&mut self, id: RequestId, request: Request) {
        if !self.born {
            // What an earlier life sent must not pass for what this one did.
            self.waiting.push((id, request));
            return;
        }
        if self.operations.len() >= OPERATIONS_MAX {
            return self.refuse(id, "too many operations are under way", true);
        }
        let purpose = match &request.command {
            Command::Read { .. } => Purpose::Read,
            Command::Write { value, .. } => Purpose::Write(value.clone()),
            Command::Cas { .. }
            | Command::Append { .. }
            | Command::Add { .. }
            | Command::Remove { .. }
            | Command::Increment { .. }
            | Command::Count { .. }
            | Command::Txn { .. }
            | Command::Commit(_) => {
                return self.refuse(
                    id,
                    "a leaderless store reads and writes registers, and nothing else",
                    true,
                );
            }
        };
        let Some(key) = request.command.key().cloned() else { return };
        match (purpose, self.options.versions) {
            (Purpose::Write(value), Versions::Timestamp) => self.begin_write(id, key, value),
            (Purpose::Write(value), Versions::Vector) => {
                self.begin_mint(id, key, value, &request.context.unwrap_or_default());
            }
            (purpose, _) => self.begin_gather(id, key, purpose),
        }
    }

    /// Makes a version on top of what is here. Nobody else hears of it before it is on disk: a member that forgot it would
    /// give its name to another.
    fn begin_mint(&mut self, id: RequestId, key: Key, value: Value, quoted: &VersionVector) {
        let held = self.minting.get(&key).or_else(|| self.state.get(&key));
        let mut siblings = match held {
            Some(Cell::Siblings(siblings)) => siblings.clone(),
            Some(Cell::Last { .. }) | None => Siblings::default(),
        };
        if quoted.is_empty() && siblings.len() >= SIBLINGS_MAX {
            let error = format!("{SIBLINGS_MAX} siblings are there: read them, and quote what is read");
            return self.refuse(id, &error, true);
        }
        let count = siblings.context().get(self.me).max(quoted.get(self.me)) + 1;
        let value = (value != Value::Null).then_some(value);
        siblings.write(Dot { node: self.me, count }, value, quoted);
        let cell = Cell::Siblings(siblings);
        let number = self.next_number();
        let operation = self.new_operation(id, key.clone(), Phase::Mint);
        self.operations.insert(number, operation);
        self.minting.insert(key.clone(), cell.clone());
        self.journal.push(Record::Cell { key, cell }, Then::Minted { number });
    }

    /// A version of this member is on disk, and goes to everyone who holds the key.
    pub(super) fn on_minted(&mut self, number: u64, key: &Key, cell: &Cell) {
        self.minting.retain(|other, latest| other != key || !cell.covers(latest));
        if self.operations.contains_key(&number) {
            let own = self.ring.homes(key).contains(&self.me).then_some(self.me);
            self.begin_store(number, cell.clone(), own.into_iter().collect());
        }
    }

    fn begin_gather(&mut self, id: RequestId, key: Key, purpose: Purpose) {
        let number = self.next_number();
        let operation = self.new_operation(id, key, Phase::Gather { got: Vec::new(), purpose });
        self.operations.insert(number, operation);
        self.gather(number);
    }

    fn begin_write(&mut self, id: RequestId, key: Key, value: Value) {
        let number = self.next_number();
        let stamp = self.stamp(self.now.wall.0, number);
        let purpose = Purpose::Write(Value::Null);
        let cell = Cell::Last { stamp, value };
        let phase = Phase::Store { cell, stored: Vec::new(), purpose, hinted: false };
        let operation = self.new_operation(id, key, phase);
        self.operations.insert(number, operation);
        self.store(number);
    }

    pub(super) fn stamp(&self, counter: u64, number: u64) -> Stamp {
        Stamp { counter, node: self.me, life: self.life, number }
    }

    fn new_operation(&self, id: RequestId, key: Key, phase: Phase) -> Operation {
        let began = self.now.monotonic;
        let retry_at = began + self.options.timing.retry;
        Operation { client: Some(id), key, phase, began, since: began, retry_at, stand_ins: 0 }
    }

    /// Answers a read of `cell`, if anybody holds one.
    pub(super) fn answer_read(&mut self, id: RequestId, cell: Option<&Cell>) {
        let siblings = self.options.versions == Versions::Vector;
        let (absent, nothing) =
            if siblings { (Value::list([]), Some(VersionVector::default())) } else { (Value::Null, None) };
        let value = cell.map_or(absent, Cell::value);
        let context = cell.map_or(nothing, |cell| cell.context().cloned());
        let (version, served_by) = (cell.map_or(0, Cell::version), self.me);
        self.replies.push((id, Response::Done { value, version, term: 0, served_by, context }));
    }

    pub(super) fn answer_write(&mut self, id: RequestId, version: u64) {
        let (value, served_by) = (Value::Null, self.me);
        self.replies.push((id, Response::Done { value, version, term: 0, served_by, context: None }));
    }

    pub(super) fn refuse(&mut self, id: RequestId, error: &str, definite: bool) {
        let (error, served_by) = (error.to_owned(), self.me);
        let response = Response::Refused { error, definite, seen: None, version: 0, term: 0, served_by };
        self.replies.push((id, response));
    }
}
