//! The multi-leader replica: each datacentre a single-leader group that takes writes, and ships its changes to the others.
//!
//! Never does anything but answer an input: no clock, no socket, no disk.
//!
//! Follow a write: `single` puts it into the group's log and commits it, `state` turns it into a change in the order of the
//! log, `wan` ships that, the `inbox` of another datacentre's leader puts it in order, and its group's log applies it there,
//! where `cell` settles what is concurrent. What a datacentre has is counted in its state, so that whoever leads next,
//! on either side, goes on from there.

mod cell;
mod change;
mod decide;
mod far;
mod inbox;
mod message;
mod options;
mod presets;
mod state;
#[cfg(test)]
mod tests;
mod topology;
mod transfer;
mod wan;

use std::collections::{BTreeMap, BTreeSet};

use histories::{Function, Key, Nanos, Node};
use nemesis::Layout;

use self::far::Far;
use self::inbox::Inbox;
use self::state::State;
use super::codec::Session;
use super::protocol::{Invariants, Leadership, Member, Memory, Protocol, Sync};
use super::replica::{
    DumpEntry, EntryMark, Input, LogView, Now, Outbox, Replica as ReplicaTrait, ReplicaStatus, Request,
    RequestId,
};
use super::single::{self, Group};
use super::vector::VersionVector;
use crate::{Behind, Lag};

pub use message::{Hello, Message};
pub use options::{Cart, Conflict, Delivery, Options, Register, Repair, Reroute};
pub use topology::Topology;

/// What members of a group write to disk.
pub type Record = single::Record<State>;

/// Between two asks that reads bring about (`repair=read`).
const READ_REPAIR: Nanos = Nanos::from_millis(50);

/// A member of a multi-leader store.
#[derive(Debug)]
pub struct Replica {
    options: Options,
    layout: Layout,
    /// The own datacentre, and its first node, which stands for it in versions.
    here: u16,
    name: Node,
    now: Nanos,
    group: single::Replica<State>,
    /// Each datacentre, the own one too.
    far: Vec<Far>,
    /// The term in which this member leads, once that is settled.
    lead: Option<u64>,
    inbox: Inbox,
    hello_at: Nanos,
    exchange_at: Nanos,
    read_repair_at: Nanos,
    /// The datacentre that was asked last.
    asked: u16,
    /// Who shipped something since the last acknowledgement, and what that said.
    shippers: BTreeSet<u16>,
    told: VersionVector,
    sends: Vec<(Node, Message)>,
    /// What comes out of the group, on its way through.
    group_out: Outbox<single::Message<State>, Record>,
    /// The datacentres that changes are shipped to where nothing is rerouted.
    downstream: Vec<u16>,
    /// Of each origin, up to where the log says that all have it, or will.
    forgotten: VersionVector,
    /// What was here when everything was shipped, if nothing that matters for it was heard since.
    shipped: Option<VersionVector>,
}

impl Replica {
    fn new(options: Options, member: Member, seed: u64, records: Vec<Record>, now: Now) -> Self {
        let layout = member.layout;
        let here = layout.datacentre(member.node);
        let names: Vec<Node> = (0..layout.datacentres).filter_map(|at| layout.members(at).next()).collect();
        let name = names.get(usize::from(here)).copied().unwrap_or(member.node);
        let state = State::new(options.clone(), name, &names);
        let place = (member.node, Group::datacentre(layout, here));
        let downstream = options.topology.downstream(here, layout.datacentres);
        Self {
            group: single::Replica::new(options.group.clone(), place, state, seed, records, now),
            options,
            layout,
            here,
            name,
            now: now.monotonic,
            far: names.into_iter().map(Far::new).collect(),
            lead: None,
            inbox: Inbox::default(),
            hello_at: now.monotonic,
            exchange_at: now.monotonic,
            read_repair_at: now.monotonic,
            asked: here,
            shippers: BTreeSet::new(),
            told: VersionVector::default(),
            sends: Vec::new(),
            group_out: Outbox::default(),
            downstream,
            forgotten: VersionVector::default(),
            shipped: None,
        }
    }

    fn others(&self) -> impl Iterator<Item = u16> + use<> {
        let here = self.here;
        (0..self.layout.datacentres).filter(move |at| *at != here)
    }

    fn on_message(&mut self, now: Now, from: Node, message: Message) {
        let near = self.layout.datacentre(from) == self.here;
        if let Message::Group(message) = message {
            let heard = near || message.is_forwarding();
            return self.group.take(now, if heard { Input::Message { from, message } } else { Input::Tick });
        }
        self.group.take(now, Input::Tick);
        match message {
            Message::Hello(hello) if !near => self.on_hello(from, hello),
            Message::Ship(changes) if !near => self.on_ship(from, changes),
            Message::Holding(holding) if !near => self.on_holding(from, holding),
            Message::Ask(has) if !near => self.on_ask(from, &has),
            Message::Group(_)
            | Message::Hello(_)
            | Message::Ship(_)
            | Message::Holding(_)
            | Message::Ask(_) => {}
        }
    }

    fn on_request(&mut self, now: Now, id: RequestId, request: Request) {
        let home = request.command.key().and_then(|key| self.options.home(self.layout, key));
        let home = home.filter(|home| *home != self.here);
        let Some(home) = home else {
            self.read_repair(&request);
            return self.group.take(now, Input::Request { id, request });
        };
        self.group.take(now, Input::Tick);
        let far = &self.far[usize::from(home)];
        match far.leader.filter(|_| far.is_heard(self.now, self.options.patience())) {
            Some((term, leader)) => self.group.forward_to(leader, term, id, request),
            None => self.group.refuse_client(id, "the home of the key is not heard"),
        }
    }

    /// A read has the leader ask one other datacentre for what is missing here, behind the reader's back.
    fn read_repair(&mut self, request: &Request) {
        let repairs = matches!(self.options.repair, Repair::Read | Repair::Both);
        if repairs && request.command.is_read() && self.lead.is_some() && self.now >= self.read_repair_at {
            self.read_repair_at = self.now + READ_REPAIR;
            self.ask_next();
        }
    }

    /// The own changes that others lack, and theirs that are known of and lacking here.
    fn is_in_step(&self) -> bool {
        let vector = &self.group.state().vector;
        self.others()
            .map(|at| &self.far[usize::from(at)])
            .all(|far| far.is_heard(self.now, self.options.patience()) && far.has == *vector)
    }

    /// Per origin, changes that are known of and lacking here.
    fn lag(&self) -> impl Iterator<Item = Lag> + '_ {
        self.others().map(|at| {
            let origin = self.far[usize::from(at)].name;
            let known = self.far.iter().map(|far| far.has.get(origin)).max().unwrap_or(0);
            let entries = known.saturating_sub(self.group.state().vector.get(origin));
            Lag { of: Behind::Origin(at), entries }
        })
    }
}

impl ReplicaTrait for Replica {
    type Message = Message;
    type Record = Record;

    fn handle(&mut self, now: Now, input: Input<Message>, out: &mut Outbox<Message, Record>) {
        self.now = self.now.max(now.monotonic);
        match input {
            Input::Message { from, .. } if from.0 >= self.layout.total() => {}
            Input::Message { from, message } => self.on_message(now, from, message),
            Input::Request { id, request } => self.on_request(now, id, request),
            Input::Persisted(seq) => self.group.take(now, Input::Persisted(seq)),
            Input::Tick => self.group.take(now, Input::Tick),
        }
        self.tend();
        let group = &mut self.group_out;
        self.group.flush(group);
        out.persists.append(&mut group.persists);
        out.replies.append(&mut group.replies);
        out.sends.extend(group.sends.drain(..).map(|(to, message)| (to, Message::Group(message))));
        out.sends.append(&mut self.sends);
        let hello = self.lead.map(|_| self.hello_at.min(self.exchange_at));
        out.timer = group.timer.take().into_iter().chain(hello).min();
    }

    fn status(&self) -> ReplicaStatus {
        let mut status = self.group.status();
        if self.lead.is_some() {
            status.lag.extend(self.lag());
            status.ready &= self.is_in_step();
        }
        status
    }

    fn log_view(&self) -> Option<LogView> {
        self.group.log_view().map(|view| LogView { group: self.here, ..view })
    }

    fn entry_mark(&self, index: u64) -> Option<EntryMark> {
        self.group.entry_mark(index)
    }

    fn dump(&self) -> BTreeMap<Key, DumpEntry> {
        self.group.dump()
    }
}

impl Protocol for Options {
    type Replica = Replica;

    fn recover(&self, member: Member, seed: u64, records: Vec<Record>, now: Now) -> Replica {
        Replica::new(self.clone(), member, seed, records, now)
    }

    fn sync(&self) -> Sync {
        self.group.sync
    }

    fn supports(&self, function: &Function) -> bool {
        match function {
            Function::Cas => self.conflict == Conflict::Home,
            Function::Replace => matches!(self.conflict, Conflict::VersionVector | Conflict::Crdt),
            Function::ReadAll | Function::Dump => true,
            Function::Txn | Function::Transfer => false,
            _ => self.conflict != Conflict::VersionVector && Session::supports(function),
        }
    }

    fn memory(&self) -> Memory {
        match self.conflict {
            Conflict::VersionVector | Conflict::Crdt => Memory::Contexts,
            Conflict::Home | Conflict::Lww | Conflict::LwwHlc | Conflict::Merge => Memory::Nothing,
        }
    }

    fn leadership(&self) -> Leadership {
        Leadership::One
    }

    /// Those of each datacentre's group.
    fn invariants(&self, layout: Layout) -> Invariants {
        self.group.invariants(layout)
    }

    fn wide_area(&self) -> Option<(Nanos, Nanos)> {
        self.wide
    }

    fn links(&self, layout: Layout) -> Vec<(u16, u16)> {
        let count = layout.datacentres;
        match self.topology {
            Topology::AllToAll => Vec::new(),
            Topology::Ring | Topology::Star => (0..count)
                .flat_map(|from| self.topology.downstream(from, count).into_iter().map(move |to| (from, to)))
                .filter(|(from, to)| self.topology == Topology::Ring || from < to)
                .collect(),
        }
    }

    fn home(&self, layout: Layout, key: &Key) -> Option<u16> {
        self.home_of(key, 0..layout.datacentres)
    }
}
