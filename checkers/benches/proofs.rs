//! What a proof costs beside the verdict: histories of a known shape, with a contradiction near their end and without.
//!
//! `verdict` is the search alone, over all keys, where a search decides; `proof` is all that `check` does of
//! linearizability: the verdict, the proof of a violation made short, and its re-check. Queues of unique elements are
//! decided by rules, so that a valid one stands beside the one with a duplicate instead.

use std::collections::{BTreeMap, VecDeque};
use std::hint::black_box;

use checkers::models::{Entry, EntryOf, Kv, KvCall, MicroOperation, Model, MultiRegister, Mutex, MutexCall};
use checkers::search::{Want, decide};
use checkers::{Budget, Verdict, check_all};
use criterion::{Criterion, criterion_group, criterion_main};
use histories::{Event, Function, Hints, History, Kind, ModelName, Nanos, Op, Pairing, Process, Value};

struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// Operations that take effect one after another, each at some moment of its interval, in nanoseconds. Clients take
/// turns.
struct Recorder {
    dice: Dice,
    clients: u64,
    count: u64,
    events: Vec<Event>,
}

/// Between the moments at which two operations take effect.
const STEP: u64 = 1_000;

impl Recorder {
    fn new(clients: u64) -> Self {
        Self { dice: Dice(7), clients, count: 0, events: Vec::new() }
    }

    /// Records an operation; says when it was invoked and when it returned.
    fn record(&mut self, call: Op, answer: Value) -> (u64, u64) {
        let (client, turn) = (self.count % self.clients, self.clients * STEP / 2);
        let moment = turn + self.count * STEP;
        let spread = (turn - 1).max(1);
        let (invoked, returned) = (moment - self.dice.below(spread), moment + self.dice.below(spread));
        self.count += 1;
        let process = Process::Client(client as u32);
        self.events.push(event(invoked, process, Kind::Invoke, call.clone()));
        self.events.push(event(returned, process, Kind::Ok, Op { value: answer, ..call }));
        (invoked, returned)
    }

    fn history(mut self) -> History {
        self.events.sort_by_key(|event| (event.time, event.kind != Kind::Invoke));
        let mut pairing = Pairing::new(histories::Header { partita: 1, ..histories::Header::default() });
        for (index, event) in (0..).zip(self.events) {
            pairing.push(Event { index, ..event }, None).expect("each client has one operation at a time");
        }
        pairing.finish()
    }
}

fn event(time: u64, process: Process, kind: Kind, op: Op) -> Event {
    let time = Nanos(time);
    Event { index: 0, time, process, kind, op, node: None, error: None, seen: None, hints: Hints::NONE }
}

/// A history, and the same by object, for the search alone.
struct Case<M: Model> {
    model: M,
    objects: Vec<Vec<EntryOf<M>>>,
    history: History,
}

impl<M: Model> Case<M> {
    fn verdict(&self) {
        let budget = Budget::unlimited();
        for entries in &self.objects {
            black_box(decide(&self.model, entries, &budget, Want::Verdict));
        }
    }
}

/// How many operations the proof of a violation has; none where the history is linearizable.
fn proof(history: &History) -> usize {
    let findings = check_all(history, Some(&[ModelName::Linearizable]), &Budget::unlimited());
    match &findings[0].verdict {
        Verdict::Invalid(anomalies) => anomalies[0].steps.len(),
        _ => 0,
    }
}

/// Put, append and get by 50 clients on 10 keys; one in twenty fragments is one that its client had used before.
fn strings(operations: u64, is_bad: bool) -> Case<Kv> {
    let mut recorder = Recorder::new(50);
    let mut states: Vec<Vec<String>> = vec![vec![String::new()]; 10];
    let mut objects = vec![Vec::new(); 10];
    let mut used = vec![0; 50];
    for i in 0..operations {
        let key = recorder.dice.below(10) as usize;
        let name = key.to_string();
        let client = (i % 50) as usize;
        used[client] += u64::from(recorder.dice.below(20) > 0);
        let fragment = format!("x {client} {} y", used[client]);
        let state = states[key].last().cloned().unwrap_or_default();
        let (op, answer, call, reply, after) = match recorder.dice.below(20) {
            0..10 => {
                let is_stale = is_bad && i * 10 > operations * 9 && states[key].len() > 20;
                let seen = if is_stale { states[key][states[key].len() - 20].clone() } else { state };
                (Op::read(name.as_str()), Value::text(seen.as_str()), KvCall::Get, Some(seen), None)
            }
            10 => {
                let op = Op::new(Function::Write, name.as_str(), Value::text(fragment.as_str()));
                (op.clone(), op.value, KvCall::Put(fragment.clone()), None, Some(fragment))
            }
            _ => {
                let op = Op::new(Function::Append, name.as_str(), Value::text(fragment.as_str()));
                (op.clone(), op.value, KvCall::Append(fragment.clone()), None, Some(state + &fragment))
            }
        };
        let (invoked, returned) = recorder.record(op, answer);
        objects[key].push(Entry { invoked, returned: Some(returned), call, reply });
        states[key].extend(after);
    }
    Case { model: Kv, objects, history: recorder.history() }
}

/// A lock that five clients hold in turn; one of the last acquires is granted while it is held.
fn lock(operations: u64) -> Case<Mutex> {
    let mut recorder = Recorder::new(5);
    let mut entries = Vec::new();
    for i in 0..operations {
        let is_release = i % 2 == 1 && i != operations - 9;
        let (name, call) =
            if is_release { ("release", MutexCall::Release) } else { ("acquire", MutexCall::Acquire) };
        let op = Op::new(Function::from(name), "lock", Value::Null);
        // Who holds it returns before the next asks.
        let (invoked, returned) = {
            let moment = STEP * (i + 1);
            recorder.events.push(event(
                moment,
                Process::Client((i / 2 % 5) as u32),
                Kind::Invoke,
                op.clone(),
            ));
            recorder.events.push(event(moment + STEP / 2, Process::Client((i / 2 % 5) as u32), Kind::Ok, op));
            (moment, moment + STEP / 2)
        };
        entries.push(Entry { invoked, returned: Some(returned), call, reply: None });
    }
    Case { model: Mutex, objects: vec![entries], history: recorder.history() }
}

/// A queue; with a duplicate, one of the last dequeues takes what the one before it had taken.
fn queue(operations: u64, is_bad: bool) -> History {
    let mut recorder = Recorder::new(10);
    let (mut state, mut taken) = (VecDeque::new(), Value::Null);
    for i in 0..operations {
        if recorder.dice.below(2) == 0 {
            let value = Value::Int(i as i64);
            state.push_back(value.clone());
            recorder.record(Op::new(Function::Enqueue, "q", value.clone()), value);
        } else {
            let takes_again = is_bad && i + 10 >= operations && taken != Value::Null;
            if !takes_again {
                taken = state.pop_front().unwrap_or_default();
            }
            recorder.record(Op::new(Function::Dequeue, "q", Value::Null), taken.clone());
        }
    }
    recorder.history()
}

/// Transactions one after another on 5 keys; one of the last reads what had been overwritten.
fn transactions(operations: u64) -> Case<MultiRegister> {
    let mut recorder = Recorder::new(1);
    let mut states: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut entries = Vec::new();
    let mut next = 0;
    for i in 0..operations {
        let (mut micros, mut calls, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..3 {
            let name = ["v", "w", "x", "y", "z"][recorder.dice.below(5) as usize];
            let key = Value::text(name);
            let state = states.entry(name.to_owned()).or_insert_with(|| vec![Value::Null]);
            if recorder.dice.below(2) == 0 {
                let is_stale = i == operations - 5 && state.len() > 3;
                let value = state[state.len() - if is_stale { 3 } else { 1 }].clone();
                micros.push(Value::list([Value::text("r"), key.clone(), value.clone()]));
                calls.push(MicroOperation::Read(key));
                seen.push(value);
            } else {
                next += 1;
                state.push(Value::Int(next));
                micros.push(Value::list([Value::text("w"), key.clone(), Value::Int(next)]));
                calls.push(MicroOperation::Write(key, Value::Int(next)));
            }
        }
        let answer = Value::list(micros);
        let op = Op::global(Function::Txn, answer.clone());
        let (invoked, returned) = recorder.record(op, answer);
        entries.push(Entry { invoked, returned: Some(returned), call: calls, reply: Some(seen) });
    }
    Case { model: MultiRegister::default(), objects: vec![entries], history: recorder.history() }
}

/// Measures the search, and the whole check.
fn measure<M: Model>(criterion: &mut Criterion, name: &str, case: &Case<M>, is_bad: bool) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20);
    group.bench_function("verdict", |bencher| bencher.iter(|| case.verdict()));
    group.finish();
    measure_check(criterion, name, &case.history, is_bad);
}

fn measure_check(criterion: &mut Criterion, name: &str, history: &History, is_bad: bool) {
    assert_eq!(proof(history) > 0, is_bad, "{name}");
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20);
    group.bench_function("proof", |bencher| bencher.iter(|| black_box(proof(history))));
    group.finish();
}

fn proofs(criterion: &mut Criterion) {
    measure(criterion, "strings of 50 clients, 2,000 operations", &strings(2_000, false), false);
    measure(criterion, "strings of 50 clients, 2,000 operations, stale reads", &strings(2_000, true), true);
    measure(criterion, "a lock, 1,000 operations, two holders", &lock(1_000), true);
    measure_check(criterion, "a queue, 1,000 operations", &queue(1_000, false), false);
    measure_check(criterion, "a queue, 1,000 operations, a duplicate", &queue(1_000, true), true);
    measure(criterion, "100 transactions in turn, a stale read", &transactions(100), true);
}

criterion_group!(benches, proofs);
criterion_main!(benches);
