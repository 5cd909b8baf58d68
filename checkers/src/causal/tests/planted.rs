//! One anomaly in a large valid history: it is found, and nothing else.

use histories::{AnomalyKind, Event, History, Kind, ModelName, Op, Process, Value};

use crate::testing::{Dice, confirm};
use crate::{Budget, Causal, Checker, Verdict, testing};

const OPERATIONS: usize = 100_000;
const SESSIONS: u32 = 10;
const KEYS: u64 = 500;

/// Operations of ten sessions on one copy of the data, each at a moment of its own.
fn operations() -> Vec<(u32, Op)> {
    let mut dice = Dice(3);
    let mut state = vec![Value::Null; KEYS as usize];
    let operation = |number: usize| {
        let process = dice.below(u64::from(SESSIONS)) as u32;
        let key = dice.below(KEYS) as usize;
        if dice.one_in(2) {
            state[key] = Value::Int(number as i64 + 1);
            return (process, Op::write(format!("k{key}"), state[key].clone()));
        }
        (process, Op { value: state[key].clone(), ..Op::read(format!("k{key}")) })
    };
    (0..OPERATIONS).map(operation).collect()
}

fn history(operations: Vec<(u32, Kind, Op)>) -> History {
    let mut events: Vec<Event> = Vec::new();
    for (time, (process, kind, op)) in (0..).zip(operations) {
        let asks = op.function == histories::Function::Read;
        let call = if asks { Op { value: Value::Null, ..op.clone() } } else { op.clone() };
        events.push(testing::event(2 * time, Process::Client(process), Kind::Invoke, call));
        events.push(testing::event(2 * time + 1, Process::Client(process), kind, op));
    }
    testing::build(Vec::new(), events)
}

/// Puts operations in at nine tenths, and checks that the one anomaly of each causal model is `kind`.
fn plant(planted: Vec<(u32, Kind, Op)>, kind: AnomalyKind, steps_max: usize) {
    let mut operations: Vec<(u32, Kind, Op)> =
        operations().into_iter().map(|(process, op)| (process, Kind::Ok, op)).collect();
    let at = OPERATIONS / 10 * 9;
    operations.splice(at..at, planted.iter().cloned());
    let history = history(operations);
    for finding in Causal.check(&history, &Budget::unlimited()) {
        match &finding.verdict {
            Verdict::NotApplicable(_) => {}
            Verdict::Valid => assert_eq!((finding.model, kind), (ModelName::Pram, AnomalyKind::CausalRead)),
            Verdict::Invalid(anomalies) => {
                let [anomaly] = anomalies.as_slice() else { panic!("{} anomalies", anomalies.len()) };
                assert_eq!(anomaly.kind, kind, "{}: {anomaly:#?}", finding.model);
                assert!(
                    anomaly
                        .witness
                        .operations
                        .iter()
                        .any(|id| id.index() >= at && id.index() < at + planted.len())
                );
                assert!(anomaly.steps.len() <= steps_max, "{}: {anomaly:#?}", finding.model);
                assert_eq!(confirm(&history, anomaly), Ok(()));
            }
            Verdict::Unknown(why) | Verdict::Refuted(why) => panic!("{why}"),
        }
    }
}

fn read(key: &str, value: Value) -> Op {
    Op { value, ..Op::read(key) }
}

#[test]
fn a_valid_history_holds_to_every_model() {
    let operations = operations().into_iter().map(|(process, op)| (process, Kind::Ok, op)).collect();
    let history = history(operations);
    for finding in Causal.check(&history, &Budget::unlimited()) {
        assert!(matches!(finding.verdict, Verdict::Valid | Verdict::NotApplicable(_)), "{}", finding.model);
    }
}

#[test]
fn each_planted_anomaly_is_found_alone() {
    let new = || Value::Int(-1);
    plant(vec![(1, Kind::Ok, read("k1", new()))], AnomalyKind::PhantomRead, 1);
    let aborted = vec![(0, Kind::Fail, Op::write("k1", new())), (1, Kind::Ok, read("k1", new()))];
    plant(aborted, AnomalyKind::AbortedRead, 2);
    let own = vec![(1, Kind::Ok, Op::write("new", new())), (1, Kind::Ok, read("new", Value::Null))];
    plant(own, AnomalyKind::MissedOwnWrite, 2);
    let back = vec![
        (0, Kind::Ok, Op::write("new", new())),
        (0, Kind::Ok, Op::write("new", Value::Int(-2))),
        (1, Kind::Ok, read("new", Value::Int(-2))),
        (1, Kind::Ok, read("new", new())),
    ];
    plant(back, AnomalyKind::NonMonotonicRead, 4);
    let relayed = vec![
        (0, Kind::Ok, Op::write("new", new())),
        (0, Kind::Ok, Op::write("new", Value::Int(-2))),
        (1, Kind::Ok, read("new", Value::Int(-2))),
        (1, Kind::Ok, Op::write("note", Value::Int(-3))),
        (2, Kind::Ok, read("note", Value::Int(-3))),
        (2, Kind::Ok, read("new", new())),
    ];
    plant(relayed, AnomalyKind::CausalRead, 6);
}
