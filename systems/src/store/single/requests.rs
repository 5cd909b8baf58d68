//! Clients' requests: who answers them, and how a write becomes an entry.
//!
//! Never refuses definitely what may already be in somebody's log.

use histories::Value;

use super::Replica;
use super::forward::Asker;
use super::leading::{Leading, Pending};
use super::machine::{Machine, Outcome, Place, Prepared};
use super::message::Payload;
use crate::store::Bug;
use crate::store::replica::{Command, ReadLevel, Request, RequestId, Response};
use crate::store::single::options::{Ack, Fencing, Read};

/// Writes that may wait to be committed.
const PENDING_MAX: usize = 65_536;

impl<M: Machine> Replica<M> {
    pub(super) fn on_request(&mut self, id: RequestId, request: Request) {
        let asker = Asker::Client(id);
        if request.command.is_read() && self.reads_locally(&request) {
            self.read_locally(id, request);
        } else if self.chained() && request.command.is_read() {
            self.read_from_chain(id, request);
        } else if self.leading.is_some() || request.command.is_transaction() && self.runs_locally() {
            self.execute(asker, request);
        } else {
            self.forward(id, request);
        }
    }

    fn reads_locally(&self, request: &Request) -> bool {
        match request.level {
            Some(ReadLevel::Local) => true,
            Some(ReadLevel::Index) => false,
            None => matches!(self.options.read, Read::Follower | Read::Session | Read::Recent),
        }
    }

    /// Reads or writes as the leader, or runs a transaction.
    pub(super) fn execute(&mut self, asker: Asker, request: Request) {
        match request.command {
            Command::Read { .. } => self.read_as_leader(asker, request),
            Command::Txn { steps } => self.begin_transaction(asker, steps, request.after),
            _ => self.write(asker, request),
        }
    }

    pub(super) fn write(&mut self, asker: Asker, request: Request) {
        let now = self.now;
        let Some(leading) = self.leading.as_mut() else {
            return self.refuse(asker, "this node does not lead", true);
        };
        if leading.pending.len() >= PENDING_MAX {
            return self.refuse(asker, "too many writes are waiting to be committed", true);
        }
        if self.options.fencing == Fencing::Lease && now >= leading.lease_until && self.group.size() > 1 {
            return self.refuse(asker, "the leader's lease has run out", true);
        }
        if self.is_frozen() {
            return self.hold(asker, request);
        }
        if let Some(key) = request.command.key().filter(|key| self.transactions.locks(key)) {
            let error = format!("a transaction is writing {key}");
            return self.refuse(asker, &error, true);
        }
        let mut request = request;
        let mut pending = Pending { index: 0, asker, outcome: None, seen: Value::Null, leaks: None };
        match &mut request.command {
            Command::Cas { key, to: value, .. } if self.options.has(Bug::CasComparesNothing) => {
                request.command = Command::Write { key: key.clone(), value: value.clone() };
            }
            Command::Commit(commit) => {
                pending.seen = std::mem::take(&mut commit.seen);
                let leaks = self.options.has(Bug::AbortedWriteLeaks);
                pending.leaks = commit.writes.first().filter(|_| leaks).cloned();
            }
            _ => {}
        }
        let is_transaction = matches!(request.command, Command::Commit(_));
        (pending.index, pending.outcome) = self.log_work(request);
        if is_transaction && self.options.has(Bug::CommitBeforeLog) {
            let response = pending.done(pending.index, self.term, self.me);
            return asker.answer(self.term, response, &mut self.replies, &mut self.sends);
        }
        if let Some(leading) = self.leading.as_mut() {
            leading.pending.push_back(pending);
        }
        if self.options.ack != Ack::None {
            self.replicate_all();
        }
    }

    /// Puts a command into the log: its index, and its outcome where that is decided already.
    fn log_work(&mut self, request: Request) -> (u64, Option<Outcome>) {
        let index = self.log.last_index() + 1;
        let at = Place { index, wall: self.wall, format: self.options.format };
        let Some(leading) = self.leading.as_mut() else { return (index, None) };
        let Prepared { work, outcome } = self.state.prepare(&mut leading.foresight, at, request);
        self.append(Payload::Work(work));
        (index, outcome)
    }

    /// Puts a command into the log that nobody waits for: planted bugs do.
    pub(super) fn enter_command(&mut self, command: Command) {
        self.log_work(Request { command, level: None, after: None, context: None });
        self.replicate_all();
    }

    /// Keeps a write until the chain is mended.
    fn hold(&mut self, asker: Asker, request: Request) {
        match self.leading.as_mut().filter(|leading| leading.head.queue.len() < PENDING_MAX) {
            Some(leading) => leading.head.queue.push_back((asker, request)),
            None => self.refuse(asker, "too many writes are waiting for the chain", true),
        }
    }

    /// A new leader foresees what the entries that it found will do.
    pub(super) fn foresee_log(&mut self) {
        let Some(leading) = self.leading.as_mut() else { return };
        for (index, entry) in self.log.iter().filter(|(index, _)| *index > self.applied) {
            if let Payload::Work(work) = &entry.payload {
                self.state.foresee(&mut leading.foresight, index, work);
            }
        }
    }

    pub(super) fn refuse(&mut self, asker: Asker, error: &str, definite: bool) {
        let response = Response::Refused {
            error: error.to_owned(),
            definite,
            seen: None,
            version: self.applied,
            term: self.term,
            served_by: self.me,
        };
        self.transactions.close(asker);
        asker.answer(self.term, response, &mut self.replies, &mut self.sends);
    }

    /// What becomes of those who waited for a leader that is none any more.
    pub(super) fn abandon(&mut self, leading: Leading<M>) {
        for pending in leading.pending {
            // In the log, and perhaps in a later leader's.
            self.refuse(pending.asker, "the leader was deposed before the write was committed", false);
        }
        for (asker, _) in leading.head.queue {
            self.refuse(asker, "the leader was deposed before it took the write", true);
        }
        for read in leading.reads {
            self.refuse(read.asker, "the leader was deposed before it could answer", true);
        }
        self.abandon_transactions();
    }
}
