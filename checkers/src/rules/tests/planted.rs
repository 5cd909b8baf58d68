//! One anomaly in a large valid history of every data type: it is found, and nothing else.
//!
//! `OPERATIONS=100000 cargo test --release -p checkers planted` tries a larger one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use histories::{AnomalyKind, Conflict, Event, History, Kind, ModelName, Op, Process, Value};

use AnomalyKind as Kinds;
use ModelName::{Bank, ConflictPolicy, Counter, LongFork, Mutex, Queue, Set, UniqueIds};

use crate::testing::{Dice, confirm};
use crate::{Budget, Checker, Policy, Rules, Verdict, testing};

/// What a process did: function, key, what was asked and what was answered.
type Deed = (u32, Kind, &'static str, String, Value, Value);

fn operations() -> usize {
    std::env::var("OPERATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(4_000)
}

fn ints(list: &[i64]) -> Value {
    Value::list(list.iter().copied().map(Value::Int))
}

/// Every data type at once, each operation at a moment of its own.
fn valid() -> Vec<Deed> {
    let mut dice = Dice(11);
    let (mut queue, mut set, mut accounts) = (VecDeque::new(), Vec::new(), [50_i64; 3]);
    let (mut sum, mut siblings) = (0, Vec::new());
    let mut deeds: Vec<Deed> = Vec::new();
    for number in 0..operations() as i64 {
        let process = dice.below(10) as u32;
        let mut deed = |function, key: &str, call: Value, reply: Value| {
            deeds.push((process, Kind::Ok, function, key.to_owned(), call, reply));
        };
        let (page, same) = (number / 900, |value: i64| (Value::Int(value), Value::Int(value)));
        match number % 9 {
            0 => {
                if number % 900 == 0 {
                    set.clear();
                }
                set.push(number);
                deed("add", &format!("s{page}"), Value::Int(number), Value::Int(number));
            }
            1 => deed("read-all", &format!("s{page}"), Value::Null, ints(&set)),
            2 => {
                sum += 3;
                let (call, reply) = same(3);
                deed("increment", "c", call, reply);
            }
            3 => deed("read", "c", Value::Null, Value::Int(sum)),
            4 => {
                queue.push_back(number);
                let (call, reply) = same(number);
                deed("enqueue", "q", call, reply);
            }
            5 => {
                let taken = queue.pop_front().map_or(Value::Null, Value::Int);
                deed("dequeue", "q", Value::Null, taken);
            }
            6 => {
                let (from, to) = (dice.below(3) as usize, dice.below(3) as usize);
                let by = accounts[from].min(7);
                accounts[from] -= by;
                accounts[to] += by;
                let names = ["a", "b", "c"];
                let call = Value::list([names[from].into(), names[to].into(), Value::Int(by)]);
                deed("transfer", "bank", call.clone(), call);
                let balances = names.into_iter().zip(accounts);
                let shown =
                    Value::map(balances.map(|(name, balance)| (name.to_owned(), Value::Int(balance))));
                deed("read-all", "bank", Value::Null, shown);
            }
            7 => {
                deed("generate", "ids", Value::Null, Value::Int(number));
                deed("acquire", "lock", Value::Null, Value::Null);
                deed("release", "lock", Value::Null, Value::Null);
            }
            _ => {
                let key = format!("x{page}");
                if number % 900 == 8 {
                    siblings.clear();
                }
                deed("read-all", &key, Value::Null, ints(&siblings));
                let call = Value::list([ints(&siblings), Value::Int(number)]);
                deed("replace", &key, call.clone(), call);
                siblings = vec![number];
            }
        }
    }
    deeds
}

/// What everything is like at the end.
fn ends(deeds: &[Deed]) -> Vec<Deed> {
    let mut last = BTreeMap::new();
    let mut sets: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (_, _, function, key, call, reply) in deeds {
        match *function {
            "add" => sets.entry(key.clone()).or_default().push(call.clone()),
            "replace" => {
                let (_, value) = call.as_pair().unwrap();
                last.insert((key.clone(), "read-all"), Value::list([value.clone()]));
            }
            "read" => drop(last.insert((key.clone(), "read"), reply.clone())),
            _ => {}
        }
    }
    last.extend(sets.into_iter().map(|(key, list)| ((key, "read-all"), Value::list(list))));
    let left: BTreeSet<&Value> =
        deeds.iter().filter(|deed| deed.2 == "enqueue").map(|deed| &deed.4).collect();
    let taken: BTreeSet<&Value> =
        deeds.iter().filter(|deed| deed.2 == "dequeue").map(|deed| &deed.5).collect();
    let rest = Value::list(left.difference(&taken).map(|value| (*value).clone()));
    let drain = (0, Kind::Ok, "drain", "q".to_owned(), Value::Null, rest);
    let read = |((key, function), reply)| (0, Kind::Ok, function, key, Value::Null, reply);
    [drain].into_iter().chain(last.into_iter().map(read)).collect()
}

fn history(deeds: &[Deed]) -> History {
    let mut events: Vec<Event> = Vec::new();
    for (time, (process, kind, function, key, call, reply)) in (0..).zip(deeds) {
        let op = |value: &Value| match *function {
            "txn" => Op::global("txn".into(), value.clone()),
            function => Op::new(function.into(), key.as_str(), value.clone()),
        };
        events.push(testing::event(2 * time, Process::Client(*process), Kind::Invoke, op(call)));
        events.push(testing::event(2 * time + 1, Process::Client(*process), *kind, op(reply)));
    }
    let mut history = testing::build(Vec::new(), events);
    history.header.conflict = Some(Conflict::LwwHlc);
    history
}

fn found(history: &History) -> Vec<(ModelName, AnomalyKind)> {
    let budget = Budget::unlimited();
    let findings = [Rules.check(history, &budget), Policy.check(history, &budget)].concat();
    let mut found = Vec::new();
    for finding in findings {
        for anomaly in finding.verdict.anomalies() {
            assert_eq!(confirm(history, anomaly), Ok(()), "{anomaly:#?}");
            found.push((finding.model, anomaly.kind));
        }
        let fits = !matches!(finding.verdict, Verdict::Unknown(_));
        assert!(fits, "{}: {:?}", finding.model, finding.verdict);
    }
    found
}

/// `1 ok add p 7 7`: process, outcome, function, key, and what was asked and answered, as values of the test's text.
fn deed(text: &str) -> Deed {
    let words: Vec<&str> = text.split(' ').collect();
    let kind = if words[1] == "fail" { Kind::Fail } else { Kind::Ok };
    let function = [
        "add",
        "remove",
        "read",
        "read-all",
        "increment",
        "enqueue",
        "dequeue",
        "generate",
        "acquire",
        "replace",
        "txn",
        "write",
    ]
    .into_iter()
    .find(|name| *name == words[2])
    .unwrap();
    let (call, reply) = (value(words[4]), value(words[5]));
    (words[0].parse().unwrap(), kind, function, words[3].to_owned(), call, reply)
}

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

/// On the way, at the end, and what is found.
type Plant = (&'static [&'static str], &'static [&'static str], &'static [(ModelName, AnomalyKind)]);

const PLANTS: &[Plant] = &[
    (
        &["1 ok add p 1 1", "2 ok read-all p null [1,7]"],
        &["3 ok read-all p null [1]"],
        &[(Set, Kinds::PhantomRead)],
    ),
    (
        &["1 fail add p 1 1", "2 ok add p 2 2", "2 ok read-all p null [1]"],
        &["3 ok read-all p null [2]"],
        &[(Set, Kinds::AbortedRead)],
    ),
    (
        &["1 ok add p 1 1", "2 ok read-all p null [1,1]"],
        &["3 ok read-all p null [1]"],
        &[(Set, Kinds::DuplicateElement)],
    ),
    (&["1 ok add p 1 1"], &["3 ok read-all p null []"], &[(Set, Kinds::LostWrite)]),
    (&["1 ok increment p 5 5", "2 ok read p null 4"], &["3 ok read p null 5"], &[(Counter, Kinds::WrongSum)]),
    (
        &["1 ok increment p 5 5"],
        &["3 ok read p null 4"],
        &[(Counter, Kinds::WrongSum), (ConflictPolicy, Kinds::WrongSum)],
    ),
    (
        &["1 ok enqueue p 1 1", "1 ok dequeue p null 1", "2 ok dequeue p null 1"],
        &[],
        &[(Queue, Kinds::DuplicateElement)],
    ),
    (&["1 ok dequeue p null 1"], &[], &[(Queue, Kinds::PhantomRead)]),
    (&["1 fail enqueue p 1 1", "1 ok dequeue p null 1"], &[], &[(Queue, Kinds::AbortedRead)]),
    (&["1 ok enqueue p 1 1", "1 ok dequeue p null null"], &[], &[(Queue, Kinds::LostWrite)]),
    (&["1 ok generate ids null -7", "2 ok generate ids null -7"], &[], &[(UniqueIds, Kinds::DuplicateId)]),
    (&["1 ok read-all bank null {\"a\":150,\"b\":1}"], &[], &[(Bank, Kinds::WrongTotal)]),
    (&["1 ok read-all bank null {\"a\":-1,\"b\":151}"], &[], &[(Bank, Kinds::Overdrawn)]),
    (&["1 ok acquire p null null", "2 ok acquire p null null"], &[], &[(Mutex, Kinds::TwoHolders)]),
    (
        &[
            "1 ok txn - [[\"w\",\"k\",1]] [[\"w\",\"k\",1]]",
            "2 ok txn - [[\"w\",\"l\",1]] [[\"w\",\"l\",1]]",
            "3 ok txn - [] [[\"r\",\"k\",1],[\"r\",\"l\",null]]",
            "4 ok txn - [] [[\"r\",\"k\",null],[\"r\",\"l\",1]]",
        ],
        &[],
        &[(LongFork, Kinds::LongFork)],
    ),
    (
        &["1 ok replace p [[],1] [[],1]", "1 ok read-all p null []"],
        &["3 ok read-all p null [1]"],
        &[(ConflictPolicy, Kinds::DroppedSibling)],
    ),
    (
        &["1 ok replace p [[],1] [[],1]", "1 ok replace p [[1],2] [[1],2]", "2 ok read-all p null [1,2]"],
        &["3 ok read-all p null [2]"],
        &[(ConflictPolicy, Kinds::ReplacedSibling)],
    ),
    (
        &["1 ok remove p 1 1", "1 ok add p 1 1"],
        &["3 ok read-all p null []"],
        &[(ConflictPolicy, Kinds::LostWrite)],
    ),
    (
        &["1 ok add p 1 1", "1 ok remove p 1 1"],
        &["3 ok read-all p null [1]"],
        &[(ConflictPolicy, Kinds::Resurrected)],
    ),
    (
        &["1 ok write p 1 1", "2 ok read p null 1", "2 ok write p 2 2"],
        &["3 ok read p null 1"],
        &[(ConflictPolicy, Kinds::OverwrittenByOlder)],
    ),
];

#[test]
fn each_planted_anomaly_is_found_alone() {
    let valid = valid();
    let ends = ends(&valid);
    assert_eq!(found(&history(&[valid.clone(), ends.clone()].concat())), []);
    for (planted, last, expected) in PLANTS {
        let at = valid.len() / 10 * 9;
        let mut deeds = valid.clone();
        deeds.splice(at..at, planted.iter().map(|text| deed(text)));
        deeds.extend(ends.clone());
        deeds.extend(last.iter().map(|text| deed(text)));
        assert_eq!(found(&history(&deeds)), *expected, "{planted:?}");
    }
}
