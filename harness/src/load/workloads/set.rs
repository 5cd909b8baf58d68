//! Sets: every acknowledged add must survive. Registers hide most losses under later writes; sets show them all.

use histories::{Function, Key, ModelName, Op, Value};
use nemesis::Dice;

use super::{Shape, Workload, epilogue};
use crate::load::generator::{Context, Generator, Limit, Next, PerKey};

pub(super) struct Set;

const SETS_ACTIVE: usize = 5;
/// Bounds what a whole read carries.
const OPERATIONS_PER_SET: u64 = 500;

impl Workload for Set {
    fn name(&self) -> &'static str {
        "set"
    }

    fn about(&self) -> &'static str {
        "unique elements added to sets; every acknowledged add must survive"
    }

    fn mix(&self) -> Vec<Function> {
        vec![Function::Add, Function::ReadAll]
    }

    fn generator(&self, shape: &Shape) -> Box<dyn Generator> {
        let reads = shape.supports(&Function::ReadAll);
        let (sets, operations_max) = (shape.keys_or(SETS_ACTIVE), shape.operations_or(OPERATIONS_PER_SET));
        let next_element = shape.first_value;
        Box::new(PerKey::new(sets, move |number| {
            let key = Key::from(format!("s{number}"));
            (key.clone(), Limit::new(operations_max, OneSet { key, reads, next_element }))
        }))
    }

    fn epilogue(&self, shape: &Shape, keys: Vec<Key>) -> Box<dyn Generator> {
        epilogue::final_reads(shape, keys, Function::ReadAll)
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::Linearizable, ModelName::Durability, ModelName::Convergence]
    }
}

struct OneSet {
    key: Key,
    reads: bool,
    next_element: i64,
}

impl Generator for OneSet {
    fn next(&mut self, _: &Context<'_>, dice: &mut Dice) -> Next {
        if self.reads && dice.chance(1, 20) {
            return Next::Op(Op::new(Function::ReadAll, self.key.clone(), Value::Null).into());
        }
        let element = self.next_element;
        self.next_element += 1;
        Next::Op(Op::new(Function::Add, self.key.clone(), Value::Int(element)).into())
    }
}
