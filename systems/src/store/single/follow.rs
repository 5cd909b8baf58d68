//! The follower's side of the log: matching, appending, truncating.
//!
//! Never says that it holds an entry before that is on disk.

use std::sync::Arc;

use histories::Node;

use super::Replica;
use super::machine::Machine;
use super::message::{Append, Appended, Body, Entry, Record, Rejected};
use crate::store::Bug;

impl<M: Machine> Replica<M> {
    pub(super) fn on_append(&mut self, from: Node, term: u64, append: Append<M>) {
        self.hear_leader(from, term);
        self.leader_commit = append.commit;
        let Append { previous, mut entries, commit, held, round, epoch } = append;
        let mut previous = previous;
        let base = self.log.base();
        if previous.index < base.index {
            let covered = (base.index - previous.index) as usize;
            let agrees = entries.get(covered - 1).is_some_and(|entry| entry.term == base.term);
            if !agrees && !self.options.keeps_commits() {
                return self.reject(from, previous.index, round, base.index, false);
            }
            // What a snapshot covers was committed, and committed entries are the same everywhere.
            entries.drain(..covered.min(entries.len()));
            previous = base;
        }
        if !self.matches(previous.index, previous.term) {
            return self.refuse_mismatch(from, previous.index, round);
        }
        let matched = previous.index + entries.len() as u64;
        for (index, entry) in (previous.index + 1..).zip(entries) {
            self.take_entry(index, entry);
        }
        self.held = self.held.max(held.min(matched));
        let heard = if self.options.has(Bug::CommitUnheard) { matched } else { commit.min(matched) };
        self.commit_to(heard);
        self.learn_epoch(epoch);
        let appended = Appended { matched: self.matched_in_chain(matched), round };
        self.send_durable_in(term, from, Body::Appended(appended));
    }

    fn matches(&self, index: u64, term: u64) -> bool {
        if self.unfenced() {
            return index <= self.log.last_index();
        }
        self.log.term(index) == Some(term)
    }

    fn refuse_mismatch(&mut self, from: Node, previous: u64, round: u64) {
        let last = self.log.last_index();
        if previous > last {
            return self.reject(from, previous, round, last, false);
        }
        let hint = self.log.before_term_of(previous);
        let below_base = previous <= self.log.base().index;
        let hint = if self.options.keeps_commits() { hint.max(self.commit) } else { hint };
        self.reject(from, previous, round, hint, below_base);
    }

    pub(super) fn reject(&mut self, to: Node, previous: u64, round: u64, hint: u64, snapshot: bool) {
        self.send_durable(to, Body::Rejected(Rejected { previous, hint, round, snapshot }));
    }

    pub(super) fn take_entry(&mut self, index: u64, entry: Arc<Entry<M>>) {
        match self.log.term(index) {
            Some(term) if term == entry.term => return,
            Some(_) if self.unfenced() => {
                // Last writer at an index wins.
                self.journal.truncate(index - 1);
                self.log.replace(index, Arc::clone(&entry));
            }
            Some(_) => {
                self.truncate(index - 1);
                self.log.push(Arc::clone(&entry));
            }
            None => {
                self.log.push(Arc::clone(&entry));
            }
        }
        if self.unfenced() {
            self.unapplied.insert(index);
        }
        self.journal.push(Record::Entry { index, entry });
    }

    /// Forgets the log after `index`. Where some of that was applied, the state is built anew without it.
    fn truncate(&mut self, index: u64) {
        self.log.truncate(index);
        self.journal.truncate(index);
        self.held = self.held.min(index);
        self.chain.truncate(index);
        if index < self.applied {
            self.rebuild(index);
        }
    }
}
