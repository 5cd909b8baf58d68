//! What is on disk and what is on its way there, and the messages that wait for it.
//!
//! Never writes: it numbers what has to be written and is told when that is done.

use std::collections::VecDeque;

use histories::Node;

use super::machine::Machine;
use super::message::{Message, Record};
use crate::store::Persist;

#[derive(Debug)]
pub(super) struct Journal<M: Machine> {
    records: Vec<Record<M>>,
    compact: bool,
    /// Of the last batch that was handed out.
    last_seq: u64,
    persisted_seq: u64,
    /// Batches on their way, with the log's last index that each makes durable.
    spans: VecDeque<(u64, u64)>,
    /// The log is on disk up to here.
    persisted_index: u64,
    deferred: VecDeque<(u64, Node, Message<M>)>,
}

impl<M: Machine> Journal<M> {
    pub(super) fn restored(persisted_index: u64) -> Self {
        Self {
            records: Vec::new(),
            compact: false,
            last_seq: 0,
            persisted_seq: 0,
            spans: VecDeque::new(),
            persisted_index,
            deferred: VecDeque::new(),
        }
    }

    pub(super) fn persisted_index(&self) -> u64 {
        self.persisted_index
    }

    pub(super) fn push(&mut self, record: Record<M>) {
        self.records.push(record);
    }

    /// Replaces everything on disk, and everything on its way there, by `records`.
    pub(super) fn compact(&mut self, records: Vec<Record<M>>) {
        self.records = records;
        self.compact = true;
    }

    /// The log was cut back to `index`: what follows is not durable until it is written again.
    pub(super) fn truncate(&mut self, index: u64) {
        self.persisted_index = self.persisted_index.min(index);
        for (_, last) in &mut self.spans {
            *last = (*last).min(index);
        }
    }

    /// The batch after which everything up to now is durable.
    pub(super) fn barrier(&self) -> u64 {
        self.last_seq + u64::from(!self.records.is_empty())
    }

    pub(super) fn is_durable(&self, barrier: u64) -> bool {
        barrier <= self.persisted_seq
    }

    /// Keeps a message until everything up to now is durable; gives it back where it already is.
    pub(super) fn defer(&mut self, to: Node, message: Message<M>) -> Option<(Node, Message<M>)> {
        let barrier = self.barrier();
        if self.is_durable(barrier) {
            return Some((to, message));
        }
        self.deferred.push_back((barrier, to, message));
        None
    }

    /// The batch of everything since the last one, `last_index` being the log's.
    pub(super) fn flush(&mut self, last_index: u64) -> Option<Persist<Record<M>>> {
        if self.records.is_empty() {
            return None;
        }
        self.last_seq += 1;
        self.spans.push_back((self.last_seq, last_index));
        Some(Persist {
            seq: self.last_seq,
            records: std::mem::take(&mut self.records),
            compact: std::mem::take(&mut self.compact),
        })
    }

    /// Everything up to batch `seq` is on disk; returns the messages that waited for it.
    pub(super) fn persisted(&mut self, seq: u64) -> Vec<(Node, Message<M>)> {
        self.persisted_seq = self.persisted_seq.max(seq.min(self.last_seq));
        while let Some((_, last)) = self.spans.pop_front_if(|(seq, _)| *seq <= self.persisted_seq) {
            self.persisted_index = last;
        }
        let mut ready = Vec::new();
        while let Some((_, to, message)) = self.deferred.pop_front_if(|(seq, ..)| *seq <= self.persisted_seq)
        {
            ready.push((to, message));
        }
        ready
    }
}
