//! The pace of the causal models on large histories, to hold against the figures of the design.
//!
//! It never checks correctness, only that the verdicts are the expected ones.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Duration;

use checkers::{Budget, Causal, Checker};
use criterion::{Criterion, criterion_group, criterion_main};
use histories::{Event, Function, Hints, History, Kind, ModelName, Nanos, Op, Pairing, Process, Value};

const MILLION: u64 = 1_000_000;

/// What a history is made of.
#[derive(Clone, Copy)]
struct Shape {
    operations: u64,
    sessions: u64,
    keys: u64,
    /// In a transaction; 1 for plain operations.
    accesses: u64,
    /// Whether nine tenths in a session reads back behind what it has read.
    stale: bool,
}

const PLAIN: Shape = Shape { operations: MILLION, sessions: 20, keys: 1_000, accesses: 1, stale: false };

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
fn history(shape: Shape) -> History {
    let Shape { operations, sessions, keys, accesses, stale } = shape;
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
    let count = operations / accesses;
    let mut events = 0;
    for index in 0..count {
        if stale && index == count / 10 * 9 {
            for (client, planted) in stale_read() {
                push((&mut pairing, &mut events), client, planted);
            }
        }
        let client = dice.below(sessions) as u32;
        let ops = if accesses == 1 {
            let key = dice.below(keys) as usize;
            single(access(&mut dice, key))
        } else {
            let chosen: BTreeSet<usize> = (0..accesses).map(|_| dice.below(keys) as usize).collect();
            let accesses: Vec<_> = chosen.into_iter().map(|key| access(&mut dice, key)).collect();
            transaction(&accesses)
        };
        push((&mut pairing, &mut events), client, ops);
    }
    pairing.finish()
}

/// One client writes twice; another sees the second write and then the first.
fn stale_read() -> [(u32, (Op, Op)); 4] {
    let access = |write, value| single((write, -1, Value::Int(value)));
    [(0, access(true, -1)), (0, access(true, -2)), (1, access(false, -2)), (1, access(false, -1))]
}

/// An operation at moments of its own.
fn push((pairing, next): (&mut Pairing, &mut u64), client: u32, (call, reply): (Op, Op)) {
    for (kind, op) in [(Kind::Invoke, call), (Kind::Ok, reply)] {
        let index = *next;
        *next += 1;
        let event = Event {
            index,
            time: Nanos(index),
            process: Process::Client(client),
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
fn pace(criterion: &mut Criterion, name: &str, history: &History, model: ModelName, expected: &str) {
    let mut group = criterion.benchmark_group("causal");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.bench_function(format!("{name}, {model}"), |bencher| {
        bencher.iter_custom(|rounds| {
            let mut elapsed = Duration::ZERO;
            for _ in 0..rounds {
                let findings = Causal.check(black_box(history), &Budget::unlimited());
                let finding = findings.into_iter().find(|finding| finding.model == model);
                let finding = finding.unwrap_or_else(|| panic!("no finding for {model}"));
                assert_eq!(finding.verdict.name(), expected, "{model}");
                elapsed += finding.elapsed;
            }
            elapsed
        });
    });
    group.finish();
}

fn causal(criterion: &mut Criterion) {
    let converges = ModelName::CausalConvergence;
    for sessions in [10, 20, 100] {
        let plain = history(Shape { sessions, ..PLAIN });
        let name = format!("1,000,000 operations, {sessions} sessions");
        pace(criterion, &name, &plain, converges, "valid");
        pace(criterion, &name, &plain, ModelName::CausalMemory, "valid");
    }
    let stale = history(Shape { stale: true, ..PLAIN });
    pace(criterion, "the same, 20 sessions, a stale read at nine tenths", &stale, converges, "invalid");
    drop(stale);
    let transactions = history(Shape { keys: 10_000, accesses: 8, ..PLAIN });
    pace(criterion, "125,000 transactions of 8, 20 sessions", &transactions, converges, "valid");
    drop(transactions);
    let large = history(Shape { operations: 10 * MILLION, ..PLAIN });
    pace(criterion, "10,000,000 operations, 20 sessions", &large, converges, "valid");
}

criterion_group!(benches, causal);
criterion_main!(benches);
