//! Each lie, told every time, in front of a store that tells the truth: what is sent and what is answered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use histories::{Function, Hints, Key, Op, Value};

use super::transactions::{accesses, transaction};
use super::*;
use crate::{Completion, Reply};

/// One copy of everything, which carries out one operation after the other.
#[derive(Default)]
struct Truth {
    held: BTreeMap<Key, Value>,
    next_identifier: i64,
}

impl Truth {
    fn carry_out(&mut self, op: &Op) -> Completion {
        let key = op.key.clone().unwrap_or_else(|| Key::from(""));
        let held = self.held.entry(key).or_default();
        let items = || held.as_list().unwrap_or_default().to_vec();
        let number = held.as_int().unwrap_or(0);
        let by = op.value.as_int().unwrap_or(0);
        let mut answer = op.value.clone();
        match op.function {
            Function::Read | Function::ReadAll => answer = held.clone(),
            Function::Write => *held = op.value.clone(),
            Function::Add | Function::Append => {
                let longer = Value::list(items().into_iter().chain([op.value.clone()]));
                *held = longer;
            }
            Function::Increment => *held = Value::Int(number + by),
            Function::Generate => {
                self.next_identifier += 1;
                answer = Value::Int(self.next_identifier);
            }
            Function::Acquire if !held.is_null() => return refused(),
            Function::Acquire => *held = Value::Bool(true),
            Function::Release => *held = Value::Null,
            Function::Txn => answer = self.transact(op),
            _ => panic!("{op:?}"),
        }
        Completion::Ok(Reply { value: answer, hints: Hints::NONE })
    }

    fn transact(&mut self, op: &Op) -> Value {
        let mut micros = accesses(op);
        for access in &mut micros {
            let held = self.held.entry(access.key.clone()).or_default();
            if access.is_read() {
                access.value = held.clone();
            } else if access.is_append() {
                let items = held.as_list().unwrap_or_default().to_vec();
                *held = Value::list(items.into_iter().chain([access.value.clone()]));
            } else {
                *held = access.value.clone();
            }
        }
        transaction(&micros).value
    }
}

fn refused() -> Completion {
    Completion::Fail { error: "held".to_owned(), seen: None, hints: Hints::NONE }
}

fn told(op: &Op) -> String {
    let key = op.key.as_ref().map_or_else(String::new, |key| format!(" {key}"));
    format!("{}{key} {}", op.function, op.value)
}

/// `1 write x 7`, client, function, key and value; `-` where there is none.
fn read_line(line: &str) -> (u32, Op) {
    let mut words = line.splitn(4, ' ');
    let mut word = || words.next().expect("four words");
    let client = word().parse().expect("a client");
    let (function, key, value) = (Function::from(word()), word(), word());
    let value = if value == "-" { Value::Null } else { serde_json::from_str(value).expect("JSON") };
    (client, Op { function, key: (key != "-").then(|| Key::from(key)), value })
}

/// What a liar that lies whenever it can makes of these operations.
fn transcript(kind: LieKind, script: &str) -> String {
    let lie = Lie { kind, rate: 1.0, versions: 1 };
    let mut liar = Liar::new(Telling::Lie(lie), 1);
    let mut truth = Truth::default();
    let mut text = String::new();
    for (client, op) in script.lines().map(str::trim).filter(|line| !line.is_empty()).map(read_line) {
        let _ = writeln!(text, "{client} asks {}", told(&op));
        let mut step = liar.ask(client, &op);
        loop {
            match step {
                Step::Send(sent) => {
                    let completion = truth.carry_out(&sent);
                    let _ = writeln!(text, "    sends {}", told(&sent));
                    step = liar.answer(client, completion);
                }
                Step::Answer(Completion::Ok(reply)) => {
                    let _ = writeln!(text, "    ok {}", reply.value);
                    break;
                }
                Step::Answer(Completion::Fail { error, .. }) => {
                    let _ = writeln!(text, "    fail: {error}");
                    break;
                }
                Step::Answer(Completion::Info(why)) => panic!("{why}"),
            }
        }
    }
    let _ = writeln!(text, "told {} times", liar.observed().told);
    text
}

#[test]
fn reads_are_stale_or_of_another_key() {
    let script = "1 write x 7\n1 write y 8\n1 write x 9\n2 read x -\n2 read y -";
    insta::assert_snapshot!("stale-read", transcript(LieKind::StaleRead, script));
    insta::assert_snapshot!("swapped-value", transcript(LieKind::SwappedValue, script));
}

#[test]
fn updates_are_lost_denied_put_off_and_doubled() {
    let script = "1 write x 7\n2 read x -\n1 read x -\n1 increment n 3\n2 read n -\n1 read n -";
    for kind in [LieKind::LostWrite, LieKind::GhostWrite, LieKind::EarlyAck, LieKind::DoubleApply] {
        insta::assert_snapshot!(kind.name(), transcript(kind, script));
    }
}

#[test]
fn elements_are_dropped_counters_miscount_and_identifiers_repeat() {
    let set = "1 add s 1\n1 add s 2\n2 read-all s -\n1 add s 3\n2 read-all s -";
    insta::assert_snapshot!("dropped-element", transcript(LieKind::DroppedElement, set));
    let counter = "1 increment n 3\n2 read n -\n1 write x 7\n2 read x -";
    insta::assert_snapshot!("off-by-one", transcript(LieKind::OffByOne, counter));
    let identifiers = "1 generate - -\n2 generate - -\n1 generate - -";
    insta::assert_snapshot!("repeated-id", transcript(LieKind::RepeatedId, identifiers));
}

#[test]
fn a_lock_is_granted_to_two_and_stays_with_the_first() {
    let script = "1 acquire l -\n2 acquire l -\n2 release l -\n1 release l -\n2 acquire l -";
    insta::assert_snapshot!("lock-twice", transcript(LieKind::LockTwice, script));
}

#[test]
fn transactions_are_torn_lost_and_read_before_they_commit() {
    let script = r#"
        1 txn - [["w","x",1],["r","z",null],["w","y",2]]
        2 txn - [["r","x",null],["r","y",null]]
        1 txn - [["r","x",null],["r","y",null]]
        1 txn - [["append","l",1],["r","l",null]]
        2 txn - [["r","l",null],["append","l",2]]
        1 txn - [["r","l",null]]
        1 txn - [["w","x",3]]
        2 txn - [["r","x",null]]"#;
    for kind in [
        LieKind::TornTransaction,
        LieKind::UncommittedRead,
        LieKind::LostWrite,
        LieKind::GhostWrite,
        LieKind::EarlyAck,
        LieKind::DoubleApply,
        LieKind::StaleRead,
        LieKind::DroppedElement,
    ] {
        insta::assert_snapshot!(format!("txn-{}", kind.name()), transcript(kind, script));
    }
}

#[test]
fn a_client_that_is_replaced_sends_nothing_of_the_old_one() {
    let lie = Lie { kind: LieKind::EarlyAck, rate: 1.0, versions: 1 };
    let mut liar = Liar::new(Telling::Lie(lie), 1);
    assert!(matches!(liar.ask(1, &Op::write("x", 7)), Step::Answer(Completion::Ok(_))));
    liar.replace(1);
    assert_eq!(liar.ask(1, &Op::read("x")), Step::Send(Op::read("x")));
}

#[test]
fn whoever_tells_the_truth_passes_everything_on_and_counts() {
    let mut liar = Liar::new(Telling::Truth, 1);
    let mut truth = Truth::default();
    let script = "1 write x 7\n1 write x 8\n2 write x 7\n2 read x -\n3 read y -\n1 dump - -";
    for (client, op) in script.lines().map(read_line) {
        assert_eq!(liar.ask(client, &op), Step::Send(op.clone()));
        if op.function != Function::Dump {
            let completion = truth.carry_out(&op);
            assert_eq!(liar.answer(client, completion.clone()), Step::Answer(completion));
        }
    }
    let observed = liar.observed();
    assert_eq!((observed.keys, observed.clients_on_a_key, observed.read_back), (2, 2, 1));
    assert_eq!((observed.updates, observed.repeated, observed.told), (3, 1, 0));
    assert!(observed.has_any(&[Function::Write]) && !observed.has_any(&[Function::Cas]));
}

#[test]
fn a_rate_is_kept_and_the_same_seed_lies_the_same() {
    let count = |seed| {
        let lie = Lie { kind: LieKind::LostWrite, rate: 0.1, versions: 1 };
        let mut liar = Liar::new(Telling::Lie(lie), seed);
        let mut lost = Vec::new();
        for value in 0..10_000_i64 {
            match liar.ask(1, &Op::write("x", value)) {
                Step::Answer(_) => lost.push(value),
                Step::Send(_) => {
                    let answer = Reply { value: value.into(), hints: Hints::NONE };
                    liar.answer(1, Completion::Ok(answer));
                }
            }
        }
        lost
    };
    let lost = count(7);
    assert!((800..1200).contains(&lost.len()), "{}", lost.len());
    assert_eq!(lost, count(7));
    assert_ne!(lost, count(8));
}

#[test]
fn names_are_unique_and_found_again() {
    let names: BTreeSet<&str> = LieKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), LieKind::ALL.len());
    for kind in LieKind::ALL {
        assert_eq!(LieKind::named(kind.name()), Some(*kind));
        assert!(!kind.models().is_empty() && !kind.functions().is_empty());
    }
    assert_eq!(LieKind::named("stale"), None);
}
