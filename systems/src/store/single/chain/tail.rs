//! Reads at the tail: everything that it has on disk is committed, so it needs nobody but a majority's word that its
//! epoch still stands.
//!
//! Never answers before it has committed the entry that began its epoch.

use std::collections::{BTreeSet, VecDeque};

use histories::{Key, Nanos, Node};

use super::super::Replica;
use super::super::forward::Asker;
use super::super::machine::Machine;
use super::super::message::{Body, EpochId};
use crate::store::replica::{Request, RequestId};

#[derive(Debug, Default)]
pub(in super::super) struct Tail {
    /// The epoch whose first entry was applied here.
    begun: EpochId,
    /// What was on disk when this process began: it may have been committed, so reads wait until it is again.
    floor: u64,
    reads: VecDeque<TailRead>,
    round: u64,
    /// Who answered the latest round; none is under way where empty.
    confirmed_by: BTreeSet<Node>,
    ask_again_at: Option<Nanos>,
}

#[derive(Debug)]
struct TailRead {
    asker: Asker,
    key: Key,
    /// Answered once this round is confirmed.
    round: u64,
    expires: Nanos,
}

impl Tail {
    /// Rounds are numbered from `life` on, so that no answer to the process before counts.
    pub(super) fn restored(last_index: u64, life: u64) -> Self {
        Self { floor: last_index, round: life, ..Self::default() }
    }

    pub(super) fn truncate(&mut self, index: u64) {
        self.floor = self.floor.min(index);
    }

    pub(super) fn wakes_at(&self) -> Nanos {
        self.ask_again_at.unwrap_or(Nanos::MAX)
    }

    /// The first entry of `epoch` was applied.
    pub(in super::super) fn begin(&mut self, epoch: EpochId) {
        self.begun = self.begun.max(epoch);
    }
}

impl<M: Machine> Replica<M> {
    fn is_tail(&self) -> bool {
        self.chain.in_force && self.chain.accepted.members.last() == Some(&self.me)
    }

    /// A client's read of a chain, wherever it arrived.
    pub(in super::super) fn read_from_chain(&mut self, id: RequestId, request: Request) {
        let tail = self.chain.accepted.members.last().copied().filter(|_| self.chain.in_force);
        match tail {
            Some(tail) if tail == self.me => self.read_as_tail(Asker::Client(id), request),
            Some(tail) => self.forward_to(tail, self.term, id, request),
            None => self.refuse(Asker::Client(id), "no chain is known", true),
        }
    }

    pub(in super::super) fn read_as_tail(&mut self, asker: Asker, request: Request) {
        if !self.is_tail() {
            return self.refuse(asker, "the node that was asked is not the chain's tail", true);
        }
        let Some(key) = request.command.key().cloned() else { return };
        let expires = self.now + self.options.timing.wait;
        let round = self.chain.tail.round + 1;
        self.chain.tail.reads.push_back(TailRead { asker, key, round, expires });
        if self.chain.tail.ask_again_at.is_none() {
            self.ask_for_epoch();
        }
    }

    /// A round of questions; whoever asks to read while it is under way shares the next.
    fn ask_for_epoch(&mut self) {
        let tail = &mut self.chain.tail;
        tail.round += 1;
        tail.confirmed_by = BTreeSet::from([self.me]);
        tail.ask_again_at = Some(self.now + self.options.timing.heartbeat);
        let (epoch, round) = (self.chain.accepted.id, tail.round);
        for peer in self.peers() {
            self.send(peer, Body::Confirm { epoch, round });
        }
        self.serve_tail_reads();
    }

    pub(in super::super) fn on_confirm(&mut self, from: Node, epoch: EpochId, round: u64) {
        if self.chain.accepted.id <= epoch {
            self.send(from, Body::Confirmed { epoch, round });
        }
    }

    pub(in super::super) fn on_confirmed(&mut self, from: Node, epoch: EpochId, round: u64) {
        if epoch == self.chain.accepted.id && round == self.chain.tail.round && self.is_tail() {
            self.chain.tail.confirmed_by.insert(from);
            self.serve_tail_reads();
        }
    }

    pub(in super::super) fn serve_tail_reads(&mut self) {
        let (majority, commit) = (self.group.majority(), self.commit);
        let begun = self.chain.tail.begun == self.chain.accepted.id && commit >= self.chain.tail.floor;
        if !begun || !self.is_tail() || self.chain.tail.confirmed_by.len() < majority {
            return;
        }
        let round = self.chain.tail.round;
        while let Some(read) = self.chain.tail.reads.pop_front_if(|read| read.round <= round) {
            self.answer_read(read.asker, &read.key);
        }
        self.chain.tail.ask_again_at = None;
        if !self.chain.tail.reads.is_empty() {
            self.ask_for_epoch();
        }
    }

    pub(in super::super) fn keep_tail(&mut self) {
        let now = self.now;
        while let Some(read) = self.chain.tail.reads.pop_front_if(|read| read.expires <= now) {
            self.refuse(read.asker, "the tail could not confirm its epoch in time", true);
        }
        if self.chain.tail.ask_again_at.is_some_and(|at| at <= now) {
            if self.chain.tail.reads.is_empty() {
                self.chain.tail.ask_again_at = None;
            } else {
                self.ask_for_epoch();
            }
        }
    }

    /// Another epoch was accepted: this node cannot answer for the old one any more.
    pub(super) fn leave_tail(&mut self) {
        let reads = std::mem::take(&mut self.chain.tail.reads);
        self.chain.tail.ask_again_at = None;
        self.chain.tail.confirmed_by.clear();
        for read in reads {
            self.refuse(read.asker, "the chain changed before its tail could answer", true);
        }
    }
}
