//! The pace of the search and of the rules for sets and queues, through the public API.
//!
//! It never measures reading a file or generating a history.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::hint::black_box;

use checkers::{Budget, Checker, Linear, Verdict};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use histories::{Event, Function, Hints, History, Kind, Nanos, Op, Process, Value};

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

/// An object: what a client asks next, and what it is answered at the moment at which that takes effect.
trait Object {
    fn ask(&mut self, dice: &mut Dice) -> Op;
    fn answer(&mut self, op: &Op) -> (Kind, Value);
}

/// Compare-and-sets, writes and reads over a few values.
struct Register {
    values: u64,
    state: Value,
}

impl Object for Register {
    fn ask(&mut self, dice: &mut Dice) -> Op {
        let mut value = || dice.below(self.values) as i64;
        let (a, b) = (value(), value());
        match dice.below(10) {
            0..5 => Op::read("x"),
            5..8 => Op::cas("x", a, b),
            _ => Op::write("x", a),
        }
    }

    fn answer(&mut self, op: &Op) -> (Kind, Value) {
        match (&op.function, op.value.as_pair()) {
            (Function::Read, _) => (Kind::Ok, self.state.clone()),
            (Function::Cas, Some((from, _))) if *from != self.state => (Kind::Fail, op.value.clone()),
            (Function::Cas, Some((_, to))) => {
                self.state = to.clone();
                (Kind::Ok, op.value.clone())
            }
            _ => {
                self.state = op.value.clone();
                (Kind::Ok, op.value.clone())
            }
        }
    }
}

/// One string of a key-value store.
#[derive(Default)]
struct Text {
    next: u64,
    state: String,
}

impl Object for Text {
    fn ask(&mut self, dice: &mut Dice) -> Op {
        self.next += 1;
        let piece = Value::text(format!("x {} {} y", self.next % 50, self.next / 50));
        match dice.below(20) {
            0..10 => Op::read("x"),
            10 => Op::new(Function::Write, "x", piece),
            _ => Op::new(Function::Append, "x", piece),
        }
    }

    fn answer(&mut self, op: &Op) -> (Kind, Value) {
        match (&op.function, op.value.as_text()) {
            (Function::Append, Some(piece)) => self.state.push_str(piece),
            (Function::Write, Some(whole)) => whole.clone_into(&mut self.state),
            _ => return (Kind::Ok, Value::text(self.state.clone())),
        }
        (Kind::Ok, op.value.clone())
    }
}

/// A list that grows by one element at a time, read as a whole.
#[derive(Default)]
struct List {
    next: i64,
    state: Vec<Value>,
}

impl Object for List {
    fn ask(&mut self, dice: &mut Dice) -> Op {
        self.next += 1;
        if dice.below(10) == 0 {
            Op::read("x")
        } else {
            Op::new(Function::Append, "x", Value::Int(self.next))
        }
    }

    fn answer(&mut self, op: &Op) -> (Kind, Value) {
        if op.function == Function::Read {
            return (Kind::Ok, Value::list(self.state.iter().cloned()));
        }
        self.state.push(op.value.clone());
        (Kind::Ok, op.value.clone())
    }
}

#[derive(Default)]
struct Queue {
    next: i64,
    state: VecDeque<Value>,
}

impl Object for Queue {
    fn ask(&mut self, dice: &mut Dice) -> Op {
        self.next += 1;
        match dice.below(2) {
            0 => Op::new(Function::Enqueue, "q", Value::Int(self.next)),
            _ => Op::new(Function::Dequeue, "q", Value::Null),
        }
    }

    fn answer(&mut self, op: &Op) -> (Kind, Value) {
        if op.function == Function::Enqueue {
            self.state.push_back(op.value.clone());
            return (Kind::Ok, op.value.clone());
        }
        (Kind::Ok, self.state.pop_front().unwrap_or_default())
    }
}

/// Every operation takes effect at a random moment between its call and its return; of those that change something
/// `crashed` in a thousand are never answered, and half of these never take effect.
fn history(object: &mut dyn Object, operations: usize, clients: u32, crashed: u64) -> History {
    let mut dice = Dice(1);
    let mut events: Vec<(u64, Event)> = Vec::with_capacity(2 * operations);
    let mut effects: BinaryHeap<Reverse<(u64, u32, u64)>> = BinaryHeap::new();
    let mut asked: Vec<Option<Op>> = vec![None; clients as usize];
    let mut free: Vec<(u32, u64)> = (0..clients).map(|client| (client, u64::from(client))).collect();
    let mut processes: Vec<u32> = (0..clients).collect();
    let mut started = 0;
    loop {
        while started < operations
            && let Some((client, since)) = free.pop()
        {
            started += 1;
            let call = since + 1 + dice.below(200_000);
            let end = call + 100_000 + dice.below(2_000_000);
            let op = object.ask(&mut dice);
            events.push((call, event(processes[client as usize], Kind::Invoke, op.clone())));
            asked[client as usize] = Some(op);
            effects.push(Reverse((call + 1 + dice.below(end - call - 1), client, end)));
        }
        let Some(Reverse((_, client, end))) = effects.pop() else { break };
        let Some(op) = asked[client as usize].take() else { break };
        let process = &mut processes[client as usize];
        if op.function != Function::Read && dice.below(1000) < crashed {
            if dice.below(2) == 0 {
                object.answer(&op);
            }
            events.push((end, event(*process, Kind::Info, op)));
            *process += clients;
        } else {
            let (kind, value) = object.answer(&op);
            events.push((end, event(*process, kind, Op { value, ..op })));
        }
        free.push((client, end));
    }
    events.sort_by_key(|(time, event)| (*time, event.kind != Kind::Invoke));
    let numbered = (0..).zip(events);
    let events: Vec<Event> =
        numbered.map(|(index, (time, event))| Event { index, time: Nanos(time), ..event }).collect();
    match History::try_from(events) {
        Ok(history) => history,
        Err(problem) => unreachable!("the generator keeps a client's operations apart: {problem}"),
    }
}

fn event(client: u32, kind: Kind, op: Op) -> Event {
    let process = Process::Client(client);
    Event {
        index: 0,
        time: Nanos::ZERO,
        process,
        kind,
        op,
        node: None,
        error: None,
        seen: None,
        hints: Hints::NONE,
    }
}

/// Name, operations, clients, crashed in a thousand, object.
type Load = (&'static str, usize, u32, u64, Box<dyn Object>);

fn search(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("search");
    group.sample_size(10);
    let register = |values| Register { values, state: Value::Null };
    let loads: [Load; 9] = [
        ("cas over 5 values, 5 clients, like an etcd log", 84, 5, 50, Box::new(register(5))),
        ("cas over 5 values, 10 clients", 10_000, 10, 0, Box::new(register(5))),
        ("cas over 5 values, 10 clients", 1_000_000, 10, 0, Box::new(register(5))),
        ("cas over 5 values, 10 clients, 1 % crashed", 100_000, 10, 10, Box::new(register(5))),
        ("cas over 3 values, 20 clients", 100_000, 20, 0, Box::new(register(3))),
        ("kv, 10 clients on one key", 2_000, 10, 0, Box::new(Text::default())),
        ("kv, 50 clients on one key", 2_000, 50, 0, Box::new(Text::default())),
        ("list, 10 clients on one key", 10_000, 10, 0, Box::new(List::default())),
        ("queue, 10 clients", 1_000_000, 10, 0, Box::new(Queue::default())),
    ];
    for (name, operations, clients, crashed, mut object) in loads {
        let history = history(object.as_mut(), operations, clients, crashed);
        let finding = Linear::default().check(&history, &Budget::unlimited()).remove(0);
        assert_eq!(finding.verdict, Verdict::Valid, "{name}");
        group.throughput(Throughput::Elements(operations as u64));
        group.bench_function(BenchmarkId::new(name, operations), |bencher| {
            bencher.iter(|| Linear::default().check(black_box(&history), &Budget::unlimited()));
        });
    }
    group.finish();
}

criterion_group!(benches, search);
criterion_main!(benches);
