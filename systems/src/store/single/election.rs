//! Who leads: time-outs, pre-votes, votes and terms (Ongaro 2014, sections 3.4 and 9.6).
//!
//! Never speaks of a vote or a term that is not on disk.

use histories::{Nanos, Node};

use super::machine::Machine;
use super::message::{Body, Candidacy};
use super::{Part, Record, Replica};
use crate::store::Bug;
use crate::store::single::options::Promotion;

impl<M: Machine> Replica<M> {
    /// Draws a new election time-out.
    pub(super) fn rest(&mut self) {
        let timing = &self.options.timing;
        let wait = self.dice.between(timing.election_min.0, timing.election_max.0);
        self.election_at = self.now + Nanos(wait);
    }

    fn candidacy(&self) -> Candidacy {
        Candidacy { last: self.log.last(), epoch: self.chain.accepted.id }
    }

    pub(super) fn stand_for_election(&mut self) {
        self.rest();
        if self.chained() && !self.chain.has(self.me) {
            return;
        }
        if self.options.has(Bug::NoSuccessor) && self.leader_term > 0 {
            return;
        }
        if !self.options.cautious() {
            return self.campaign();
        }
        self.part = Part::PreCandidate;
        self.leader = None;
        self.votes.clear();
        let candidacy = self.candidacy();
        for peer in self.peers() {
            self.sends.push((peer, super::Message { term: self.term + 1, body: Body::PreVote(candidacy) }));
        }
        self.on_pre_voted(self.me, self.term + 1, true);
    }

    pub(super) fn on_pre_vote(&mut self, from: Node, term: u64, candidacy: Candidacy) {
        // Whoever asks for the present term is behind it, and has to hear of it: nobody else may have a log to win with.
        if term <= self.term {
            return self.send_durable(from, Body::PreVoted(false));
        }
        if !self.vouches_for_leader() && self.accepts(&candidacy) {
            self.send_durable_in(term, from, Body::PreVoted(true));
        }
    }

    pub(super) fn on_pre_voted(&mut self, from: Node, term: u64, granted: bool) {
        if !granted {
            // The sender is ahead of us.
            if term > self.term && self.leading.is_none() {
                self.follow_term(term);
            }
            return;
        }
        if self.part != Part::PreCandidate || term != self.term + 1 {
            return;
        }
        self.votes.insert(from);
        if self.votes.len() >= self.group.majority() {
            self.campaign();
        }
    }

    fn campaign(&mut self) {
        self.part = Part::Candidate;
        self.leader = None;
        self.votes.clear();
        self.term += 1;
        self.vote = Some(self.me);
        self.persist_term();
        self.campaign_barrier = self.journal.barrier();
        let candidacy = self.candidacy();
        for peer in self.peers() {
            self.send_durable(peer, Body::Vote(candidacy));
        }
    }

    pub(super) fn on_vote(&mut self, from: Node, term: u64, candidacy: Candidacy) {
        if term < self.term {
            return self.send_durable(from, Body::Voted(false));
        }
        // Silence, so that a candidate who lost touch cannot depose a leader whom others hear, nor outvote a lease.
        if self.vouches_for_leader() {
            return;
        }
        if term > self.term {
            self.follow_term(term);
        }
        let free = self.vote.is_none_or(|vote| vote == from) && self.part == Part::Follower
            || self.options.has(Bug::VoteTwice);
        let granted = free && self.accepts(&candidacy);
        if granted && self.vote.is_none() {
            self.vote = Some(from);
            self.persist_term();
        }
        if granted {
            self.rest();
        }
        self.send_durable(from, Body::Voted(granted));
    }

    /// Heard the leader less than a lease ago, came back less than a lease ago, or leads and hears a majority.
    fn vouches_for_leader(&self) -> bool {
        match &self.leading {
            Some(leading) => self.unfenced() || self.now < leading.quorum_at + self.options.timing.lease,
            None => self.now < self.refuse_until,
        }
    }

    fn accepts(&self, candidacy: &Candidacy) -> bool {
        if self.chained() {
            // Every member of an epoch has all that was committed in it, whatever else its log holds.
            return candidacy.epoch >= self.chain.accepted.id;
        }
        self.options.promotion == Promotion::Any
            || candidacy.last >= self.log.last()
            || self.options.has(Bug::TruncateCommitted)
    }

    pub(super) fn on_voted(&mut self, from: Node, granted: bool) {
        if self.part != Part::Candidate || !granted {
            return;
        }
        self.votes.insert(from);
        let own = self.journal.is_durable(self.campaign_barrier);
        if own {
            self.votes.insert(self.me);
        }
        if own && self.votes.len() >= self.group.majority() {
            self.take_the_lead();
        }
    }

    pub(super) fn persist_term(&mut self) {
        self.journal.push(Record::Term { term: self.term, vote: self.vote });
    }

    /// Moves on to a later term, in which somebody else may lead.
    pub(super) fn follow_term(&mut self, term: u64) {
        self.term = term;
        self.vote = None;
        self.persist_term();
        self.stand_down();
    }

    /// Gives up the lead, or the attempt at it.
    pub(super) fn stand_down(&mut self) {
        if self.part != Part::Follower {
            self.part = Part::Follower;
            self.rest();
        }
        self.leader = None;
        if let Some(leading) = self.leading.take() {
            self.abandon(*leading);
        }
    }

    /// Whether an answer belongs to the present; learns of a later term.
    pub(super) fn in_term(&mut self, term: u64) -> bool {
        if term > self.term && !(self.unfenced() && self.leading.is_some()) {
            self.follow_term(term);
        }
        term == self.term
    }

    /// Whether `from` is to be followed as the leader of `term`. A deposed leader is told of the new term.
    pub(super) fn heeds_leader(&mut self, from: Node, term: u64) -> bool {
        if self.unfenced() {
            // Whoever sends is believed, except by those who lead themselves.
            if self.leading.is_some() {
                return false;
            }
        } else if term < self.term && !self.options.has(Bug::SkipTermCheck) {
            self.reject(from, 0, 0, self.log.last_index(), false);
            return false;
        }
        if term > self.term {
            self.follow_term(term);
        }
        if self.part == Part::Leader {
            return false;
        }
        if self.part != Part::Follower {
            self.stand_down();
        }
        true
    }

    /// Hears from the leader: no election, and no vote, for a while.
    pub(super) fn hear_leader(&mut self, from: Node, term: u64) {
        self.leader = Some(from);
        if std::mem::replace(&mut self.leader_term, term) != term {
            self.outlive_forwards(term);
        }
        self.heard_at = self.now;
        self.refuse_until = self.now + self.options.timing.lease;
        self.rest();
    }
}
