//! Transactions as columns of integers: which versions each read, which it installed, and what is known of their order.

use histories::{History, OperationId};

use crate::graph::{NONE, Rows};

/// Transactions that took effect, in the order of their invocations, which keeps each session's order.
///
/// Versions 0 to `keys - 1` are the initial ones. A transaction installs one more for each key that it writes, however
/// often it writes it. A *chain* is a run of versions that no other version of the key can interrupt.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    pub(super) operation: Vec<OperationId>,
    /// By transaction, the session that ran it, from 0.
    pub(super) session: Vec<u32>,
    /// By transaction, the one before it in its session that is known to have committed.
    pub(super) previous: Vec<u32>,
    /// By transaction, when it was invoked and when it had returned, in nanoseconds; `u64::MAX` if it never did.
    pub(super) invoked: Vec<u64>,
    pub(super) returned: Vec<u64>,
    /// By transaction, whether its client never learned that it committed.
    pub(super) indefinite: Vec<bool>,
    pub(super) keys: u32,
    /// By version.
    pub(super) key: Vec<u32>,
    /// By version, the transaction that installed it; [`NONE`] for an initial one.
    pub(super) writer: Vec<u32>,
    /// By version, the one that follows it at once in every version order that the history allows; [`NONE`] where
    /// that is not known.
    pub(super) next: Vec<u32>,
    /// By version, the one of a transaction that read it and then wrote its key; [`NONE`] where there is none.
    pub(super) replaced: Vec<u32>,
    /// Where each transaction's versions begin, and the end of the last.
    pub(super) installs: Vec<u32>,
    /// By transaction, the versions that it read before it wrote their keys itself.
    pub(super) reads: Rows,
    /// By version, the transactions that read it so.
    pub(super) readers: Rows,
    /// The same reads as a transaction made them, one after the other, however often it read a key.
    pub(super) walks: Rows,
}

impl Columns {
    pub(super) fn count(&self) -> u32 {
        self.operation.len() as u32
    }

    pub(super) fn versions(&self) -> u32 {
        self.key.len() as u32
    }

    /// The versions that a transaction installed.
    pub(super) fn installed(&self, transaction: u32) -> std::ops::Range<u32> {
        self.installs[transaction as usize]..self.installs[transaction as usize + 1]
    }

    /// The version of a key that a transaction installed.
    pub(super) fn version_of(&self, transaction: u32, key: u32) -> Option<u32> {
        self.installed(transaction).find(|&version| self.key[version as usize] == key)
    }

    pub(super) fn next(&self, version: u32) -> Option<u32> {
        Some(self.next[version as usize]).filter(|&next| next != NONE)
    }

    /// The same columns where a version that a transaction read and replaced is followed by that transaction's own, as
    /// every level from parallel snapshot isolation on demands: another version in between would be a lost update.
    pub(super) fn with_replaced(&self) -> Self {
        let mut columns = self.clone();
        let mut preceded = vec![false; columns.key.len()];
        for &next in columns.next.iter().filter(|&&next| next != NONE) {
            preceded[next as usize] = true;
        }
        for (next, &replaced) in columns.next.iter_mut().zip(&self.replaced) {
            if *next == NONE && replaced != NONE && !preceded[replaced as usize] {
                *next = replaced;
                preceded[replaced as usize] = true;
            }
        }
        columns
    }

    /// Notes who ran a transaction and when.
    pub(super) fn push(
        &mut self,
        history: &History,
        id: OperationId,
        indefinite: bool,
        session: u32,
        previous: u32,
    ) {
        let operation = history.operation(id);
        self.operation.push(id);
        self.session.push(session);
        self.previous.push(previous);
        self.invoked.push(operation.invoked.0);
        self.returned.push(operation.returned().0);
        self.indefinite.push(indefinite);
    }

    /// From pairs of a transaction and a version that it read, in the order in which it did.
    pub(super) fn set_reads(&mut self, walks: &[(u32, u32)]) {
        self.walks = Rows::of(self.operation.len(), walks.iter().copied());
        let mut reads = walks.to_vec();
        reads.sort_unstable();
        reads.dedup();
        self.reads = Rows::of(self.operation.len(), reads.iter().copied());
        self.readers = Rows::of(self.key.len(), reads.iter().map(|&(t, version)| (version, t)));
    }
}
