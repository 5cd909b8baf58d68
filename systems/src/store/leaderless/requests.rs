//! Clients' requests: what each begins with.
//!
//! Never refuses definitely what may already be on somebody's disk.

use histories::{Key, Value};

use super::Replica;
use super::operation::{Operation, Phase, Purpose};
use super::options::Versions;
use super::version::{Cell, Stamp};
use crate::store::replica::{Command, Request, RequestId, Response};

/// Operations that may be under way.
const OPERATIONS_MAX: usize = 65_536;

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
            | Command::Count { .. } => {
                return self.refuse(
                    id,
                    "a leaderless store reads and writes registers, and nothing else",
                    true,
                );
            }
        };
        let key = request.command.key().clone();
        match (purpose, self.options.versions) {
            (Purpose::Write(value), Versions::Timestamp) => self.begin_write(id, key, value),
            (purpose, _) => self.begin_gather(id, key, purpose),
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
        let cell = Cell { stamp, value };
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

    pub(super) fn answer(&mut self, id: RequestId, value: Value, version: u64) {
        let served_by = self.me;
        self.replies.push((id, Response::Done { value, version, term: 0, served_by, context: None }));
    }

    pub(super) fn refuse(&mut self, id: RequestId, error: &str, definite: bool) {
        let (error, served_by) = (error.to_owned(), self.me);
        let response = Response::Refused { error, definite, seen: None, version: 0, term: 0, served_by };
        self.replies.push((id, response));
    }
}
