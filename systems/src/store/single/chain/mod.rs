//! Chain replication: entries run from head to tail, and what the tail has on disk is committed.
//!
//! Who is in the chain is an epoch, which a majority of all nodes accepts before it takes force (van Renesse and
//! Schneider 2004, with the membership agreed as in Vertical Paxos). Nothing is committed in an epoch that is not known
//! to be in force.
//!
//! ```text
//!   clients ──► head ──► member ──► tail ──► reads
//!                 ◄── commit ◄── commit
//! ```
//!
//! A committed entry is on the disk of every member of its epoch. The next leader is a member of the highest epoch that
//! any of its voters accepted, so it has the entry.

mod head;
mod tail;

use std::sync::Arc;

use histories::{Nanos, Node};

use self::tail::Tail;
use super::Replica;
use super::group::Group;
use super::leading::Progress;
use super::machine::Machine;
use super::message::{Append, Body, Epoch, EpochId, Record, Relayed};
use crate::store::single::options::Ack;

pub(super) use self::head::Head;

/// A member's place in the chain.
#[derive(Debug)]
pub(super) struct Chain {
    /// The highest epoch that this member accepted. On disk before anyone is told.
    pub(super) accepted: Arc<Epoch>,
    /// A majority accepted it too.
    pub(super) in_force: bool,
    /// Every member before this one has the log on disk up to here, by what was relayed in this epoch.
    covered: u64,
    /// What the next member has.
    successor: Progress,
    relay_at: Nanos,
    /// Last told to the member before.
    told: (u64, u64),
    pub(super) tail: Tail,
}

impl Chain {
    /// Before the first leader everyone is a member.
    pub(super) fn of_everyone(group: Group) -> Self {
        Self::restored(Arc::new(Epoch { id: EpochId::default(), members: group.members().collect() }), 0, 0)
    }

    pub(super) fn restored(accepted: Arc<Epoch>, last_index: u64, life: u64) -> Self {
        Self {
            accepted,
            in_force: false,
            covered: 0,
            successor: Progress::default(),
            relay_at: Nanos::MAX,
            told: (0, 0),
            tail: Tail::restored(last_index, life),
        }
    }

    fn neighbour(&self, me: Node, step: isize) -> Option<Node> {
        let members = &self.accepted.members;
        let place = members.iter().position(|member| *member == me)?;
        members.get(place.checked_add_signed(step)?).copied()
    }

    pub(super) fn has(&self, node: Node) -> bool {
        self.accepted.members.contains(&node)
    }

    pub(super) fn wakes_at(&self) -> Nanos {
        self.relay_at.min(self.tail.wakes_at())
    }

    /// The log was cut back.
    pub(super) fn truncate(&mut self, index: u64) {
        self.tail.truncate(index);
        self.covered = self.covered.min(index);
    }
}

impl<M: Machine> Replica<M> {
    pub(super) fn chained(&self) -> bool {
        self.options.ack == Ack::Chain
    }

    /// On disk here and at every member before, as the head's log has it. Who leads is the head of an epoch of its own term
    /// only: in an earlier one it stands where it stood, and those before it may lack what it has.
    fn chain_matched(&self) -> u64 {
        let durable = self.journal.persisted_index();
        let is_head = self.leading.is_some() && self.chain.accepted.id.term == self.term;
        if is_head { durable } else { durable.min(self.chain.covered) }
    }

    /// What a heartbeat's answer says of a member's log: more than the heartbeat asked for.
    pub(super) fn matched_in_chain(&self, asked: u64) -> u64 {
        let member = self.chained() && self.chain.accepted.id.term == self.term && self.chain.has(self.me);
        if member { asked.max(self.chain_matched()) } else { asked }
    }

    pub(super) fn on_propose(&mut self, from: Node, term: u64, epoch: Arc<Epoch>) {
        self.hear_leader(from, term);
        if epoch.id > self.chain.accepted.id {
            self.accept_epoch(Arc::clone(&epoch));
        }
        if epoch.id == self.chain.accepted.id {
            self.send_durable(from, Body::Accepted(epoch.id));
        }
    }

    fn accept_epoch(&mut self, epoch: Arc<Epoch>) {
        self.journal.push(Record::Epoch(Arc::clone(&epoch)));
        self.chain.accepted = epoch;
        self.chain.in_force = false;
        self.chain.covered = 0;
        self.chain.told = (0, 0);
        self.chain.relay_at = Nanos::MAX;
        self.leave_tail();
    }

    /// The leader says which epoch is in force.
    pub(super) fn learn_epoch(&mut self, in_force: Option<EpochId>) {
        if in_force == Some(self.chain.accepted.id) && !self.chain.in_force {
            self.enter_epoch();
        }
    }

    fn enter_epoch(&mut self) {
        self.chain.in_force = true;
        self.chain.successor = Progress::probe(self.chain_matched() + 1, self.now);
        self.chain.relay_at = self.now;
        self.advance_chain();
    }

    /// Something moved: commits at the tail, passes entries on, tells the member before.
    pub(super) fn advance_chain(&mut self) {
        if !self.chain.in_force || !self.chain.has(self.me) {
            return;
        }
        let matched = self.chain_matched();
        if self.chain.neighbour(self.me, 1).is_some() {
            self.relay();
        } else if self.log.term(matched) == Some(self.chain.accepted.id.term) {
            self.commit_to(matched);
        }
        if let Some(before) =
            self.chain.neighbour(self.me, -1).filter(|_| self.chain.told != (matched, self.commit))
        {
            self.tell(before);
        }
    }

    fn tell(&mut self, before: Node) {
        let relayed =
            Relayed { epoch: self.chain.accepted.id, matched: self.chain_matched(), commit: self.commit };
        self.chain.told = (relayed.matched, relayed.commit);
        self.send(before, Body::Relayed(relayed));
    }

    /// Passes on what is on disk here.
    fn relay(&mut self) {
        let limit = self.chain_matched();
        while self.chain.successor.next <= limit && !self.chain.successor.is_full() {
            let successor = &mut self.chain.successor;
            let from = successor.next;
            let count = super::replication::BATCH_MAX.min((limit - from + 1) as usize);
            if successor.in_flight.is_empty() {
                successor.moved_at = self.now;
            }
            successor.in_flight.push_back(from + count as u64 - 1);
            if !successor.probing {
                successor.next = from + count as u64;
            }
            self.send_relay(from - 1, count);
        }
    }

    fn send_relay(&mut self, previous: u64, count: usize) {
        let Some(next) = self.chain.neighbour(self.me, 1) else { return };
        let epoch = self.chain.accepted.id;
        if let Some(append) = self.make_append(previous, count, 0) {
            self.send(next, Body::Relay { epoch, append });
        }
    }

    /// From the member before.
    pub(super) fn on_relay(&mut self, from: Node, epoch: EpochId, append: Append<M>) {
        let current = epoch == self.chain.accepted.id && self.chain.neighbour(self.me, -1) == Some(from);
        if !current || self.leading.is_some() {
            return;
        }
        let (previous, count) = (append.previous, append.entries.len() as u64);
        let covers = previous.index + count;
        if covers > self.log.base().index {
            let skip = self.log.base().index.saturating_sub(previous.index) as usize;
            if skip == 0 && self.log.term(previous.index) != Some(previous.term) {
                // A gap: the member before begins again from what is here.
                return self.tell(from);
            }
            for (index, entry) in (previous.index + 1..).zip(append.entries).skip(skip) {
                self.take_entry(index, entry);
            }
        }
        self.chain.covered = self.chain.covered.max(covers);
        self.commit_to(append.commit.min(covers));
        self.advance_chain();
        if count == 0 {
            self.tell(from);
        }
    }

    /// From the member after.
    pub(super) fn on_relayed(&mut self, from: Node, relayed: Relayed) {
        let current =
            relayed.epoch == self.chain.accepted.id && self.chain.neighbour(self.me, 1) == Some(from);
        if !current || !self.chain.in_force {
            return;
        }
        let matched = relayed.matched.min(self.log.last_index());
        let successor = &mut self.chain.successor;
        if successor.probing && successor.in_flight.is_empty() && matched + 1 < successor.next {
            // It lacks what was relayed to this member before the epoch was known to be in force.
            successor.retry(matched.max(successor.matched) + 1, self.now);
        } else {
            successor.advance(matched, self.now);
        }
        if relayed.commit <= self.chain_matched() {
            self.commit_to(relayed.commit);
        }
        self.advance_chain();
    }

    /// What a member does as time passes.
    pub(super) fn keep_chain(&mut self) {
        if self.now < self.chain.relay_at {
            return;
        }
        self.chain.relay_at = self.now + self.options.timing.heartbeat;
        if self.chain.neighbour(self.me, 1).is_none() {
            self.chain.relay_at = Nanos::MAX;
            return;
        }
        let patience = Nanos(self.options.timing.heartbeat.0 * 2);
        let successor = &mut self.chain.successor;
        if !successor.in_flight.is_empty() && self.now >= successor.moved_at + patience {
            successor.retry(successor.matched + 1, self.now);
        }
        let previous = if successor.probing { self.chain_matched() } else { successor.matched };
        let previous = previous.min(self.chain_matched()).max(self.log.base().index);
        if previous <= self.chain_matched() {
            self.send_relay(previous, 0);
        }
        self.relay();
    }
}
