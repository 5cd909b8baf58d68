//! What is done for operations that wait: ask again, ask others, keep hints, give up.

use histories::Node;

use super::Replica;
use super::journal::Then;
use super::message::{Message, OperationId};
use super::operation::{Operation, Phase};

/// What an operation that has waited for long enough needs.
enum Need {
    /// To be refused: the quorum did not come together.
    End {
        definite: bool,
    },
    /// Nobody waits for it, and who has not answered by now will not.
    Close,
    Retry,
}

impl Replica {
    /// Looks after all operations, now and then.
    pub(super) fn look_after(&mut self) {
        let now = self.now.monotonic;
        if self.operations.is_empty() || now < self.look_at {
            return;
        }
        self.look_at = now + Self::between_looks(&self.options);
        let due: Vec<u64> =
            self.operations.iter().filter(|(_, op)| op.retry_at <= now).map(|(number, _)| *number).collect();
        for number in due {
            self.attend(number);
        }
    }

    fn attend(&mut self, number: u64) {
        let now = self.now.monotonic;
        let Some(operation) = self.operations.get_mut(&number) else { return };
        operation.retry_at = now + self.options.timing.retry;
        let waited = now.since(operation.since);
        if waited >= self.options.timing.hint_after {
            self.hint(number);
        }
        match self.need(number) {
            None => {}
            Some(Need::End { definite }) => self.give_up(number, definite),
            Some(Need::Close) => self.repair(number),
            Some(Need::Retry) => self.retry(number),
        }
    }

    fn need(&self, number: u64) -> Option<Need> {
        let operation = self.operations.get(&number)?;
        let timing = &self.options.timing;
        let now = self.now.monotonic;
        let need = if operation.client.is_some() {
            let late = now.since(operation.began) >= timing.wait;
            if late { Need::End { definite: never_happens(operation) } } else { Need::Retry }
        } else if now.since(operation.since) >= timing.hint_after {
            Need::Close
        } else {
            Need::Retry
        };
        Some(need)
    }

    fn give_up(&mut self, number: u64, definite: bool) {
        let Some(client) = self.operations.remove(&number).and_then(|operation| operation.client) else {
            return;
        };
        self.refuse(client, "too few members answered in time", definite);
    }

    fn retry(&mut self, number: u64) {
        let Some(operation) = self.operations.get(&number) else { return };
        let waits = operation.client.is_some();
        match operation.phase {
            Phase::Gather { .. } => self.ask(number),
            Phase::Mint => return,
            Phase::Store { .. } => self.put(number),
        }
        if waits && self.options.sloppy.on() {
            self.ask_stand_in(number);
        }
    }

    /// One member more that does not hold the key is asked instead of one that does and does not answer.
    fn ask_stand_in(&mut self, number: u64) {
        let Some(operation) = self.operations.get_mut(&number) else { return };
        let key = operation.key.clone();
        let silent: Vec<Node> =
            self.ring.homes(&key).iter().copied().filter(|home| !operation.answered(*home)).collect();
        let substitutes = self.ring.substitutes(&key);
        let (Some(&substitute), false) = (substitutes.get(operation.stand_ins), silent.is_empty()) else {
            // Everyone was asked: from the beginning, for what was lost on the way.
            operation.stand_ins = 0;
            return;
        };
        let absent = silent[operation.stand_ins % silent.len()];
        operation.stand_ins += 1;
        let id = OperationId { life: self.life, number };
        match &operation.phase {
            Phase::Gather { .. } if substitute == self.me => {
                let own = self.held(&key);
                self.count_answer(number, self.me, own);
            }
            Phase::Gather { .. } => self.send(substitute, Message::Get { id, key }),
            Phase::Mint => {}
            Phase::Store { cell, .. } => {
                let cell = cell.clone();
                if substitute == self.me {
                    self.keep_hint(absent, &key, &cell, Then::Count { number });
                } else {
                    self.send(substitute, Message::Put { id, key, cell, stand_in: Some(absent) });
                }
            }
        }
    }

    /// How often operations are looked after.
    pub(super) fn between_looks(options: &super::Options) -> histories::Nanos {
        histories::Nanos(options.timing.retry.0 / 2)
    }
}

/// Nobody was given anything to keep, or nothing new.
fn never_happens(operation: &Operation) -> bool {
    match &operation.phase {
        Phase::Gather { .. } => true,
        Phase::Mint => false,
        Phase::Store { purpose, .. } => purpose.is_read(),
    }
}
