//! Random small histories: the checker against the definitions, and every anomaly re-checked.

use std::collections::BTreeMap;

use histories::{Event, Function, History, Kind, ModelName, Op, Process, Value};

use crate::causal::oracle::{self, Txn};
use crate::testing::{Dice, confirm};
use crate::{Causal, Checker, Verdict, dot, testing};

const KEYS: [&str; 3] = ["x", "y", "z"];

/// What is random about a history.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) transactions: u64,
    pub(super) processes: u64,
    pub(super) keys: u64,
    /// The most accesses in a transaction; 1 for plain operations.
    pub(super) accesses: u64,
    /// How many values there are to be written, again and again; 0 where each is written once.
    pub(super) values: u64,
}

/// A history as events and as the oracle sees it.
pub(super) struct Sample {
    pub(super) history: History,
    pub(super) events: Vec<Event>,
    pub(super) transactions: Vec<Txn>,
}

struct Making {
    dice: Dice,
    shape: Shape,
    /// By process and key, what its replica holds.
    replicas: Vec<[i64; 3]>,
    written: [Vec<i64>; 3],
    next: i64,
    events: Vec<Event>,
    transactions: Vec<Txn>,
    /// By process, the operation it has open: when it is complete, what it is then, and whether it counts.
    open: BTreeMap<u32, (Kind, Op, Option<Value>, Option<usize>)>,
}

pub(super) fn sample(seed: u64, shape: Shape) -> Sample {
    let mut making = Making {
        dice: Dice(seed),
        shape,
        replicas: vec![[0; 3]; shape.processes as usize],
        written: Default::default(),
        next: 1 + shape.values as i64,
        events: Vec::new(),
        transactions: Vec::new(),
        open: BTreeMap::new(),
    };
    let (mut begun, mut turn) = (0, 0);
    while begun < shape.transactions || !making.open.is_empty() {
        turn += 1;
        // Two turns at a time, so that some intervals only touch.
        let time = turn / 2;
        let process = making.dice.below(shape.processes) as u32;
        if making.open.contains_key(&process) {
            making.complete(process, time);
        } else if begun < shape.transactions {
            begun += 1;
            making.begin(process, time);
        }
    }
    let history = testing::build(Vec::new(), making.events.clone());
    Sample { history, events: making.events, transactions: making.transactions }
}

impl Making {
    fn begin(&mut self, process: u32, time: u64) {
        let kind = match self.dice.below(10) {
            0 => Kind::Info,
            1 => Kind::Fail,
            _ => Kind::Ok,
        };
        if self.shape.accesses > 1 {
            self.transaction(process, time, kind);
        } else {
            self.single(process, time, kind);
        }
    }

    fn single(&mut self, process: u32, time: u64, kind: Kind) {
        let key = self.dice.below(self.shape.keys) as usize;
        let (call, reply, seen, accesses) = match self.dice.below(8) {
            0..4 => {
                let seen = self.see(process, key);
                let access = (kind == Kind::Ok).then_some((false, key, seen));
                (
                    Op::read(KEYS[key]),
                    Op { value: value(seen), ..Op::read(KEYS[key]) },
                    None,
                    Vec::from_iter(access),
                )
            }
            4..7 => {
                let new = self.write(process, key, kind);
                let op = Op::write(KEYS[key], new);
                (op.clone(), op, None, if kind == Kind::Fail { Vec::new() } else { vec![(true, key, new)] })
            }
            _ => {
                let from = self.see(process, key);
                let new = self.write(process, key, kind);
                let op = Op::cas(KEYS[key], value(from), new);
                let seen = (kind == Kind::Fail && from != 0 && self.dice.one_in(2)).then(|| value(from));
                let accesses = match kind {
                    Kind::Fail if seen.is_some() => vec![(false, key, from)],
                    Kind::Fail => Vec::new(),
                    _ => vec![(false, key, from), (true, key, new)],
                };
                (op.clone(), op, seen, accesses)
            }
        };
        self.open(process, time, kind, (call, reply, seen), accesses);
    }

    fn transaction(&mut self, process: u32, time: u64, kind: Kind) {
        let (mut call, mut reply, mut accesses) = (Vec::new(), Vec::new(), Vec::new());
        let mut own = [0; 3];
        for _ in 0..=self.dice.below(self.shape.accesses) {
            let key = self.dice.below(self.shape.keys) as usize;
            let micro = |name: &str, value| Value::list([name.into(), KEYS[key].into(), value]);
            if self.dice.one_in(2) {
                let new = self.write(process, key, kind);
                own[key] = new;
                call.push(micro("w", value(new)));
                reply.push(micro("w", value(new)));
                accesses.push((true, key, new));
            } else {
                let seen =
                    if own[key] != 0 && !self.dice.one_in(12) { own[key] } else { self.see(process, key) };
                call.push(micro("r", Value::Null));
                reply.push(micro("r", value(seen)));
                accesses.push((false, key, seen));
            }
        }
        let known = |access: &(bool, usize, i64)| kind == Kind::Ok || (kind == Kind::Info && access.0);
        accesses.retain(known);
        let op = |list: Vec<Value>| Op::global(Function::Txn, Value::list(list));
        self.open(process, time, kind, (op(call), op(reply), None), accesses);
    }

    fn open(
        &mut self,
        process: u32,
        time: u64,
        kind: Kind,
        (call, reply, seen): (Op, Op, Option<Value>),
        accesses: Vec<(bool, usize, i64)>,
    ) {
        self.events.push(testing::event(time, Process::Client(process), Kind::Invoke, call));
        let counts = (!accesses.is_empty()).then_some(self.transactions.len());
        if counts.is_some() {
            self.transactions.push(Txn {
                process,
                unknown: kind == Kind::Info,
                call: time,
                ret: None,
                accesses,
            });
        }
        self.open.insert(process, (kind, reply, seen, counts));
    }

    fn complete(&mut self, process: u32, time: u64) {
        let Some((kind, op, seen, counts)) = self.open.remove(&process) else { return };
        let event = testing::event(time, Process::Client(process), kind, op);
        self.events.push(Event { seen, ..event });
        if let Some(counts) = counts {
            self.transactions[counts].ret = Some(time);
        }
    }

    /// A value to have read: mostly the replica's, at times any.
    fn see(&mut self, process: u32, key: usize) -> i64 {
        match self.dice.below(16) {
            0 => 0,
            1 | 2 if !self.written[key].is_empty() => {
                let at = self.dice.below(self.written[key].len() as u64) as usize;
                self.written[key][at]
            }
            // Written later, or never.
            3 if self.dice.one_in(4) => self.next + self.dice.below(3) as i64,
            _ => self.replicas[process as usize][key],
        }
    }

    /// A new value, which reaches some replicas.
    fn write(&mut self, process: u32, key: usize, kind: Kind) -> i64 {
        let new = if self.shape.values > 0 {
            1 + self.dice.below(self.shape.values) as i64
        } else {
            self.next += 1;
            self.next - 1
        };
        self.written[key].push(new);
        let spreads = kind == Kind::Ok || (kind == Kind::Info && self.dice.one_in(2));
        for replica in 0..self.replicas.len() {
            if spreads && (replica == process as usize || self.dice.one_in(2)) {
                self.replicas[replica][key] = new;
            }
        }
        new
    }
}

fn value(int: i64) -> Value {
    if int == 0 { Value::Null } else { Value::Int(int) }
}

/// Checks histories of a shape; says for each model how often it held and how often it was violated.
fn fuzz(shape: Shape, seeds: std::ops::Range<u64>) -> BTreeMap<ModelName, [u32; 2]> {
    let mut tally: BTreeMap<ModelName, [u32; 2]> = BTreeMap::new();
    for seed in seeds {
        let sample = sample(seed, shape);
        let found = testing::coherent_findings(&sample.history);
        for finding in found.into_iter().filter(|finding| Causal.models().contains(&finding.model)) {
            let held = match &finding.verdict {
                Verdict::Valid => true,
                Verdict::Invalid(_) => false,
                Verdict::Unknown(_) | Verdict::NotApplicable(_) => continue,
                Verdict::Refuted(why) => panic!("{why}"),
            };
            let model = finding.model;
            assert_eq!(
                oracle::holds(model, &sample.transactions),
                held,
                "{model}, seed {seed}: {:?}",
                sample.transactions
            );
            tally.entry(model).or_default()[usize::from(held)] += 1;
            for anomaly in finding.verdict.anomalies() {
                assert_eq!(confirm(&sample.history, anomaly), Ok(()), "{model}, seed {seed}: {anomaly:#?}");
                assert!(!anomaly.facts.is_empty() && !anomaly.steps.is_empty());
                if let Some(dot) = dot(&sample.history, anomaly) {
                    assert!(dot.matches("->").count() >= 1, "{dot}");
                }
            }
        }
    }
    tally
}

/// Figures for whoever fuzzes by hand: how often each model was violated and held.
#[expect(clippy::print_stderr, reason = "shown by --nocapture only")]
fn tell(tally: &BTreeMap<ModelName, [u32; 2]>) {
    for (model, [violated, held]) in tally {
        eprintln!("fuzz {model}: {held} held, {violated} violated");
    }
}

#[test]
fn single_operations_agree_with_the_definitions() {
    let shape = Shape { transactions: 6, processes: 3, keys: 2, accesses: 1, values: 0 };
    let mut tally = fuzz(shape, 0..testing::cases(14_000));
    tell(&tally);
    tally.extend(fuzz(Shape { transactions: 8, processes: 4, keys: 2, ..shape }, 100_000..102_000));
    for (model, counts) in &tally {
        assert!(counts.iter().all(|&count| count > 150), "{model}: {counts:?}");
    }
    assert_eq!(tally.len(), 5);
}

#[test]
fn transactions_agree_with_the_definitions() {
    let shape = Shape { transactions: 5, processes: 3, keys: 3, accesses: 3, values: 0 };
    let mut tally = fuzz(shape, 0..testing::cases(6_000));
    tell(&tally);
    tally.extend(fuzz(Shape { transactions: 6, processes: 2, ..shape }, 200_000..202_000));
    for (model, counts) in &tally {
        assert!(counts.iter().all(|&count| count > 150), "{model}: {counts:?}");
    }
    assert_eq!(tally.len(), 7);
}
