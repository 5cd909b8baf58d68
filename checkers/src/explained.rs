//! The longest orders that `confirm` finds, against all orders of a few operations.

use std::collections::BTreeSet;

use histories::{Function, History, Nanos, Operation, Outcome, Value};

use crate::prefix::{Asked, Explained, Order, explained};
use crate::testing::{self, Dice, cases, random};

fn of(history: &History) -> Option<Explained> {
    let key = history.operations().first()?.key;
    explained(history, &[Asked { key, until: Nanos::MAX }]).pop()?
}

/// What an operation makes of a register; `None` where the register would not have answered so.
fn applied(op: &Operation, state: &Value) -> Option<Value> {
    match op.function {
        Function::Write => Some(op.call().clone()),
        Function::Cas if op.outcome != Outcome::Fail => {
            let (from, to) = op.call().as_pair()?;
            (from == state).then(|| to.clone())
        }
        _ => (op.reply() == state).then(|| state.clone()),
    }
}

/// Whether it says or did anything.
fn counts(op: &Operation) -> bool {
    let shows = op.function == Function::Read;
    match op.outcome {
        Outcome::Ok => true,
        Outcome::Info => !shows,
        Outcome::Fail => op.seen().is_some(),
    }
}

/// The most operations that certainly happened in an order that goes on from here.
fn most(operations: &[&Operation], placed: u32, state: &Value) -> usize {
    let waits = |place: usize| placed & (1 << place) == 0;
    let next = (0..operations.len()).filter(|&place| waits(place)).filter_map(|place| {
        let op = operations[place];
        let is_late = (0..operations.len()).any(|other| waits(other) && operations[other].precedes(op));
        let state = applied(op, state).filter(|_| !is_late)?;
        Some(usize::from(op.outcome != Outcome::Info) + most(operations, placed | 1 << place, &state))
    });
    next.max().unwrap_or(0)
}

/// Every operation of an order fits where it stands, nothing is left out that time puts before it, and what is stuck
/// does not fit at its end.
fn assert_is_legal(history: &History, operations: &[&Operation], order: &Order) {
    let mut state = Value::Null;
    let mut placed = BTreeSet::new();
    for step in &order.steps {
        let op = history.operation(step.operation);
        state = applied(op, &state).expect("it fits where it stands");
        assert_eq!(state, step.state);
        placed.insert(op.call_event);
        let before = operations.iter().filter(|other| other.precedes(op));
        assert!(before.into_iter().all(|other| placed.contains(&other.call_event)), "{order:?}");
    }
    assert!(!order.stuck.is_empty());
    for id in &order.stuck {
        assert!(applied(history.operation(*id), &state).is_none());
    }
}

#[test]
fn nothing_longer_explains_more() {
    let mut dice = Dice(20);
    let mut violations = 0;
    for _ in 0..cases(4_000) {
        let history = random(&mut dice, 8, true);
        let operations: Vec<&Operation> = history.operations().iter().filter(|op| counts(op)).collect();
        let certain = |op: &&&Operation| op.outcome != Outcome::Info;
        let wanted = operations.iter().filter(certain).count();
        let most = most(&operations, 0, &Value::Null);
        let Some(found) = of(&history) else {
            assert_eq!(most, wanted, "{}", testing::lines(&history));
            continue;
        };
        violations += 1;
        assert!(found.is_longest && most < wanted, "{}", testing::lines(&history));
        for order in &found.orders {
            assert_is_legal(&history, &operations, order);
        }
        let placed = found.orders[0].steps.iter().map(|step| history.operation(step.operation));
        assert_eq!(
            placed.filter(|op| op.outcome != Outcome::Info).count(),
            most,
            "{found:#?} {}",
            testing::lines(&history)
        );
    }
    assert!(violations > 50);
}

#[test]
fn every_kind_of_object_says_what_it_holds() {
    let state = |text: &str| {
        let found = of(&testing::history(text)).expect("a violation");
        found.orders[0].steps.last().map_or(Value::Null, |step| step.state.clone()).to_string()
    };
    assert_eq!(state("c1 write x 1 [0,1]\nc2 write x 2 [2,3]\nc1 read x 1 [4,5]"), "2");
    assert_eq!(state("c1 increment x 2 [0,1]\nc2 increment x 3 [2,3]\nc1 read x 2 [4,5]"), "5");
    assert_eq!(state("c1 enqueue q 1 [0,1]\nc1 enqueue q 2 [2,3]\nc2 dequeue q 2 [4,5]"), "[1 2]");
    assert_eq!(state("c1 acquire m nil [0,1]\nc2 acquire m nil [2,3]"), "true");
    assert_eq!(state("c1 add s 1 [0,1]\nc1 remove s 1 [2,3]\nc2 read s [1] [4,5]"), "[]");
}

#[test]
fn an_order_ends_before_the_violation_and_another_holds_what_it_leaves_out() {
    // Both reads were asked while one write was open: the longest order has one of them.
    let history = testing::history(
        "c1 write x 1 [0,1]\nc2 write x 2 [2,9]\nc3 read x 2 [3,4]\nc4 read x 1 [5,6]\nc1 read x 1 [10,11]",
    );
    let found = of(&history).unwrap();
    let ids = |order: &Order| order.steps.iter().map(|step| step.operation.0).collect::<Vec<_>>();
    assert_eq!(ids(&found.orders[0]), [0, 1, 2]);
    assert_eq!(found.orders[0].stuck.iter().map(|id| id.0).collect::<Vec<_>>(), [3]);
    assert!(explained(&history, &[Asked { key: history.operations()[0].key, until: Nanos(4) }])[0].is_none());
}
