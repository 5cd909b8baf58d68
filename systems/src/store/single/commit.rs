//! When an entry is committed, and what happens then: it is applied, and whoever waited for it is answered.
//!
//! Never counts an entry that is not on disk, nor, by itself, one of an earlier term (Ongaro 2014, section 3.6.2).

use super::Replica;
use super::machine::{Machine, Outcome};
use super::message::Payload;
use crate::store::Bug;
use crate::store::replica::Response;
use crate::store::single::options::{Ack, Apply, Format};

impl<M: Machine> Replica<M> {
    /// A leader counts who holds what.
    pub(super) fn advance_commit(&mut self) {
        let (me, own, majority, nodes) =
            (self.me, self.journal.persisted_index(), self.group.majority(), self.group.size());
        let own = if self.options.has(Bug::AckBeforeSync) { self.log.last_index() } else { own };
        if self.chained() {
            self.advance_chain();
            return self.mend_chain();
        }
        let Some(leading) = self.leading.as_mut() else { return };
        let held = leading.reached_by(majority, me, own, |progress| progress.matched);
        let reached = match self.options.ack {
            _ if self.options.has(Bug::AckBeforeReplicate) => own,
            Ack::Majority => held,
            Ack::All => leading.reached_by(nodes, me, own, |progress| progress.matched),
            // The leader's own place is first, so that only followers are counted.
            Ack::Any(count) => {
                leading.reached_by(usize::from(count) + 1, me, u64::MAX, |progress| progress.matched).min(own)
            }
            Ack::None | Ack::Chain => own,
        };
        if self.log.term(held) == Some(self.term) {
            self.held = self.held.max(held);
        }
        if self.log.term(reached) == Some(self.term) {
            self.commit_to(reached);
        }
    }

    pub(super) fn commit_to(&mut self, index: u64) {
        if index <= self.commit && self.unapplied.is_empty() {
            return;
        }
        self.commit = self.commit.max(index);
        if self.applies_in_parallel() {
            self.queue_committed();
        } else if self.unfenced() {
            while let Some(next) = self.unapplied.first().copied().filter(|next| *next <= self.commit) {
                self.unapplied.remove(&next);
                self.apply(next);
            }
            self.applied = self.commit;
        }
        while self.applied < self.commit && !self.applies_in_parallel() {
            self.applied += 1;
            self.apply(self.applied);
        }
        self.serve_local_reads();
        self.serve_leader_reads();
        self.serve_tail_reads();
        self.compact_when_long();
    }

    /// Applies an entry, and answers whoever waits for it.
    pub(super) fn apply(&mut self, index: u64) {
        let Some(entry) = self.log.get(index) else { return };
        if self.options.has(Bug::SkipEntry) && self.leading.is_none() && index.is_multiple_of(50) {
            return;
        }
        let outcome = match &entry.payload {
            Payload::Empty | Payload::Epoch(_) => Outcome::DONE,
            Payload::Work(work) => {
                self.transactions.keep(&self.state, work);
                self.state.apply(index, work)
            }
        };
        // Without fencing what comes before this entry may be replaced elsewhere, and a command decided otherwise there.
        let definite = !(self.unfenced() && self.options.format == Format::Log);
        if let Payload::Epoch(epoch) = &entry.payload {
            self.chain.tail.begin(*epoch);
        }
        let Some(leading) = self.leading.as_mut() else { return };
        if let Payload::Work(work) = &entry.payload {
            M::forget(&mut leading.foresight, index, work);
        }
        let in_order = self.options.apply == Apply::InOrder;
        let mut leaked = None;
        while let Some(mut pending) = leading.take_pending(index, in_order) {
            let response = match pending.outcome.take().unwrap_or_else(|| outcome.clone()) {
                Outcome::Done { version } => {
                    pending.done(version.unwrap_or(pending.index), entry.term, self.me)
                }
                Outcome::Refused { error, seen } => {
                    leaked = pending.leaks.take();
                    let (version, term, served_by) = (pending.index, entry.term, self.me);
                    Response::Refused { error, definite, seen, version, term, served_by }
                }
            };
            self.transactions.close(pending.asker);
            pending.asker.answer(self.term, response, &mut self.replies, &mut self.sends);
        }
        if let Some(command) = leaked {
            self.enter_command(command);
        }
    }

    /// Builds the state anew, up to `index`.
    pub(super) fn rebuild(&mut self, index: u64) {
        self.break_off_transactions("entries that the transaction had seen were lost");
        self.state = self.base.state.clone();
        self.commit = index;
        self.applied = index;
        for (index, entry) in self.log.iter().take_while(|(at, _)| *at <= index) {
            if let Payload::Work(work) = &entry.payload {
                self.state.apply(index, work);
            }
        }
    }
}
