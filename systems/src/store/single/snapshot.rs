//! Snapshots: the log is cut off at its beginning, and a follower too far behind gets the state instead.
//!
//! A snapshot never passes what is committed, nor, where commits can be lost, what a majority holds.

use std::sync::Arc;

use histories::Node;

use super::Replica;
use super::log::Log;
use super::machine::Machine;
use super::message::{Appended, Body, EpochId, Payload, Record, Snapshot};
use crate::store::Bug;

impl<M: Machine> Replica<M> {
    /// Keeps half of what is allowed, for followers that are only a little behind.
    pub(super) fn compact_when_long(&mut self) {
        if self.log.len() <= self.options.snapshot_entries {
            return;
        }
        let safe = if self.options.keeps_commits() { self.applied } else { self.applied.min(self.held) };
        let keep_from = self.log.last_index() - self.options.snapshot_entries as u64 / 2;
        let index = safe.min(keep_from);
        // Not entry by entry: each time the whole log is written anew.
        if index < self.log.base().index + (self.options.snapshot_entries as u64 / 4).max(1) {
            return;
        }
        let base = Arc::make_mut(&mut self.base);
        let covered = index - u64::from(self.options.has(Bug::SnapshotMissesTail));
        for (index, entry) in self.log.iter().take_while(|(at, _)| *at <= covered) {
            if let Payload::Work(work) = &entry.payload {
                base.state.apply(index, work);
            }
        }
        self.log.compact(index);
        base.at = self.log.base();
        self.rewrite_journal();
    }

    fn rewrite_journal(&mut self) {
        let mut records = Vec::with_capacity(self.log.len() + 2);
        records.push(Record::Snapshot(Arc::clone(&self.base)));
        records.push(Record::Term { term: self.term, vote: self.vote });
        if self.chain.accepted.id > EpochId::default() {
            records.push(Record::Epoch(Arc::clone(&self.chain.accepted)));
        }
        records
            .extend(self.log.iter().map(|(index, entry)| Record::Entry { index, entry: Arc::clone(entry) }));
        self.journal.compact(records);
    }

    pub(super) fn on_snapshot(&mut self, from: Node, term: u64, snapshot: Arc<Snapshot<M>>) {
        self.hear_leader(from, term);
        let at = snapshot.at;
        let has_it = self.log.term(at.index) == Some(at.term) && !self.unfenced();
        let passed_it = self.options.keeps_commits() && at.index <= self.commit;
        if has_it {
            self.commit_to(at.index);
        } else if !passed_it {
            self.install(snapshot);
        }
        self.send_durable_in(term, from, Body::Appended(Appended { matched: at.index, round: 0 }));
    }

    /// Forgets everything for what the leader sent.
    fn install(&mut self, snapshot: Arc<Snapshot<M>>) {
        let index = snapshot.at.index;
        self.log = Log::starting_at(snapshot.at);
        self.state = snapshot.state.clone();
        self.base = snapshot;
        self.commit = index;
        self.applied = index;
        self.turns.restart(index);
        self.held = index;
        self.unapplied.clear();
        self.break_off_transactions("this replica's state was replaced by the leader's");
        self.journal.truncate(index);
        self.rewrite_journal();
        self.serve_local_reads();
    }
}
