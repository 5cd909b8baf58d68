//! Replicated data types: counters, sets whose elements go again, carts and lists. Each key is used for a while, by everyone.
//!
//! Operations that the system does not support are left out of the mix.

use histories::{Function, Key, ModelName, Op, Value};
use nemesis::Dice;

use super::{Shape, Workload, epilogue};
use crate::load::generator::{Context, Generator, Limit, Next, PerKey};

/// Keys in use at a time, where the run does not say.
const KEYS_ACTIVE: usize = 5;
/// Bounds what a whole read carries.
const OPERATIONS_PER_KEY: u64 = 300;
const ITEMS: [&str; 4] = ["apple", "pear", "fig", "plum"];

/// A workload of one data type.
pub(super) struct Typed {
    name: &'static str,
    about: &'static str,
    /// What changes a key, and how often, in parts.
    changes: &'static [(Function, u64)],
    read: Function,
    models: &'static [ModelName],
}

pub(super) const COUNTER: Typed = Typed {
    name: "counter",
    about: "counters, incremented and decremented; none of it may be lost or count twice",
    changes: &[(Function::Increment, 3), (Function::Decrement, 2)],
    read: Function::Read,
    models: &[ModelName::Linearizable, ModelName::Counter, ModelName::ConflictPolicy, ModelName::Convergence],
};

pub(super) const OR_SET: Typed = Typed {
    name: "or-set",
    about: "elements added to sets and removed again; an addition that its removal had not seen wins",
    changes: &[(Function::Add, 3), (Function::Remove, 2)],
    read: Function::ReadAll,
    models: &[ModelName::Linearizable, ModelName::ConflictPolicy, ModelName::Convergence],
};

pub(super) const CART: Typed = Typed {
    name: "cart",
    about: "carts of items that are counted up and down; every change counts once",
    changes: &[(Function::Increment, 3), (Function::Decrement, 2)],
    read: Function::ReadAll,
    models: &[ModelName::Counter, ModelName::ConflictPolicy, ModelName::Convergence],
};

pub(super) const LIST: Typed = Typed {
    name: "list",
    about: "unique elements appended to lists; every acknowledged append must survive, in one order",
    changes: &[(Function::Append, 1)],
    read: Function::ReadAll,
    models: &[ModelName::Linearizable, ModelName::Durability, ModelName::Convergence],
};

impl Workload for Typed {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn mix(&self) -> Vec<Function> {
        self.changes.iter().map(|(function, _)| function.clone()).chain([self.read.clone()]).collect()
    }

    fn generator(&self, shape: &Shape) -> Box<dyn Generator> {
        let (keys, operations_max) = (shape.keys_or(KEYS_ACTIVE), shape.operations_or(OPERATIONS_PER_KEY));
        let supported = |(function, _): &&(Function, u64)| shape.supports(function);
        let changes: Vec<_> = self.changes.iter().filter(supported).cloned().collect();
        let (name, read, reads) = (self.name, self.read.clone(), shape.supports(&self.read));
        let first = shape.first_value;
        Box::new(PerKey::new(keys, move |number| {
            let key = Key::from(format!("{name}{number}"));
            let cart = name == CART.name;
            let (changes, read) = (changes.clone(), read.clone());
            (
                key.clone(),
                Limit::new(operations_max, OneKey { key, cart, changes, read, reads, made: first - 1 }),
            )
        }))
    }

    fn epilogue(&self, shape: &Shape, keys: Vec<Key>) -> Box<dyn Generator> {
        epilogue::final_reads(shape, keys, self.read.clone())
    }

    fn by_default(&self) -> bool {
        false
    }

    fn models(&self) -> &'static [ModelName] {
        self.models
    }
}

struct OneKey {
    key: Key,
    /// Amounts are of an item.
    cart: bool,
    changes: Vec<(Function, u64)>,
    read: Function,
    /// The system supports the read.
    reads: bool,
    /// The last element.
    made: i64,
}

impl OneKey {
    fn change(&self, dice: &mut Dice) -> Option<Function> {
        let parts: u64 = self.changes.iter().map(|(_, parts)| parts).sum();
        let mut drawn = dice.below(parts.max(1));
        self.changes.iter().find_map(|(function, parts)| match drawn.checked_sub(*parts) {
            Some(rest) => {
                drawn = rest;
                None
            }
            None => Some(function.clone()),
        })
    }

    fn value(&mut self, function: &Function, dice: &mut Dice) -> Value {
        match function {
            Function::Increment | Function::Decrement => {
                let amount = Value::Int(dice.between(1, 6) as i64);
                let item = ITEMS[dice.below(ITEMS.len() as u64) as usize];
                if self.cart { Value::list([Value::text(item), amount]) } else { amount }
            }
            // One of the latest, which others may be adding or removing.
            Function::Remove => Value::Int((self.made - dice.below(8) as i64).max(1)),
            _ => {
                self.made += 1;
                Value::Int(self.made)
            }
        }
    }
}

impl Generator for OneKey {
    fn next(&mut self, _: &Context<'_>, dice: &mut Dice) -> Next {
        let looks = self.reads && dice.chance(1, 4);
        let change = if looks { None } else { self.change(dice) };
        let op = match change {
            Some(function) => {
                let value = self.value(&function, dice);
                Op::new(function, self.key.clone(), value)
            }
            None => Op::new(self.read.clone(), self.key.clone(), Value::Null),
        };
        Next::Op(op.into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::testing;
    use super::*;

    fn issue(workload: &Typed, unsupported: &[Function]) -> Vec<Op> {
        let unsupported = unsupported.iter().cloned().collect();
        testing::issue(workload, &Shape { unsupported, ..testing::shape() })
    }

    #[test]
    fn each_type_issues_its_mix_and_nothing_else() {
        for workload in [&COUNTER, &OR_SET, &CART, &LIST] {
            let ops = issue(workload, &[]);
            let functions: BTreeSet<Function> = ops.iter().map(|op| op.function.clone()).collect();
            assert_eq!(functions, workload.mix().into_iter().collect(), "{}", workload.name);
        }
        assert!(issue(&OR_SET, &[Function::Remove]).iter().all(|op| op.function != Function::Remove));
        assert!(issue(&LIST, &[Function::Append]).iter().all(|op| op.function == Function::ReadAll));
        assert!(issue(&LIST, &[Function::ReadAll]).iter().all(|op| op.function == Function::Append));
    }

    #[test]
    fn carts_count_items_and_additions_are_unique() {
        let change = |op: &&Op| op.function == Function::Increment;
        assert!(issue(&CART, &[]).iter().filter(change).all(|op| op.value.as_pair().is_some()));
        assert!(issue(&COUNTER, &[]).iter().filter(change).all(|op| op.value.as_int().is_some()));
        let ops = issue(&OR_SET, &[]);
        let added: Vec<_> = ops.iter().filter(|op| op.function == Function::Add).collect();
        let unique: BTreeSet<_> = added.iter().map(|op| (&op.key, &op.value)).collect();
        assert_eq!(unique.len(), added.len());
    }
}
