//! Clients' requests: who answers them, and how a write becomes an entry.
//!
//! Never refuses definitely what may already be in somebody's log.

use super::Replica;
use super::forward::Asker;
use super::leading::{Leading, Pending};
use super::message::Payload;
use super::state::{Data, Outcome, changed, decide};
use crate::store::Bug;
use crate::store::replica::{Command, ReadLevel, Request, RequestId, Response};
use crate::store::single::options::{Ack, Fencing, Format, Read};

/// Writes that may wait to be committed.
const PENDING_MAX: usize = 65_536;

impl Replica {
    pub(super) fn on_request(&mut self, id: RequestId, request: Request) {
        let asker = Asker::Client(id);
        if request.command.is_read() && self.reads_locally(&request) {
            self.read_locally(id, request);
        } else if self.chained() && request.command.is_read() {
            self.read_from_chain(id, request);
        } else if self.leading.is_some() {
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

    /// Reads or writes as the leader.
    pub(super) fn execute(&mut self, asker: Asker, request: Request) {
        if request.command.is_read() {
            self.read_as_leader(asker, request);
        } else {
            self.write(asker, request.command);
        }
    }

    pub(super) fn write(&mut self, asker: Asker, command: Command) {
        let now = self.now;
        let Some(leading) = self.leading.as_mut() else {
            return self.refuse(asker, "this node does not lead", true);
        };
        if leading.pending.len() >= PENDING_MAX {
            return self.refuse(asker, "too many writes are waiting to be committed", true);
        }
        if self.options.fencing == Fencing::Lease && now >= leading.lease_until && self.nodes > 1 {
            return self.refuse(asker, "the leader's lease has run out", true);
        }
        if self.is_frozen() {
            return self.hold(asker, command);
        }
        let command = match command {
            Command::Cas { key, to: value, .. } if self.options.has(Bug::CasComparesNothing) => {
                Command::Write { key, value }
            }
            command => command,
        };
        let (payload, outcome) = self.encode(command);
        let index = self.append(payload);
        if let Some(leading) = self.leading.as_mut() {
            leading.pending.push_back(Pending { index, asker, outcome });
        }
        if self.options.ack != Ack::None {
            self.replicate_all();
        }
    }

    /// Keeps a write until the chain is mended.
    fn hold(&mut self, asker: Asker, command: Command) {
        match self.leading.as_mut().filter(|leading| leading.head.queue.len() < PENDING_MAX) {
            Some(leading) => leading.head.queue.push_back((asker, command)),
            None => self.refuse(asker, "too many writes are waiting for the chain", true),
        }
    }

    /// The entry for a command, with its outcome where that is decided now.
    fn encode(&mut self, command: Command) -> (Payload, Option<Outcome>) {
        if self.options.format == Format::Log {
            return (Payload::Log(command), None);
        }
        let index = self.log.last_index() + 1;
        let Some(leading) = self.leading.as_mut() else { return (Payload::Empty, None) };
        let key = command.key();
        let current = leading.speculative.get(key).map(|(_, data)| data).or_else(|| self.state.data(key));
        let (changes, outcome) = match decide(&command, current) {
            Ok(change) => (change, Outcome::Done),
            // An entry all the same: the refusal rests on entries that have to be committed first.
            Err(refused) => (None, refused),
        };
        let after = changes.as_ref().map(|change| changed(current, change));
        if let Some(data) = &after {
            leading.speculative.insert(key.clone(), (index, data.clone()));
        }
        let payload = match self.options.format {
            Format::Data => Payload::Data(after.map(|data| (key.clone(), data)).into_iter().collect()),
            Format::Log | Format::Stream => Payload::Stream(changes.into_iter().collect()),
        };
        (payload, Some(outcome))
    }

    /// A new leader foresees what the entries that it found will do.
    pub(super) fn speculate_on_log(&mut self) {
        let (applied, state) = (self.applied, &self.state);
        if self.options.format == Format::Log {
            return;
        }
        let Some(leading) = self.leading.as_mut() else { return };
        for (index, entry) in self.log.iter().filter(|(index, _)| *index > applied) {
            foresee(leading, index, &entry.payload, |key| state.data(key).cloned());
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
        asker.answer(self.term, response, &mut self.replies, &mut self.sends);
    }

    /// What becomes of those who waited for a leader that is none any more.
    pub(super) fn abandon(&mut self, leading: Leading) {
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
    }
}

fn foresee(
    leading: &mut Leading,
    index: u64,
    payload: &Payload,
    applied: impl Fn(&histories::Key) -> Option<Data>,
) {
    let mut insert = |key: &histories::Key, next: &dyn Fn(Option<&Data>) -> Option<Data>| {
        let current = leading.speculative.get(key).map(|(_, data)| data.clone()).or_else(|| applied(key));
        if let Some(data) = next(current.as_ref()) {
            leading.speculative.insert(key.clone(), (index, data));
        }
    };
    match payload {
        Payload::Empty | Payload::Epoch(_) => {}
        Payload::Log(command) => insert(command.key(), &|current| {
            decide(command, current).ok().flatten().map(|change| changed(current, &change))
        }),
        Payload::Stream(changes) => {
            for change in changes {
                insert(change.key(), &|current| Some(changed(current, change)));
            }
        }
        Payload::Data(cells) => {
            for (key, data) in cells {
                insert(key, &|_| Some(data.clone()));
            }
        }
    }
}
