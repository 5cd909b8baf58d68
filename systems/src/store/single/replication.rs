//! The leader's side of the log: appending, shipping in pipelined batches, heartbeats and rounds.
//!
//! Never waits: a message that is lost is sent again when a heartbeat shows that nothing moved.

use std::sync::Arc;

use histories::{Nanos, Node};

use super::leading::Leading;
use super::machine::Machine;
use super::message::{Append, Appended, Body, Entry, Payload, Position, Record, Rejected};
use super::{Part, Replica};
use crate::store::Bug;
use crate::store::single::options::{Ack, Fencing};

/// Entries in one message.
pub(super) const BATCH_MAX: usize = 256;
/// Without progress for this many heartbeats, entries are sent again.
const STALL_HEARTBEATS: u64 = 3;

impl<M: Machine> Replica<M> {
    pub(super) fn take_the_lead(&mut self) {
        self.part = Part::Leader;
        self.leader = Some(self.me);
        self.leader_term = self.term;
        let first = self.log.last_index() + 1;
        self.leading = Some(Box::new(Leading::new(self.group, first, self.now)));
        self.seen.begin(self.term);
        self.outlive_forwards(self.term);
        self.foresee_log();
        if self.chained() {
            // Nothing to append yet: the chain is founded by those who answer.
            return self.begin_round();
        }
        self.append(Payload::Empty);
        self.open_round();
        self.replicate_all();
        self.confirm_round();
    }

    /// Adds an entry of the own term to the log and has it written.
    pub(super) fn append(&mut self, payload: Payload<M>) -> u64 {
        let entry = Arc::new(Entry { term: self.term, payload });
        let index = self.log.push(Arc::clone(&entry));
        self.journal.push(Record::Entry { index, entry });
        if self.unfenced() {
            self.unapplied.insert(index);
        }
        index
    }

    /// What a leader does as time passes.
    pub(super) fn lead_on(&mut self) {
        let Some(leading) = self.leading.as_mut() else { return };
        let patience = if self.options.fencing == Fencing::Lease {
            self.options.timing.leader_lease()
        } else {
            self.options.timing.election_max
        };
        let trusting = self.options.has(Bug::LeaseTooLong);
        let patience = if trusting { Nanos(patience.0 * 10) } else { patience };
        if self.options.cautious() && self.group.size() > 1 && self.now >= leading.quorum_at + patience {
            return self.stand_down();
        }
        if self.options.ack == Ack::None && self.now >= leading.ship_at {
            leading.ship_at = self.now + self.options.timing.ship_interval;
            leading.shipped = self.log.last_index();
            self.replicate_all();
        }
        if self.leading.as_ref().is_some_and(|leading| self.now >= leading.heartbeat_at) {
            self.retry_stalled();
            self.propose_again();
            self.begin_round();
            self.replicate_all();
        }
    }

    fn retry_stalled(&mut self) {
        let Some(leading) = self.leading.as_mut() else { return };
        let patience = Nanos(self.options.timing.heartbeat.0 * STALL_HEARTBEATS);
        for node in self.group.members() {
            let progress = leading.progress(node);
            if self.now < progress.moved_at + patience {
                continue;
            }
            if !progress.in_flight.is_empty() {
                // A probe that was lost is sent again as it was; otherwise from what is known to be there.
                let next = if progress.probing { progress.next } else { progress.matched + 1 };
                progress.retry(next, self.now);
            }
            progress.snapshot_sent =
                progress.snapshot_sent.filter(|sent| self.now < *sent + Nanos(patience.0 * 3));
        }
    }

    /// Sends a heartbeat to everyone, with a new round's number.
    pub(super) fn begin_round(&mut self) {
        self.open_round();
        for peer in self.peers() {
            self.heartbeat(peer);
        }
        self.confirm_round();
    }

    fn open_round(&mut self) {
        let Some(leading) = self.leading.as_mut() else { return };
        leading.round += 1;
        leading.sent.push_back((leading.round, self.now));
        leading.heartbeat_at = self.now + self.options.timing.heartbeat;
        if self.options.ack != Ack::None {
            leading.ship_at = leading.heartbeat_at;
        }
    }

    fn heartbeat(&mut self, to: Node) {
        let Some(leading) = self.leading.as_mut() else { return };
        let progress = leading.progress(to);
        let index = if progress.probing { progress.next.saturating_sub(1) } else { progress.matched };
        self.send_append(to, index.clamp(self.log.base().index, self.log.last_index()), 0);
    }

    pub(super) fn replicate_all(&mut self) {
        for peer in self.peers() {
            self.replicate(peer);
        }
        if self.chained() {
            self.advance_chain();
        }
    }

    /// Sends everything that `to` lacks and may have, as far as its window allows.
    pub(super) fn replicate(&mut self, to: Node) {
        if self.is_fed_by_chain(to) {
            return;
        }
        while let Some(leading) = self.leading.as_mut() {
            let limit = match self.options.ack {
                Ack::None => leading.shipped.min(self.log.last_index()),
                _ => self.log.last_index(),
            };
            let progress = leading.progress(to);
            let from = progress.next;
            if progress.is_full() || from > limit {
                return;
            }
            if from <= self.log.base().index {
                progress.snapshot_sent = Some(self.now);
                progress.moved_at = self.now;
                return self.send(to, Body::Snapshot(Arc::clone(&self.base)));
            }
            let count = BATCH_MAX.min((limit - from + 1) as usize);
            if progress.in_flight.is_empty() {
                progress.moved_at = self.now;
            }
            progress.in_flight.push_back(from + count as u64 - 1);
            if !progress.probing {
                progress.next = from + count as u64;
            }
            self.send_append(to, from - 1, count);
        }
    }

    fn send_append(&mut self, to: Node, previous: u64, count: usize) {
        let Some(round) = self.leading.as_ref().map(|leading| leading.round) else { return };
        if let Some(append) = self.make_append(previous, count, round) {
            self.send(to, Body::Append(append));
        }
    }

    pub(super) fn make_append(&self, previous: u64, count: usize, round: u64) -> Option<Append<M>> {
        let term = self.log.term(previous)?;
        Some(Append {
            previous: Position { term, index: previous },
            entries: if count == 0 { Vec::new() } else { self.log.slice(previous + 1, count) },
            commit: self.commit,
            held: self.held,
            round,
            epoch: self.epoch_in_force(),
        })
    }

    pub(super) fn on_appended(&mut self, from: Node, appended: Appended) {
        let (now, last) = (self.now, self.log.last_index());
        let Some(leading) = self.leading.as_mut() else { return };
        let progress = leading.progress(from);
        progress.heard_at = now;
        progress.round = progress.round.max(appended.round);
        progress.advance(appended.matched.min(last), now);
        self.advance_commit();
        self.confirm_round();
        self.replicate(from);
    }

    pub(super) fn on_rejected(&mut self, from: Node, rejected: Rejected) {
        let (now, last) = (self.now, self.log.last_index());
        let Some(leading) = self.leading.as_mut() else { return };
        let progress = leading.progress(from);
        progress.heard_at = now;
        progress.round = progress.round.max(rejected.round);
        let stale =
            rejected.previous < progress.matched || progress.probing && rejected.previous >= progress.next;
        if !stale && progress.snapshot_sent.is_none() {
            if rejected.snapshot || rejected.hint > last {
                // Whatever the follower had does not count: it begins anew.
                progress.matched = 0;
                progress.retry(0, now);
            } else if rejected.hint > rejected.previous {
                // The follower's log begins there.
                progress.retry(rejected.hint + 1, now);
            } else {
                let next = rejected.hint.min(rejected.previous.saturating_sub(1)) + 1;
                progress.retry(next.max(progress.matched + 1), now);
            }
        }
        self.confirm_round();
        self.replicate(from);
    }
}
