//! The second phase of a write, and of a read that writes back: members keep a cell, until enough have it on disk.
//!
//! Never counts what is not on disk.

use histories::{Key, Node, Value};

use super::Replica;
use super::journal::Then;
use super::message::{Message, OperationId, Record};
use super::operation::{Phase, Purpose};
use super::version::{Cell, Stamp};
use crate::store::{Bug, RegisterStep};

impl Replica {
    /// From the first phase to the second; `holders` have it already.
    pub(super) fn begin_store(&mut self, number: u64, cell: Cell, holders: Vec<Node>) {
        let now = self.now.monotonic;
        let Some(operation) = self.operations.get_mut(&number) else { return };
        let purpose = match &operation.phase {
            Phase::Gather { purpose, .. } | Phase::Store { purpose, .. } => purpose.clone(),
            Phase::Mint => Purpose::Write(Value::Null),
        };
        operation.phase = Phase::Store { cell, stored: holders, purpose, hinted: false };
        operation.since = now;
        operation.retry_at = now + self.options.timing.retry;
        self.store(number);
        // Those who have it already may be enough.
        self.settle(number);
    }

    /// Gives the cell to everyone who holds the key.
    pub(super) fn store(&mut self, number: u64) {
        let Some(operation) = self.operations.get(&number) else { return };
        let Phase::Store { cell, .. } = &operation.phase else { return };
        if self.ring.homes(&operation.key).contains(&self.me) && !operation.answered(self.me) {
            let record = Record::Cell { key: operation.key.clone(), cell: cell.clone() };
            self.journal.push(record, Then::Count { number });
        }
        self.put(number);
        if self.options.has(Bug::AckBeforeSync) {
            self.count_stored(number, self.me);
        }
    }

    /// Gives it to the others who have not stored it.
    pub(super) fn put(&mut self, number: u64) {
        let Some(operation) = self.operations.get(&number) else { return };
        let Phase::Store { cell, .. } = &operation.phase else { return };
        let id = OperationId { life: self.life, number };
        for &home in self.ring.homes(&operation.key) {
            if home != self.me && !operation.answered(home) {
                let (key, cell) = (operation.key.clone(), cell.clone());
                self.sends.push((home, Message::Put { id, key, cell, stand_in: None }));
            }
        }
    }

    pub(super) fn on_put(
        &mut self,
        from: Node,
        id: OperationId,
        key: Key,
        cell: Cell,
        stand_in: Option<Node>,
    ) {
        if self.options.has(Bug::AckBeforeSync) {
            self.send(from, Message::Stored { id });
        }
        let then = Then::Tell { node: from, id };
        match stand_in {
            // Without room it says nothing, and does not count.
            Some(node) => self.keep_hint(node, &key, &cell, then),
            None if self.state.covers(&key, &cell) => self.send(from, Message::Stored { id }),
            None => self.journal.push(Record::Cell { key, cell }, then),
        }
    }

    pub(super) fn on_stored(&mut self, from: Node, id: OperationId) {
        if id.life == self.life {
            self.count_stored(id.number, from);
        }
    }

    pub(super) fn count_stored(&mut self, number: u64, from: Node) {
        let Some(operation) = self.operations.get_mut(&number) else { return };
        if operation.answered(from) {
            return;
        }
        let Phase::Store { stored, .. } = &mut operation.phase else { return };
        stored.push(from);
        self.settle(number);
    }

    /// Answers once enough have stored it, and ends once all have.
    fn settle(&mut self, number: u64) {
        let Some(operation) = self.operations.get_mut(&number) else { return };
        let Phase::Store { cell, stored, purpose, .. } = &mut operation.phase else { return };
        let enough = stored.len() >= self.quorum_write;
        let read = purpose.is_read().then(|| cell.clone());
        let (version, stamp) = (cell.version(), cell.stamp());
        let all = self.ring.homes(&operation.key).iter().all(|home| operation.answered(*home));
        if let Some(client) = operation.client.take_if(|_| enough) {
            let key = operation.key.clone();
            let step = |stamp: Stamp| RegisterStep::Acknowledged { key, version: stamp.into() };
            self.steps.extend(stamp.map(step));
            match read {
                Some(cell) => self.answer_read(client, Some(&cell)),
                None => self.answer_write(client, version),
            }
        }
        if all && enough {
            self.operations.remove(&number);
        }
    }

    /// Keeps hints for those who hold the key and have not answered.
    pub(super) fn hint(&mut self, number: u64) {
        let Some(operation) = self.operations.get_mut(&number) else { return };
        let Phase::Store { cell, hinted, .. } = &mut operation.phase else { return };
        if std::mem::replace(hinted, true) || !self.options.handoff.on() {
            return;
        }
        let (key, cell) = (operation.key.clone(), cell.clone());
        let homes = self.ring.homes(&key);
        let silent: Vec<Node> =
            homes.iter().copied().filter(|home| *home != self.me && !operation.answered(*home)).collect();
        for home in silent {
            // Without room anti-entropy has to mend it.
            self.keep_hint(home, &key, &cell, Then::Nothing);
        }
    }
}
