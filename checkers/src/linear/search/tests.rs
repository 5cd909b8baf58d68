//! The search from histories to words.

use std::time::Duration;

use histories::{AnomalyKind, History, Value};

use super::fuzz::{Dice, Tally, cases};
use super::{Answer, QueueOrder, Stop, Want, decide};
use crate::models::{Entry, PowerSet, QueueCall, UnorderedQueue};
use crate::testing::brute::{self, Access, Effect};
use crate::testing::confirm;
use crate::{Anomaly, Budget, Checker, Finding, Linear, Verdict, testing};

fn check(history: &History) -> Finding {
    Linear::default().check(history, &Budget::unlimited()).remove(0)
}

fn verdict(text: &str) -> (&'static str, &'static str) {
    let history = testing::history(text);
    let finding = check(&history);
    if finding.verdict == Verdict::Valid {
        let found = Linear::default().linearizations(&history, &Budget::unlimited());
        assert!(found.iter().all(|found| found.order.is_ok()), "{found:?}: {text}");
    }
    for anomaly in finding.verdict.anomalies() {
        confirm(&history, anomaly).unwrap_or_else(|why| panic!("{why}: {text}\n{anomaly:#?}"));
    }
    (finding.verdict.name(), finding.method)
}

fn anomaly(text: &str) -> (History, Anomaly) {
    let history = testing::history(text);
    let Verdict::Invalid(anomalies) = check(&history).verdict else { panic!("no anomaly in {text}") };
    let anomaly = anomalies[0].clone();
    confirm(&history, &anomaly).unwrap();
    (history, anomaly)
}

fn told(anomaly: &Anomaly) -> String {
    let steps: Vec<String> =
        anomaly.steps.iter().map(|step| format!("  {}: {}", step.operation.0, step.note)).collect();
    format!("{}\n{}\n  = {}", anomaly.summary, steps.join("\n"), anomaly.facts.join("\n  = "))
}

#[test]
fn a_violation_is_told_by_few_operations() {
    let (_, anomaly) = anomaly(
        "c1 write x 1 [0,1]
         c1 write x 2 [2,3]
         c1 write x 1 [4,5]
         c2 read x 1 [6,7]
         c3 write x 3 [6,9]
         c2 read x 2 [10,11]
         c2 read x 3 [12,13]",
    );
    assert_eq!(anomaly.kind, AnomalyKind::StaleRead);
    insta::assert_snapshot!(told(&anomaly));
}

#[test]
fn every_object_is_judged() {
    assert_eq!(verdict("c1 acquire m nil [0,1]\nc2 acquire m nil [2,3]"), ("invalid", "search"));
    assert_eq!(verdict("c1 acquire m nil [0,1]\nc1 release m nil [2,3]\nc2 acquire m nil [2,9]").0, "valid");
    assert_eq!(verdict("c1 increment n 2 [0,1]\nc2 read n 1 [2,3]").0, "invalid");
    assert_eq!(verdict("c1 increment n 2 [0,1]\nc3 increment n 1 [0,] info\nc2 read n 3 [2,3]").0, "valid");
    assert_eq!(verdict("c1 push s 1 [0,1]\nc1 push s 2 [2,3]\nc2 pop s 1 [4,5]").0, "invalid");
    assert_eq!(verdict("c1 push s 1 [0,3]\nc3 push s 2 [2,3]\nc2 pop s 1 [4,5]").0, "valid");
    assert_eq!(verdict("c1 enqueue q 1 [0,1]\nc1 enqueue q 2 [2,3]\nc2 dequeue q 2 [4,5]").0, "invalid");
    assert_eq!(verdict("c1 add s 1 [0,1]\nc2 read-all s [] [2,3]").0, "invalid");
    assert_eq!(verdict("c1 append l 1 [0,1]\nc3 append l 2 [0,1]\nc2 read l [2;1] [2,3]").0, "valid");
    assert_eq!(verdict("c1 append l 1 [0,1]\nc1 append l 2 [2,3]\nc2 read l [2;1] [4,5]").0, "invalid");
}

#[test]
fn a_counter_does_not_wrap_where_64_bits_end() {
    let most = i64::MAX;
    let three = format!("c1 increment n {most} [0,1]\nc1 increment n {most} [2,3]\nc1 increment n 2 [4,5]\n");
    assert_eq!(verdict(&format!("{three}c2 read n 0 [6,7]")).0, "invalid");
    assert_eq!(verdict(&format!("c1 increment n {most} [0,1]\nc2 read n {most} [2,3]")).0, "valid");
    let back = format!("c1 decrement n {most} [6,7]\nc1 decrement n 2 [8,9]\nc2 read n {most} [10,11]");
    assert_eq!(verdict(&format!("{three}{back}")).0, "valid");
    assert_eq!(verdict(&format!("c1 decrement n {} [0,1]\nc2 read n 0 [2,3]", i64::MIN)).0, "unknown");
}

#[test]
fn an_unordered_queue_is_one_by_choice() {
    let history = testing::history("c1 enqueue q 1 [0,1]\nc1 enqueue q 2 [2,3]\nc2 dequeue q 2 [4,5]");
    let unordered = Linear { queues: QueueOrder::Any };
    assert_eq!(unordered.check(&history, &Budget::unlimited())[0].verdict, Verdict::Valid);
}

/// Increments by powers of two that all overlap and are never read: every subset is a state of its own.
fn explosive() -> History {
    let mut text: Vec<String> =
        (0..40).map(|i| format!("c{i} increment n {} [0,{}]", 1_i64 << i, 100 + i)).collect();
    text.push("c50 read n 7 [1,50]".to_owned());
    text.push("c51 read n -1 [60,99]".to_owned());
    testing::history(&text.join("\n"))
}

#[test]
fn a_budget_holds_and_says_how_far_it_got() {
    let history = explosive();
    let started = std::time::Instant::now();
    let small = Budget::new(Duration::from_mins(1), 1 << 20);
    let finding = Linear::default().check(&history, &small).remove(0);
    let why = finding.verdict.why().unwrap().to_owned();
    assert!(why.contains("budget ran out; linearizable through event"), "{why}");
    let short = Budget::new(Duration::from_millis(50), 1 << 30);
    assert_eq!(Linear::default().check(&history, &short)[0].verdict.name(), "unknown");
    assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
}

#[test]
fn a_budget_holds_within_one_step_of_a_model() {
    let entry = |i: u64, call, returned: Option<u64>| Entry { invoked: i, returned, call, reply: None };
    let enqueues = (0..40).map(|i| entry(i, QueueCall::Enqueue(Value::Int(i as i64)), Some(i)));
    let lost = (50..70).map(|i| entry(i, QueueCall::Dequeue, None));
    let probe = Entry { reply: Some(Value::Int(-1)), ..entry(80, QueueCall::Dequeue, Some(81)) };
    let entries: Vec<_> = enqueues.chain(lost).chain([probe]).collect();
    let budget = Budget::new(Duration::from_mins(1), 8 << 20);
    let answer = decide(&PowerSet(UnorderedQueue), &entries, &budget, Want::Verdict);
    assert_eq!(answer, Answer::Undecided { operation: 60, stop: Stop::Memory });
}

/// More crashed writes than a configuration has room for, of three values, and a read for each.
#[test]
fn crashed_operations_that_are_alike_are_counted() {
    let lines = |count: u32, more: &str| {
        let crashed = (0..count).map(|i| format!("c{i} write x {} [{},] info\n", i % 3, 10 * i));
        let reads = (0..count).map(|i| format!("c9999 read x {} [{},{}]\n", i % 3, 10 * i + 1, 10 * i + 2));
        crashed.chain(reads).collect::<String>() + more
    };
    assert_eq!(verdict(&lines(4_500, "")), ("valid", "search"));
    let once_more = "c9999 read x 1 [70000,70001]";
    assert_eq!(verdict(&lines(60, once_more)), ("invalid", "search"), "each can have been read once only");
}

/// Registers whose values repeat, so that zones and chains do not apply.
fn random_register(dice: &mut Dice) -> String {
    let mut lines = Vec::new();
    let (mut state, mut older) = ("nil".to_owned(), "nil".to_owned());
    for i in 0..3 + dice.below(7) {
        let start = (10 + 2 * i).saturating_sub(dice.below(5));
        let times = format!("[{start},{}]", 10 + 2 * i + dice.below(5));
        let value = dice.below(3).to_string();
        if dice.one_in(4) {
            older.clone_from(&state);
        }
        let seen = if dice.one_in(3) { &older } else { &state };
        lines.push(match dice.below(10) {
            0..5 => format!("c{i} read x {seen} {times}"),
            5..7 => {
                state.clone_from(&value);
                format!("c{i} write x {value} {times}")
            }
            7 => {
                if dice.one_in(2) {
                    state.clone_from(&value);
                }
                format!("c{i} write x {value} [{start},] info")
            }
            8 if seen != "nil" => {
                let line = format!("c{i} cas x {seen} {value} {times}");
                state = value;
                line
            }
            8 => format!("c{i} write x {value} {times} fail"),
            _ => format!("c{i} cas x 7 {value} {times} fail {seen}"),
        });
    }
    lines.join("\n")
}

fn accesses(history: &History) -> Vec<Access> {
    use histories::{Function, Outcome};
    let told = history.operations().iter().filter_map(|op| {
        let effect = match (&op.function, op.outcome) {
            (Function::Read, Outcome::Ok) => Effect::Read(op.reply().clone()),
            (Function::Cas, Outcome::Fail) if op.seen().is_some() => Effect::Read(op.reply().clone()),
            (_, Outcome::Fail) | (Function::Read, _) => return None,
            (Function::Write, _) => Effect::Write(op.call().clone()),
            (_, _) => {
                let (from, to) = op.call().as_pair()?;
                Effect::Cas(from.clone(), to.clone())
            }
        };
        let ret = (op.outcome != Outcome::Info).then_some(op.completed.0);
        Some(Access { call: op.invoked.0, ret, effect })
    });
    told.collect()
}

#[test]
fn histories_of_registers_agree_with_every_order() {
    let mut tally = Tally::default();
    for seed in 0..2 * cases() {
        let text = random_register(&mut Dice::new(seed));
        let history = testing::history(&text);
        let expected = brute::linearizable(&accesses(&history));
        tally.count(expected);
        match check(&history).verdict {
            Verdict::Valid => {
                assert!(expected, "a false pass: {text}");
                let found = Linear::default().linearizations(&history, &Budget::unlimited());
                assert!(found.iter().all(|found| found.order.is_ok()), "{found:?}: {text}");
            }
            Verdict::Invalid(anomalies) => {
                assert!(!expected, "a false alarm: {text}");
                confirm(&history, &anomalies[0])
                    .unwrap_or_else(|why| panic!("{why}: {text}\n{anomalies:#?}"));
            }
            other => {
                assert!(!history.operations().iter().any(histories::Operation::is_ok), "{other:?}: {text}");
            }
        }
    }
    tally.assert_balanced("registers, from histories to witnesses");
}

#[test]
fn a_linearization_leaves_out_what_took_no_effect() {
    let history = testing::history("c1 write x 1 [0,1]\nc2 write x 2 [0,] info\nc3 read x 1 [2,3]");
    let found = Linear::default().linearizations(&history, &Budget::unlimited()).remove(0);
    let order = found.order.unwrap();
    assert_eq!(order.iter().map(|id| id.0).collect::<Vec<_>>(), [0, 2]);
}
