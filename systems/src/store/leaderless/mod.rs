//! The leaderless replica: any member coordinates, members that hold a key answer, and who coordinates counts them.
//!
//! Never does anything but answer an input: no clock, no socket, no disk.
//!
//! Follow a write by tag: `requests` takes it, `gather` learns the highest tag of a quorum, `keep` gives the cell with the
//! next one to all who hold the key, `journal` says when it is on disk, and once `w` have said so the client is told.
//! Who stays silent gets a hint (`patience`, `hints`), or the cell by anti-entropy (`entropy`).

mod entropy;
mod gather;
mod hash;
mod hints;
mod journal;
mod keep;
mod merkle;
mod message;
mod operation;
mod options;
mod patience;
mod presets;
mod requests;
mod restore;
mod ring;
mod state;
#[cfg(test)]
mod tests;
mod version;

use std::collections::BTreeMap;

use histories::{Function, Key, Nanos, Node};
use nemesis::Layout;

use self::hints::Hints;
use self::journal::Journal;
use self::message::OperationId;
use self::operation::Operation;
use self::ring::Ring;
use self::state::State;
use self::version::Cell;
use super::protocol::{Invariants, Leadership, Member, Memory, Protocol, Sync};
use super::replica::{
    DumpEntry, Input, Now, Outbox, RegisterStep, Replica as ReplicaTrait, ReplicaStatus, Request, RequestId,
    Response, Role, Version,
};
use crate::{Behind, Lag};

pub use message::{Message, Record};
pub use options::{Count, Options, Switch, Timing, Versions};

/// A leaderless replica of the reference store.
#[derive(Debug)]
pub struct Replica {
    options: Options,
    me: Node,
    nodes: u16,
    /// How many answers make a quorum.
    quorum_read: usize,
    quorum_write: usize,
    ring: Ring,
    now: Now,

    /// The number of this process: on disk before it sends or writes anything of its own.
    life: u64,
    born: bool,
    /// Of operations of this life.
    last_number: u64,

    state: State,
    hints: Hints,
    journal: Journal,

    operations: BTreeMap<u64, Operation>,
    /// Of each key the last version that this member made, until it is on disk (`versions=vector`).
    minting: BTreeMap<Key, Cell>,
    /// Requests that came before this life was on disk.
    waiting: Vec<(RequestId, Request)>,

    /// When operations are looked after, hints are offered and trees are compared next.
    look_at: Nanos,
    offer_at: Nanos,
    compare_at: Nanos,
    /// Whom trees were compared with last.
    compared: Node,

    sends: Vec<(Node, Message)>,
    replies: Vec<(RequestId, Response)>,
    /// With the last input, for whoever watches.
    steps: Vec<RegisterStep>,
}

impl Replica {
    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn next_id(&mut self) -> OperationId {
        OperationId { life: self.life, number: self.next_number() }
    }

    fn send(&mut self, to: Node, message: Message) {
        self.sends.push((to, message));
    }

    fn on_message(&mut self, from: Node, message: Message) {
        if from == self.me || from.0 >= self.nodes {
            return;
        }
        match message {
            Message::Get { id, key } => self.on_get(from, id, &key),
            Message::Got { id, cell } => self.on_got(from, id, cell),
            Message::Put { id, key, cell, stand_in } => self.on_put(from, id, key, cell, stand_in),
            Message::Stored { id } => self.on_stored(from, id),
            Message::Repair { key, cell } => self.take(key, cell),
            Message::HandOver { id, cells } => self.on_hand_over(from, id, cells),
            Message::TakenOver { id } => self.on_taken_over(from, id),
            Message::Compare { place, hashes } => self.on_compare(from, place, &hashes),
            Message::Leaf { leaf, hashes } => self.on_leaf(from, leaf, &hashes),
            Message::Exchange { cells, wanted } => self.on_exchange(from, cells, &wanted),
        }
    }

    fn on_time(&mut self) {
        if !self.born {
            return;
        }
        self.look_after();
        self.offer_hints();
        self.compare_now_and_then();
    }

    /// The next moment at which something has to be done without an input.
    fn timer(&self) -> Option<Nanos> {
        let look = (!self.operations.is_empty()).then_some(self.look_at);
        [look, self.offers_at(), self.compares_at()].into_iter().flatten().min().filter(|_| self.born)
    }
}

impl Protocol for Options {
    type Replica = Replica;

    /// A member decides nothing by dice.
    fn recover(&self, member: Member, _seed: u64, records: Vec<Record>, now: Now) -> Replica {
        Replica::new(self.clone(), member, records, now)
    }

    fn sync(&self) -> Sync {
        self.sync
    }

    fn memory(&self) -> Memory {
        if self.versions == Versions::Vector { Memory::Contexts } else { Memory::Nothing }
    }

    fn leadership(&self) -> Leadership {
        Leadership::Nobody
    }

    /// Where others may stand in for those who hold a key, fewer of these have what is acknowledged.
    fn invariants(&self, layout: Layout) -> Invariants {
        if self.versions == Versions::Vector {
            // Siblings are in no order.
            return Invariants::default();
        }
        let needed = self.w.of(self.homes(layout.total()));
        let acknowledged_on = (!self.sloppy.on()).then_some(needed);
        Invariants { versions_rise: true, acknowledged_on, ..Invariants::default() }
    }

    fn supports(&self, function: &Function) -> bool {
        match function {
            Function::Dump => true,
            Function::Read | Function::Write => self.versions != Versions::Vector,
            Function::ReadAll | Function::Replace => self.versions == Versions::Vector,
            _ => false,
        }
    }
}

impl ReplicaTrait for Replica {
    type Message = Message;
    type Record = Record;

    fn handle(&mut self, now: Now, input: Input<Message>, out: &mut Outbox<Message, Record>) {
        self.steps.clear();
        self.now = Now { monotonic: self.now.monotonic.max(now.monotonic), wall: now.wall };
        if self.operations.is_empty() {
            self.look_at = self.now.monotonic + Self::between_looks(&self.options);
        }
        self.on_time();
        match input {
            Input::Message { from, message } => self.on_message(from, message),
            Input::Request { id, request } => self.on_request(id, request),
            Input::Persisted(seq) => self.on_persisted(seq),
            Input::Tick => {}
        }
        self.compact_when_long();
        out.persists.extend(self.journal.flush());
        out.sends.append(&mut self.sends);
        out.replies.append(&mut self.replies);
        out.timer = self.timer();
    }

    fn status(&self) -> ReplicaStatus {
        let keys = self.state.len() as u64;
        ReplicaStatus {
            node: self.me,
            role: Role::Follower,
            term: 0,
            leader: None,
            // Without a log to replicate, members count the keys that they hold.
            last_index: keys,
            commit_index: keys,
            applied_index: keys,
            lag: self
                .hints
                .counts()
                .map(|(node, entries)| Lag { of: Behind::Follower(node), entries })
                .collect(),
            ready: self.born,
        }
    }

    fn versions(&self) -> BTreeMap<Key, Version> {
        self.state.iter().filter_map(|(key, cell)| Some((key.clone(), cell.stamp()?.into()))).collect()
    }

    fn register_steps(&self) -> &[RegisterStep] {
        &self.steps
    }

    fn dump(&self) -> BTreeMap<Key, DumpEntry> {
        self.state.dump(&self.ring)
    }
}
