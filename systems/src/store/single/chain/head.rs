//! The head mends its chain: it proposes epochs, drops members that are silent or lag, and adds those that caught up.
//!
//! Appends nothing while a proposal is open: a member that is being added has to have all that may be committed.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use histories::{Nanos, Node};

use super::super::Replica;
use super::super::forward::Asker;
use super::super::machine::Machine;
use super::super::message::{Body, Epoch, EpochId, Payload};
use crate::store::replica::Request;

/// How far behind a node may be for appends to be held back until it has caught up.
const NEARLY_THERE: u64 = 64;

/// What only the head keeps.
#[derive(Debug)]
pub(in super::super) struct Head {
    since: Nanos,
    /// An epoch of this lead took force.
    established: bool,
    /// Who accepted the latest proposal.
    accepted_by: BTreeSet<Node>,
    /// The head's own acceptance is on disk after this batch.
    barrier: u64,
    /// A node that appends wait for, and since when.
    adding: Option<(Node, Nanos)>,
    /// Writes that came while nothing could be appended.
    pub(in super::super) queue: VecDeque<(Asker, Request)>,
    /// When the committed entries last were more, or none was missing.
    moved_at: Nanos,
    seen_commit: u64,
}

impl Head {
    pub(in super::super) fn new(now: Nanos) -> Self {
        Self {
            since: now,
            established: false,
            accepted_by: BTreeSet::new(),
            barrier: 0,
            adding: None,
            queue: VecDeque::new(),
            moved_at: now,
            seen_commit: 0,
        }
    }
}

impl<M: Machine> Replica<M> {
    /// Whether appends are held back.
    pub(in super::super) fn is_frozen(&self) -> bool {
        self.chained()
            && self.leading.as_ref().is_some_and(|leading| {
                !leading.head.established || leading.head.adding.is_some() || !self.chain.in_force
            })
    }

    /// The epoch that followers should take for in force.
    pub(in super::super) fn epoch_in_force(&self) -> Option<EpochId> {
        self.chain.in_force.then_some(self.chain.accepted.id)
    }

    /// A member of the epoch in force gets its entries from the member before it.
    pub(in super::super) fn is_fed_by_chain(&self, node: Node) -> bool {
        self.chained() && self.chain.in_force && self.chain.has(node)
    }

    fn has_caught_up(&self, node: Node) -> bool {
        let last = self.log.last_index();
        let durable = self.journal.persisted_index() == last;
        self.leading.as_ref().is_some_and(|leading| {
            durable && !leading.is_probing(node) && leading.matched(node) == last && self.is_alive(node)
        })
    }

    fn is_alive(&self, node: Node) -> bool {
        let silent = self.now.since(self.options.timing.repair);
        self.leading.as_ref().is_some_and(|leading| leading.heard_at(node) >= silent)
    }

    /// Looks after the chain whenever something may have changed.
    pub(in super::super) fn mend_chain(&mut self) {
        let Some(leading) = self.leading.as_mut() else { return };
        if !leading.head.established && leading.head.accepted_by.is_empty() {
            return self.found_chain();
        }
        if !self.chain.in_force {
            return self.count_acceptances();
        }
        if let Some((node, since)) = leading.head.adding {
            if self.has_caught_up(node) {
                let members = self.chain.accepted.members.iter().copied().chain([node]).collect();
                self.propose(members);
            } else if self.now >= since + self.options.timing.repair {
                self.stop_adding();
            }
            return;
        }
        self.drop_or_add();
    }

    /// The first epoch of a lead: whoever has the leader's log, or the leader alone.
    fn found_chain(&mut self) {
        let others: Vec<_> = self.peers().filter(|peer| self.has_caught_up(*peer)).collect();
        let since = self.leading.as_ref().map_or(self.now, |leading| leading.head.since);
        let durable = self.journal.persisted_index() == self.log.last_index();
        let everyone = others.len() + 1 == self.group.size();
        if durable && (everyone || self.now >= since + self.options.timing.repair) {
            self.propose([self.me].into_iter().chain(others).collect());
        }
    }

    fn propose(&mut self, members: Vec<Node>) {
        let number =
            if self.chain.accepted.id.term == self.term { self.chain.accepted.id.number + 1 } else { 1 };
        let epoch = Arc::new(Epoch { id: EpochId { term: self.term, number }, members });
        self.accept_epoch(Arc::clone(&epoch));
        let barrier = self.journal.barrier();
        if let Some(leading) = self.leading.as_mut() {
            leading.head.adding = None;
            leading.head.accepted_by = BTreeSet::from([self.me]);
            leading.head.barrier = barrier;
        }
        // Who accepted an epoch votes for its members only, so that one of them has to know of it for good.
        for peer in self.peers() {
            self.send_durable(peer, Body::Propose(Arc::clone(&epoch)));
        }
    }

    /// Proposals may be lost.
    pub(in super::super) fn propose_again(&mut self) {
        let Some(leading) = self.leading.as_ref().filter(|leading| !leading.head.accepted_by.is_empty())
        else {
            return;
        };
        let missing: Vec<_> = self.peers().filter(|peer| !leading.head.accepted_by.contains(peer)).collect();
        for peer in missing {
            self.send_durable(peer, Body::Propose(Arc::clone(&self.chain.accepted)));
        }
    }

    pub(in super::super) fn on_accepted(&mut self, from: Node, epoch: EpochId) {
        if epoch != self.chain.accepted.id {
            return;
        }
        if let Some(leading) = self.leading.as_mut() {
            leading.head.accepted_by.insert(from);
            self.mend_chain();
        }
    }

    fn count_acceptances(&mut self) {
        let majority = self.group.majority();
        let Some(leading) = self.leading.as_mut() else { return };
        let head = &mut leading.head;
        if !self.journal.is_durable(head.barrier) || head.accepted_by.len() < majority {
            return;
        }
        head.established = true;
        head.moved_at = self.now;
        let epoch = self.chain.accepted.id;
        leading.resume_all(self.now);
        let first = self.append(Payload::Epoch(epoch));
        if let Some(leading) = self.leading.as_mut() {
            leading.first = first;
        }
        self.enter_epoch();
        // Everybody learns at once that it is in force.
        self.begin_round();
        self.thaw();
    }

    fn stop_adding(&mut self) {
        if let Some(leading) = self.leading.as_mut() {
            leading.head.adding = None;
        }
        self.thaw();
    }

    fn thaw(&mut self) {
        while !self.is_frozen() {
            let Some((asker, request)) =
                self.leading.as_mut().and_then(|leading| leading.head.queue.pop_front())
            else {
                return;
            };
            self.write(asker, request);
        }
    }

    fn drop_or_add(&mut self) {
        let (now, repair, last) = (self.now, self.options.timing.repair, self.log.last_index());
        let commit = self.commit;
        let Some(leading) = self.leading.as_mut() else { return };
        if commit > leading.head.seen_commit || commit == last {
            leading.head.seen_commit = commit;
            leading.head.moved_at = now;
        }
        let stalled = now >= leading.head.moved_at + repair;
        let lags = |node: &Node| {
            stalled && self.leading.as_ref().is_some_and(|leading| leading.matched(*node) <= commit)
        };
        let others = self.chain.accepted.members.iter().copied().filter(|node| *node != self.me);
        if let Some(out) =
            others.clone().find(|node| !self.is_alive(*node)).or_else(|| others.clone().find(lags))
        {
            let members = self.chain.accepted.members.iter().copied().filter(|node| *node != out).collect();
            return self.propose(members);
        }
        let outside = self.peers().find(|peer| {
            !self.chain.has(*peer)
                && self.is_alive(*peer)
                && self.leading.as_ref().is_some_and(|leading| {
                    !leading.is_probing(*peer) && leading.matched(*peer) + NEARLY_THERE >= last
                })
        });
        if let (Some(node), Some(leading), false) = (outside, self.leading.as_mut(), stalled) {
            leading.head.adding = Some((node, now));
            self.mend_chain();
        }
    }
}
