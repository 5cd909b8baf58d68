//! Transactions of random steps, after Elle's generators (Kingsbury and Alvaro, VLDB 2020): lists that are appended to and
//! registers that are written, both read whole, every value once.

use histories::{Function, Key, ModelName, Value};
use nemesis::Dice;
use systems::Steps;

use super::micros::{read, transaction};
use super::pool::Pool;
use super::{Shape, Workload, epilogue};
use crate::load::generator::{Context, Generator, Next};

/// Micro-operations of a transaction, where the run does not say.
const LENGTH: (u16, u16) = (1, 4);

/// What a history of transactions on lists decides.
pub(super) const LIST_MODELS: &[ModelName] = &[
    ModelName::StrictSerializable,
    ModelName::StrongSessionSerializable,
    ModelName::Serializable,
    ModelName::StrongSnapshotIsolation,
    ModelName::StrongSessionSnapshotIsolation,
    ModelName::SnapshotIsolation,
    ModelName::StrongSessionParallelSnapshotIsolation,
    ModelName::ParallelSnapshotIsolation,
    ModelName::StrongSessionPrefix,
    ModelName::Prefix,
    ModelName::MonotonicAtomicView,
    ModelName::ReadCommitted,
    ModelName::ReadUncommitted,
    ModelName::Convergence,
];

/// The same of registers, where what is decided has to be decided always.
pub(super) const REGISTER_MODELS: &[ModelName] = &[
    ModelName::StrictSerializable,
    ModelName::StrongSessionSerializable,
    ModelName::Serializable,
    ModelName::StrongSnapshotIsolation,
    ModelName::StrongSessionSnapshotIsolation,
    ModelName::SnapshotIsolation,
    ModelName::ReadCommitted,
    ModelName::Convergence,
];

/// A workload of random transactions.
pub(super) struct Random {
    name: &'static str,
    about: &'static str,
    steps: Steps,
    /// The micro-operation that writes.
    write: &'static str,
    models: &'static [ModelName],
}

pub(super) const LISTS: Random = Random {
    name: "txn-list",
    about: "transactions that append to lists and read them: every level of isolation is decided",
    steps: Steps::Lists,
    write: "append",
    models: LIST_MODELS,
};

pub(super) const REGISTERS: Random = Random {
    name: "txn-register",
    about: "transactions that read and write registers with unique values",
    steps: Steps::Registers,
    write: "w",
    models: REGISTER_MODELS,
};

impl Workload for Random {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn mix(&self) -> Vec<Function> {
        vec![Function::Txn]
    }

    fn generator(&self, shape: &Shape) -> Box<dyn Generator> {
        let length = shape.tuning.txn_length.unwrap_or(LENGTH);
        Box::new(Transactions { pool: Pool::new(shape), length, write: self.write })
    }

    fn epilogue(&self, shape: &Shape, keys: Vec<Key>) -> Box<dyn Generator> {
        epilogue::final_transactions(shape, &keys)
    }

    fn transactions(&self) -> Option<Steps> {
        Some(self.steps)
    }

    fn models(&self) -> &'static [ModelName] {
        self.models
    }
}

struct Transactions {
    pool: Pool,
    length: (u16, u16),
    write: &'static str,
}

impl Generator for Transactions {
    fn next(&mut self, _: &Context<'_>, dice: &mut Dice) -> Next {
        let count = dice.between(self.length.0.into(), self.length.1.into());
        let micros = (0..count).map(|_| {
            let place = self.pool.draw(dice);
            if dice.chance(1, 2) {
                return read(self.pool.key(place));
            }
            let (key, value) = self.pool.write(place);
            Value::list([self.write.into(), key, value])
        });
        Next::Op(transaction(micros).into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use histories::Op;

    use super::super::{Tuning, testing};
    use super::*;

    fn issue(workload: &Random, tuning: Tuning) -> Vec<Op> {
        testing::issue(workload, &Shape { tuning, ..testing::shape() })
    }

    #[test]
    fn transactions_are_as_long_as_they_are_to_be_and_write_every_value_once() {
        for (workload, write) in [(&LISTS, "append"), (&REGISTERS, "w")] {
            let ops = issue(workload, Tuning { txn_length: Some((2, 3)), ..Tuning::default() });
            let mut written = BTreeSet::new();
            let mut lengths = BTreeSet::new();
            for op in &ops {
                let micros: Vec<_> = op.value.micros().unwrap().map(Result::unwrap).collect();
                lengths.insert(micros.len());
                for micro in &micros {
                    assert!(micro.function == "r" && micro.value.is_null() || micro.function == write);
                    let is_new =
                        written.insert((micro.key.clone().into_owned(), micro.value.clone().into_owned()));
                    assert!(is_new || micro.function == "r", "{micro:?}");
                }
            }
            assert_eq!(lengths, [2, 3].into());
            assert!(written.len() > 1000);
        }
    }
}
