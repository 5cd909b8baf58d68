//! A workload of one's own: `cargo run --example own_workload -- run --workload pairs --mode single/quorum`.
//!
//! Every client writes pairs: first to one key, then the same value to another. Whoever reads the second key before the
//! first should never find the first one older.

use std::process::ExitCode;

use histories::{Function, Key, ModelName, Nanos, Node, Op, Value};
use nemesis::{Dice, Effect, Fault, ScriptedFault};
use partita::load::generator::{Context, Generator, Next};
use partita::load::workloads::{Shape, Workload, final_reads};
use partita::plan::faults::OwnFault;

struct Pairs;

impl Workload for Pairs {
    fn name(&self) -> &'static str {
        "pairs"
    }

    fn about(&self) -> &'static str {
        "the same value written to one key and then to another"
    }

    fn mix(&self) -> Vec<Function> {
        vec![Function::Write, Function::Read]
    }

    fn generator(&self, shape: &Shape) -> Box<dyn Generator> {
        Box::new(Pair { value: shape.first_value, second: false })
    }

    fn epilogue(&self, shape: &Shape, keys: Vec<Key>) -> Box<dyn Generator> {
        final_reads(shape, keys, Function::Read)
    }

    /// A comparison that names no workloads goes without it.
    fn by_default(&self) -> bool {
        false
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::Linearizable, ModelName::Durability, ModelName::Convergence]
    }
}

/// One half of the operations read; the others write the two keys of a pair in turn.
struct Pair {
    value: i64,
    second: bool,
}

impl Generator for Pair {
    fn next(&mut self, _: &Context<'_>, dice: &mut Dice) -> Next {
        let keys = ["first", "second"];
        if dice.chance(1, 2) {
            let key = keys[usize::from(dice.chance(1, 2))];
            return Next::Op(Op::new(Function::Read, key, Value::Null).into());
        }
        let op = Op::write(keys[usize::from(self.second)], Value::Int(self.value));
        self.value += i64::from(self.second);
        self.second = !self.second;
        Next::Op(op.into())
    }
}

/// A fault at a time of its own.
fn blackout() -> Box<dyn Fault> {
    let effects = vec![Effect::Kill { nodes: vec![Node(0)] }];
    let (from, until) = (Nanos::from_secs(1), Nanos::from_secs(3));
    ScriptedFault { name: "blackout".to_owned(), effects, from, until }.build()
}

fn main() -> ExitCode {
    let about = "the first node is dead from the first to the third second";
    let blackout = OwnFault { name: "blackout", about, build: blackout };
    partita::builder().workload(Pairs).fault(blackout).main()
}
