//! What is on its way to disk, and what is to be done once it is there.
//!
//! Never writes: it numbers what has to be written and is told when that is done.

use std::collections::VecDeque;

use histories::Node;

use super::message::{OperationId, Record};
use crate::store::Persist;

/// What a record was written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    /// An operation of this member counts it.
    Count {
        number: u64,
    },
    /// A version that this member made for an operation may be told of.
    Minted {
        number: u64,
    },
    /// Another member is told.
    Tell {
        node: Node,
        id: OperationId,
    },
    /// The same, for the last of what was handed over.
    TellTaken {
        node: Node,
        id: OperationId,
    },
}

#[derive(Debug, Default)]
pub(super) struct Journal {
    /// To be handed out.
    records: Vec<Record>,
    compact: bool,
    /// Of the last batch that was handed out.
    last_seq: u64,
    /// Everything that is not known to be on disk, with its batch.
    pending: VecDeque<(u64, Record, Then)>,
    /// Records on disk or on their way there.
    length: usize,
    /// The batch that replaces all before it, until it is on disk.
    compacting: Option<u64>,
}

impl Journal {
    pub(super) fn restored(length: usize) -> Self {
        Self { length, ..Self::default() }
    }

    /// Longer than `records`, and not about to become shorter.
    pub(super) fn is_longer_than(&self, records: usize) -> bool {
        self.length > records && self.compacting.is_none()
    }

    pub(super) fn push(&mut self, record: Record, then: Then) {
        self.records.push(record.clone());
        self.pending.push_back((self.last_seq + 1, record, then));
        self.length += 1;
    }

    /// Replaces everything on disk by `records`, and what is on its way there comes behind them.
    pub(super) fn compact(&mut self, mut records: Vec<Record>) {
        records.extend(self.pending.iter().map(|(_, record, _)| record.clone()));
        self.rewrite(records);
    }

    /// Replaces everything on disk and on its way there.
    pub(super) fn rewrite(&mut self, records: Vec<Record>) {
        self.length = records.len();
        self.records = records;
        self.compact = true;
        self.compacting = Some(self.last_seq + 1);
    }

    /// The batch of everything since the last one.
    pub(super) fn flush(&mut self) -> Option<Persist<Record>> {
        if self.records.is_empty() {
            return None;
        }
        self.last_seq += 1;
        Some(Persist {
            seq: self.last_seq,
            records: std::mem::take(&mut self.records),
            compact: std::mem::take(&mut self.compact),
        })
    }

    /// The next record that is on disk now that batch `seq` is.
    pub(super) fn next_durable(&mut self, seq: u64) -> Option<(Record, Then)> {
        let durable = seq.min(self.last_seq);
        self.compacting.take_if(|batch| *batch <= durable);
        let (_, record, then) = self.pending.pop_front_if(|(batch, ..)| *batch <= durable)?;
        Some((record, then))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(number: u64) -> Record {
        Record::Life(number)
    }

    #[test]
    fn a_record_counts_once_its_batch_is_on_disk() {
        let mut journal = Journal::default();
        journal.push(life(1), Then::Nothing);
        assert_eq!(journal.next_durable(9), None, "it was not handed out");
        assert_eq!(journal.flush().map(|persist| (persist.seq, persist.records)), Some((1, vec![life(1)])));
        journal.push(life(2), Then::Count { number: 4 });
        assert_eq!(journal.flush().map(|persist| persist.seq), Some(2));
        assert_eq!(journal.flush(), None);
        assert_eq!(journal.next_durable(1), Some((life(1), Then::Nothing)));
        assert_eq!(journal.next_durable(1), None);
        assert_eq!(journal.next_durable(2), Some((life(2), Then::Count { number: 4 })));
    }

    #[test]
    fn compaction_keeps_what_is_on_its_way() {
        let mut journal = Journal::restored(7);
        journal.push(life(1), Then::Nothing);
        journal.flush();
        journal.push(life(2), Then::Nothing);
        assert!(journal.is_longer_than(8) && !journal.is_longer_than(9));
        journal.compact(vec![life(0)]);
        let persist = journal.flush().unwrap();
        assert_eq!((persist.compact, persist.records), (true, vec![life(0), life(1), life(2)]));
        assert!(!journal.is_longer_than(0), "once is enough");
        assert_eq!(journal.next_durable(2), Some((life(1), Then::Nothing)));
        assert_eq!(journal.next_durable(2), Some((life(2), Then::Nothing)));
        assert!(journal.is_longer_than(2) && !journal.is_longer_than(3));
    }
}
