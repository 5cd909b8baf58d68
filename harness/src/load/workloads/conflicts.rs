//! Transactions that aim at one anomaly each: write skew, lost update, long fork.

use histories::{Function, Key, ModelName, Value};
use nemesis::Dice;
use systems::Steps;

use super::micros::{read, transaction, write};
use super::pool::Pool;
use super::txn::REGISTER_MODELS;
use super::{Shape, Workload, epilogue};
use crate::load::generator::{Context, Generator, Next};

/// A workload that aims at an anomaly.
pub(super) struct Aimed {
    name: &'static str,
    about: &'static str,
    models: &'static [ModelName],
    make: fn(&Shape) -> Box<dyn Generator>,
}

pub(super) const WRITE_SKEW: Aimed = Aimed {
    name: "write-skew",
    about: "each transaction reads both keys of a pair and writes one: of two at a time one has to see the other",
    models: REGISTER_MODELS,
    make: |shape| Box::new(Pairs::new(shape)),
};

pub(super) const LOST_UPDATE: Aimed = Aimed {
    name: "lost-update",
    about: "each transaction reads a key and then writes it: of two that read the same, one has to fail",
    models: REGISTER_MODELS,
    make: |shape| Box::new(Updates { pool: Pool::new(shape) }),
};

pub(super) const LONG_FORK: Aimed = Aimed {
    name: "long-fork",
    about: "keys that are written once, each by itself, and read together: no two readers may disagree on their order",
    models: &[
        ModelName::StrictSerializable,
        ModelName::Serializable,
        ModelName::StrongSnapshotIsolation,
        ModelName::StrongSessionSnapshotIsolation,
        ModelName::SnapshotIsolation,
        ModelName::ParallelSnapshotIsolation,
        ModelName::ReadCommitted,
        ModelName::LongFork,
        ModelName::Convergence,
    ],
    make: |shape| Box::new(Groups::new(shape)),
};

impl Workload for Aimed {
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
        (self.make)(shape)
    }

    fn epilogue(&self, shape: &Shape, keys: Vec<Key>) -> Box<dyn Generator> {
        epilogue::final_transactions(shape, &keys)
    }

    fn by_default(&self) -> bool {
        false
    }

    fn transactions(&self) -> Option<Steps> {
        Some(Steps::Registers)
    }

    fn models(&self) -> &'static [ModelName] {
        self.models
    }
}

/// Pairs of keys. The constraint on a pair is that it changes by one transaction at a time: who writes one key has read both.
struct Pairs {
    pool: Pool,
}

impl Pairs {
    /// The keys of a pair are `2n` and `2n + 1`.
    fn new(shape: &Shape) -> Self {
        Self { pool: Pool::new(shape) }
    }
}

impl Generator for Pairs {
    fn next(&mut self, _: &Context<'_>, dice: &mut Dice) -> Next {
        let place = self.pool.draw(dice);
        let (pair, value) = self.pool.write(place);
        let side = |side: i64| Value::Int(pair.as_int().unwrap_or_default() * 2 + side);
        let written = write(side(dice.below(2) as i64), value);
        Next::Op(transaction([read(side(0)), read(side(1)), written]).into())
    }
}

/// Reads of a key, each followed by a write of it.
struct Updates {
    pool: Pool,
}

impl Generator for Updates {
    fn next(&mut self, _: &Context<'_>, dice: &mut Dice) -> Next {
        let place = self.pool.draw(dice);
        let (key, value) = self.pool.write(place);
        Next::Op(transaction([read(key.clone()), write(key, value)]).into())
    }
}

/// Keys in groups: each is written once, and what is read is a whole group.
#[derive(Clone)]
struct Groups {
    size: i64,
    /// The first key of the group in use.
    first: i64,
    written: i64,
    reads: u64,
    value: Value,
}

/// Keys of a group, where the run does not say.
const GROUP: i64 = 4;
/// Reads of a group for each of its keys.
const READS_PER_KEY: u64 = 4;

impl Groups {
    fn new(shape: &Shape) -> Self {
        let size = shape.keys.map_or(GROUP, i64::from).max(2);
        Self { size, first: shape.first_value, written: 0, reads: 0, value: Value::Int(shape.first_value) }
    }

    fn is_spent(&self) -> bool {
        self.written == self.size && self.reads >= self.size as u64 * READS_PER_KEY
    }
}

impl Generator for Groups {
    fn next(&mut self, _: &Context<'_>, dice: &mut Dice) -> Next {
        if self.is_spent() {
            *self = Self { first: self.first + self.size, written: 0, reads: 0, ..self.clone() };
        }
        // Two writes in a row, so that replicas may apply them in either order, and then reads.
        let due = self.reads >= self.written.div_euclid(2) as u64 * 2 * READS_PER_KEY;
        if self.written < self.size && due {
            let key = Value::Int(self.first + self.written);
            self.written += 1;
            return Next::Op(transaction([write(key, self.value.clone())]).into());
        }
        self.reads += 1;
        let mut keys: Vec<i64> = (self.first..self.first + self.size).collect();
        dice.shuffle(&mut keys);
        Next::Op(transaction(keys.into_iter().map(|key| read(Value::Int(key)))).into())
    }
}
