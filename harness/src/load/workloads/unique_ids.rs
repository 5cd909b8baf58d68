//! Identifiers: every one that is given out is another.

use histories::{Function, Key, ModelName, Op, Value};
use nemesis::Dice;

use super::{Shape, Workload, epilogue};
use crate::load::generator::{Context, Generator};

pub(super) struct UniqueIds;

impl Workload for UniqueIds {
    fn name(&self) -> &'static str {
        "unique-ids"
    }

    fn about(&self) -> &'static str {
        "identifiers that are asked for; none may be given out twice"
    }

    fn mix(&self) -> Vec<Function> {
        vec![Function::Generate]
    }

    fn generator(&self, _: &Shape) -> Box<dyn Generator> {
        Box::new(|_: &Context<'_>, _: &mut Dice| Op::global(Function::Generate, Value::Null))
    }

    /// What was given out is known: nothing is read back.
    fn epilogue(&self, shape: &Shape, keys: Vec<Key>) -> Box<dyn Generator> {
        epilogue::final_reads(shape, keys, Function::Read)
    }

    fn by_default(&self) -> bool {
        false
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::UniqueIds]
    }
}
