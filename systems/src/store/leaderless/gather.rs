//! The first phase of a read, and of a write by tag: what do members hold? With what follows from their answers: the
//! answer to the client, a write-back, a tag, and repair.

use histories::{Key, Node, Value};

use super::Replica;
use super::message::{Message, OperationId};
use super::operation::{Phase, Purpose, holders, merged};
use super::version::Cell;
use crate::store::Bug;

/// What comes of a gathering.
enum Step {
    Wait,
    /// Stored on too few to be answered.
    WriteBack {
        cell: Cell,
        holders: Vec<Node>,
    },
    Write {
        counter: u64,
        value: Value,
    },
    Answer,
    Repair,
}

impl Replica {
    /// Asks everyone who holds the key, oneself first.
    pub(super) fn gather(&mut self, number: u64) {
        let Some(operation) = self.operations.get_mut(&number) else { return };
        let key = operation.key.clone();
        if self.ring.homes(&key).contains(&self.me) {
            let own = self.held(&key);
            self.count_answer(number, self.me, own);
        }
        let wants_more =
            self.operations.get(&number).is_some_and(|op| matches!(op.phase, Phase::Gather { .. }));
        if wants_more {
            self.ask(number);
        }
    }

    /// Asks those who hold the key and have not answered.
    pub(super) fn ask(&mut self, number: u64) {
        let Some(operation) = self.operations.get(&number) else { return };
        let id = OperationId { life: self.life, number };
        let key = &operation.key;
        for &home in self.ring.homes(key) {
            if home != self.me && !operation.answered(home) {
                self.sends.push((home, Message::Get { id, key: key.clone() }));
            }
        }
    }

    pub(super) fn on_get(&mut self, from: Node, id: OperationId, key: &Key) {
        let cell = self.held(key);
        self.send(from, Message::Got { id, cell });
    }

    /// What this member can show of a key: its own, or what it keeps for others.
    pub(super) fn held(&self, key: &Key) -> Option<Cell> {
        self.state.get(key).cloned().or_else(|| self.hints.get(key))
    }

    pub(super) fn on_got(&mut self, from: Node, id: OperationId, cell: Option<Cell>) {
        if id.life == self.life {
            self.count_answer(id.number, from, cell);
        }
    }

    pub(super) fn count_answer(&mut self, number: u64, from: Node, cell: Option<Cell>) {
        let Some(operation) = self.operations.get_mut(&number) else { return };
        if operation.answered(from) {
            return;
        }
        let Phase::Gather { got, .. } = &mut operation.phase else { return };
        got.push((from, cell));
        match self.step(number) {
            Step::Wait => {}
            Step::WriteBack { cell, holders } => self.begin_store(number, cell, holders),
            Step::Write { counter, value } => {
                let stamp = self.stamp(counter, number);
                self.begin_store(number, Cell::Last { stamp, value }, Vec::new());
            }
            Step::Answer => self.answer_gathered(number),
            Step::Repair => self.repair(number),
        }
    }

    fn step(&self, number: u64) -> Step {
        let Some(operation) = self.operations.get(&number) else { return Step::Wait };
        let Phase::Gather { got, purpose } = &operation.phase else { return Step::Wait };
        let homes = self.ring.homes(&operation.key);
        if operation.client.is_none() {
            let all = homes.iter().all(|home| operation.answered(*home));
            return if all { Step::Repair } else { Step::Wait };
        }
        if got.len() < self.quorum_read {
            return Step::Wait;
        }
        match (purpose, merged(got)) {
            (Purpose::Write(value), last) => {
                let highest = last.map_or(0, |cell| cell.version());
                let by_clock = self.options.has(Bug::ClockAsVersion);
                let counter = if by_clock { self.now.wall.0 } else { highest + 1 };
                Step::Write { counter, value: value.clone() }
            }
            (Purpose::Read, Some(cell))
                if self.options.write_back.on() && !self.options.has(Bug::SkipWriteBack) =>
            {
                let holders = holders(got, &cell);
                if holders.len() < self.quorum_write {
                    Step::WriteBack { cell: cell.into_owned(), holders }
                } else {
                    Step::Answer
                }
            }
            (Purpose::Read, _) => Step::Answer,
        }
    }

    fn answer_gathered(&mut self, number: u64) {
        let Some(operation) = self.operations.get_mut(&number) else { return };
        let Phase::Gather { got, .. } = &operation.phase else { return };
        let seen = merged(got).map(std::borrow::Cow::into_owned);
        if let Some(client) = operation.client.take() {
            self.answer_read(client, seen.as_ref());
        }
        if matches!(self.step(number), Step::Repair) || !self.options.read_repair.on() {
            self.repair(number);
        }
    }

    /// Ends a read: whoever answered with less than the last version gets it.
    pub(super) fn repair(&mut self, number: u64) {
        let Some(operation) = self.operations.remove(&number) else { return };
        let Phase::Gather { got, .. } = operation.phase else { return };
        let Some(cell) = merged(&got).filter(|_| self.options.read_repair.on()) else { return };
        let up_to_date = holders(&got, &cell);
        for (node, _) in got.iter().filter(|(node, _)| !up_to_date.contains(node)) {
            let (key, cell) = (operation.key.clone(), cell.clone().into_owned());
            if !self.ring.homes(&key).contains(node) {
                // It stands in, and has nothing of its own to mend.
            } else if *node == self.me {
                self.take(key, cell);
            } else {
                self.send(*node, Message::Repair { key, cell });
            }
        }
    }
}
