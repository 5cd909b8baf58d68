//! The pace of the causal models on large histories, to hold against the figures of the design.
//!
//! It never checks correctness, only that the verdicts are the expected ones.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Duration;

use checkers::{Budget, Causal, Checker, Verdict};
use criterion::{Criterion, criterion_group, criterion_main};
use histories::{Event, Function, Hints, History, Kind, ModelName, Nanos, Op, Pairing, Process, Value};

const OPERATIONS: u64 = 1_000_000;

struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % sides
    }
}

/// Sessions on one copy of the data, half reads and half writes, each operation at a moment of its own.
fn history(sessions: u64, keys: u64, accesses: u64) -> History {
    let mut dice = Dice(7);
    let mut state = vec![0_i64; keys as usize];
    let mut next = 0;
    let mut pairing = Pairing::default();
    let mut access = |dice: &mut Dice, key: usize| {
        let write = dice.below(2) == 0;
        if write {
            next += 1;
            state[key] = next;
        }
        (write, key as i64, if state[key] == 0 { Value::Null } else { Value::Int(state[key]) })
    };
    for index in 0..OPERATIONS / accesses {
        let process = Process::Client(dice.below(sessions) as u32);
        let (call, reply) = if accesses == 1 {
            let key = dice.below(keys) as usize;
            single(access(&mut dice, key))
        } else {
            let chosen: BTreeSet<usize> = (0..accesses).map(|_| dice.below(keys) as usize).collect();
            let accesses: Vec<_> = chosen.into_iter().map(|key| access(&mut dice, key)).collect();
            transaction(&accesses)
        };
        for (offset, kind, op) in [(0, Kind::Invoke, call), (1, Kind::Ok, reply)] {
            let index = 2 * index + offset;
            let event = Event {
                index,
                time: Nanos(index),
                process,
                kind,
                op,
                node: None,
                error: None,
                seen: None,
                hints: Hints::NONE,
            };
            pairing.push(event, None).unwrap_or_else(|problem| panic!("{problem}"));
        }
    }
    pairing.finish()
}

fn single((write, key, value): (bool, i64, Value)) -> (Op, Op) {
    let name = key.to_string();
    if write {
        let op = Op::write(name, value);
        return (op.clone(), op);
    }
    (Op::read(name.clone()), Op::new(Function::Read, name, value))
}

fn transaction(accesses: &[(bool, i64, Value)]) -> (Op, Op) {
    let list = |known: bool| {
        Value::list(accesses.iter().map(|(write, key, value)| {
            let value = if known || *write { value.clone() } else { Value::Null };
            Value::list([Value::text(if *write { "w" } else { "r" }), Value::Int(*key), value])
        }))
    };
    (Op::global(Function::Txn, list(false)), Op::global(Function::Txn, list(true)))
}

/// Reports the time of one model's finding, shared inference included where it is counted there.
fn pace(criterion: &mut Criterion, name: &str, history: &History, model: ModelName) {
    let mut group = criterion.benchmark_group("causal");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.bench_function(format!("{name}, {model}"), |bencher| {
        bencher.iter_custom(|rounds| {
            let mut elapsed = Duration::ZERO;
            for _ in 0..rounds {
                let findings = Causal.check(black_box(history), &Budget::unlimited());
                let finding = findings.into_iter().find(|finding| finding.model == model);
                let finding = finding.unwrap_or_else(|| panic!("no finding for {model}"));
                assert!(matches!(finding.verdict, Verdict::Valid), "{model}: {:?}", finding.verdict);
                elapsed += finding.elapsed;
            }
            elapsed
        });
    });
    group.finish();
}

fn causal(criterion: &mut Criterion) {
    let single = history(20, 1_000, 1);
    pace(criterion, "1,000,000 operations, 20 sessions", &single, ModelName::CausalConvergence);
    pace(criterion, "1,000,000 operations, 20 sessions", &single, ModelName::CausalMemory);
    drop(single);
    let single = history(100, 1_000, 1);
    pace(criterion, "1,000,000 operations, 100 sessions", &single, ModelName::CausalConvergence);
    drop(single);
    let transactions = history(20, 10_000, 8);
    pace(criterion, "125,000 transactions of 8, 20 sessions", &transactions, ModelName::CausalConvergence);
}

criterion_group!(benches, causal);
criterion_main!(benches);
