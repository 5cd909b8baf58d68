//! Histories of queues with drains against all orders, by a definition that knows nothing of the search's calls.
//!
//! A drain that was answered takes all that is there at one moment. One of unknown outcome may take the first element
//! at any moment after it was called, as often as it likes.

use std::collections::HashSet;

use histories::{Function, History, Operation, Outcome, Value};

use super::Tally;
use crate::testing::confirm;
use crate::testing::{self, Clients};
use crate::{Budget, Checker, Linear, Verdict};

/// Whether some order explains every answer.
fn explained(history: &History) -> bool {
    let operations: Vec<&Operation> =
        history.operations().iter().filter(|op| op.outcome != Outcome::Fail).collect();
    let is_open_drain = |op: &Operation| op.function == Function::Drain && op.outcome == Outcome::Info;
    let mut tried: HashSet<(u32, Vec<Value>)> = HashSet::new();
    let mut open = vec![(0_u32, Vec::new())];
    while let Some((placed, queue)) = open.pop() {
        let waits = |i: usize| placed >> i & 1 == 0;
        if (0..operations.len()).all(|i| !waits(i) || operations[i].outcome == Outcome::Info) {
            return true;
        }
        let is_next = |i: usize| {
            (0..operations.len())
                .filter(|&other| waits(other))
                .all(|other| !operations[other].precedes(operations[i]))
        };
        for (i, op) in operations.iter().enumerate().filter(|&(i, _)| waits(i) && is_next(i)) {
            let Some(after) = after(&queue, op) else { continue };
            let mark = if is_open_drain(op) { placed } else { placed | 1 << i };
            if tried.insert((mark, after.clone())) {
                open.push((mark, after));
            }
        }
    }
    false
}

fn after(queue: &[Value], op: &Operation) -> Option<Vec<Value>> {
    let rest = || queue.iter().skip(1).cloned().collect();
    match (&op.function, op.is_ok()) {
        (Function::Enqueue, _) => Some(queue.iter().chain([op.call()]).cloned().collect()),
        (Function::Drain, true) => {
            let mut taken = op.reply().as_list().unwrap().to_vec();
            let mut all = queue.to_vec();
            taken.sort();
            all.sort();
            (taken == all).then(Vec::new)
        }
        (Function::Dequeue, true) => (*op.reply() == queue.first().cloned().unwrap_or_default()).then(rest),
        _ => Some(rest()),
    }
}

fn queue(seed: u64) -> History {
    let mut clients = Clients::new(seed);
    let mut state: Vec<u64> = Vec::new();
    let (spoil, widest) = (2 + clients.dice.below(8), 2 + clients.dice.below(20));
    for next in 0..3 + clients.dice.below(6) {
        match clients.dice.below(7) {
            0..3 => {
                let element = if widest > 12 { next } else { clients.dice.below(widest) };
                let outcome = clients.act(&format!("enqueue q {element}"));
                if outcome == "ok" || outcome == "info" && clients.dice.one_in(2) {
                    state.push(element);
                }
            }
            3..5 => {
                let place = usize::from(clients.dice.one_in(spoil));
                let out = state.get(place).copied().filter(|_| !clients.dice.one_in(spoil));
                let text = out.map_or_else(|| "nil".to_owned(), |out| out.to_string());
                let outcome = clients.act(&format!("dequeue q {text}"));
                if out.is_some() && (outcome == "ok" || outcome == "info" && clients.dice.one_in(2)) {
                    state.remove(place);
                }
            }
            _ => {
                let mut all = state.clone();
                if clients.dice.one_in(spoil) {
                    all.pop();
                }
                let all: Vec<String> = all.iter().rev().map(u64::to_string).collect();
                match clients.act(&format!("drain q [{}]", all.join(";"))) {
                    "ok" => state.clear(),
                    "info" => drop(state.drain(..clients.dice.below(state.len() as u64 + 1) as usize)),
                    _ => {}
                }
            }
        }
    }
    clients.history()
}

#[test]
fn drains_of_queues_are_judged_as_all_orders_judge_them() {
    let mut tally = Tally::default();
    for seed in 0..testing::cases(2_000) {
        let history = queue(seed);
        let expected = explained(&history);
        let verdict = Linear::default().check(&history, &Budget::unlimited()).remove(0).verdict;
        let told = || format!("seed {seed}: {verdict:#?}\n{}", testing::lines(&history));
        match &verdict {
            Verdict::Valid => assert!(expected, "{}", told()),
            Verdict::Invalid(anomalies) => {
                assert!(!expected, "{}", told());
                for anomaly in anomalies {
                    assert_eq!(confirm(&history, anomaly), Ok(()), "{}", told());
                }
            }
            _ => continue,
        }
        if expected {
            for key in Linear::default().linearizations(&history, &Budget::unlimited()) {
                assert!(key.order.is_ok(), "{key:?} {}", told());
            }
        }
        tally.count(expected);
    }
    tally.assert_balanced("queues with drains");
}
