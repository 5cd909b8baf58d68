//! Registers: many keys, read, written and compared-and-set, every written value unique.

use histories::{Event, Function, Key, Kind, ModelName, Op, Value};
use nemesis::Dice;

use super::{Shape, Workload, epilogue};
use crate::load::generator::{Context, Generator, Invocation, Limit, Next, PerKey};

pub(super) struct Register;

/// Few, so that each session comes back to what it wrote while a fault is in force.
const KEYS_ACTIVE: usize = 5;
/// How long a key is in use: much longer than the second for which some stores treat a client's own writes with care, and
/// short enough for keys that a lagging replica has never heard of to turn up.
const KEY_LIFE_SECONDS: f64 = 8.0;
const OPERATIONS_PER_KEY_MIN: u64 = 40;
const OPERATIONS_PER_KEY_MAX: u64 = 400;

fn operations_per_key(rate: Option<f64>, keys: usize) -> u64 {
    let paced = rate.map_or(OPERATIONS_PER_KEY_MAX, |rate| (rate * KEY_LIFE_SECONDS / keys as f64) as u64);
    paced.clamp(OPERATIONS_PER_KEY_MIN, OPERATIONS_PER_KEY_MAX)
}

impl Workload for Register {
    fn name(&self) -> &'static str {
        "register"
    }

    fn about(&self) -> &'static str {
        "many registers, read, written and compared-and-set with unique values"
    }

    fn mix(&self) -> Vec<Function> {
        vec![Function::Read, Function::Write, Function::Cas]
    }

    fn generator(&self, shape: &Shape) -> Box<dyn Generator> {
        let (reads, cas) = (shape.supports(&Function::Read), shape.supports(&Function::Cas));
        let keys = shape.keys.map_or(KEYS_ACTIVE, usize::from);
        let operations = operations_per_key(shape.rate, keys);
        let next_value = shape.first_value;
        Box::new(PerKey::new(keys, move |number| {
            let key = Key::from(format!("r{number}"));
            (
                key.clone(),
                Limit::new(operations, OneRegister { key, reads, cas, last_seen: Value::Null, next_value }),
            )
        }))
    }

    fn epilogue(&self, shape: &Shape, keys: Vec<Key>) -> Box<dyn Generator> {
        epilogue::final_reads(shape, keys, Function::Read)
    }

    fn models(&self) -> &'static [ModelName] {
        &[
            ModelName::Linearizable,
            ModelName::Sequential,
            ModelName::CausalConvergence,
            ModelName::CausalMemory,
            ModelName::Causal,
            ModelName::Pram,
            ModelName::WritesFollowReads,
            ModelName::MonotonicWrites,
            ModelName::MonotonicReads,
            ModelName::ReadYourWrites,
            ModelName::Durability,
            ModelName::Convergence,
        ]
    }
}

/// One key. Some clients only read, so that reads go on at a node whose writes wait for nodes that it cannot reach; the
/// others read for a half and write or, where the last value seen gives something to compare with, cas.
struct OneRegister {
    key: Key,
    reads: bool,
    cas: bool,
    last_seen: Value,
    next_value: i64,
}

/// One in three of the clients that sticky routing brings to a node, the second first.
fn only_reads(thread: u32, nodes: u16) -> bool {
    thread / u32::from(nodes.max(1)) % 3 == 1
}

impl OneRegister {
    fn fresh(&mut self) -> Value {
        let value = self.next_value;
        self.next_value += 1;
        Value::Int(value)
    }
}

impl Generator for OneRegister {
    fn next(&mut self, context: &Context<'_>, dice: &mut Dice) -> Next {
        let key = self.key.clone();
        let thread = context.free[dice.below(context.free.len() as u64) as usize];
        let op = match dice.below(100) {
            _ if self.reads && only_reads(thread, context.nodes) => Op::read(key),
            0..50 if self.reads => Op::read(key),
            50..70 if self.cas && !self.last_seen.is_null() => {
                let to = self.fresh();
                Op::cas(key, self.last_seen.clone(), to)
            }
            _ => Op::write(key, self.fresh()),
        };
        Next::Op(Invocation { op, thread: Some(thread), node: None })
    }

    fn observe(&mut self, completion: &Event) {
        let seen = match (completion.kind, &completion.op.function) {
            (Kind::Ok, Function::Read | Function::Write) => Some(completion.op.value.clone()),
            (Kind::Ok, Function::Cas) => completion.op.value.as_pair().map(|(_, to)| to.clone()),
            (Kind::Fail, Function::Cas) => completion.seen.clone(),
            _ => None,
        };
        if let Some(seen) = seen.filter(|value| !value.is_null()) {
            self.last_seen = seen;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use histories::Nanos;

    use super::*;

    fn issue(shape: &Shape, operations: usize) -> Vec<Op> {
        let mut generator = Register.generator(shape);
        let mut dice = Dice::new(5);
        let context = Context { now: Nanos(0), free: &[0], threads: 1, nodes: 3 };
        (0..operations)
            .map(|index| {
                let Next::Op(invocation) = generator.next(&context, &mut dice) else {
                    panic!("it never ends")
                };
                let op = invocation.op;
                if op.function == Function::Write {
                    generator.observe(&Event {
                        index: index as u64,
                        time: Nanos(0),
                        process: histories::Process::Client(0),
                        kind: Kind::Ok,
                        op: op.clone(),
                        node: None,
                        error: None,
                        seen: None,
                        hints: histories::Hints::NONE,
                    });
                }
                op
            })
            .collect()
    }

    fn shape(unsupported: BTreeSet<Function>) -> Shape {
        Shape {
            threads: 1,
            nodes: 3,
            rate: None,
            keys: None,
            copies: None,
            one_object: false,
            first_value: 1,
            unsupported,
            tuning: super::super::Tuning::default(),
        }
    }

    #[test]
    fn written_values_are_unique_per_key() {
        let mut written = BTreeSet::new();
        for op in issue(&shape(BTreeSet::new()), 5000) {
            let value = match &op.function {
                Function::Write => op.value,
                Function::Cas => op.value.as_pair().unwrap().1.clone(),
                _ => continue,
            };
            assert!(written.insert((op.key.unwrap(), value)));
        }
        assert!(written.len() > 1500);
    }

    #[test]
    fn some_clients_at_every_node_only_read() {
        let mut generator = Register.generator(&shape(BTreeSet::new()));
        let mut dice = Dice::new(5);
        let free: Vec<u32> = (0..10).collect();
        let context = Context { now: Nanos(0), free: &free, threads: 10, nodes: 3 };
        let mut writers = BTreeSet::new();
        for _ in 0..2000 {
            let Next::Op(invocation) = generator.next(&context, &mut dice) else { panic!("it never ends") };
            if invocation.op.function != Function::Read {
                writers.extend(invocation.thread);
            }
        }
        assert_eq!(
            writers,
            BTreeSet::from([0, 1, 2, 6, 7, 8, 9]),
            "the others read, one of them at each node"
        );
    }

    #[test]
    fn every_operation_of_the_mix_is_issued_unless_the_system_lacks_it() {
        let functions = |ops: Vec<Op>| ops.into_iter().map(|op| op.function).collect::<BTreeSet<_>>();
        let all: BTreeSet<_> = Register.mix().into_iter().collect();
        assert_eq!(functions(issue(&shape(BTreeSet::new()), 1000)), all);
        let without = functions(issue(&shape([Function::Cas].into()), 1000));
        assert_eq!(without, [Function::Read, Function::Write].into());
        let blind = functions(issue(&shape([Function::Read].into()), 1000));
        assert_eq!(blind, [Function::Write, Function::Cas].into());
    }
}
