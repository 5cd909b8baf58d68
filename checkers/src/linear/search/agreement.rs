//! The methods that have rules of their own against the search, on histories that are too large to try all orders of.
//!
//! Both verdicts must be well represented for each.

use finding::Meter;
use histories::synth::{self, Object, Shape};
use histories::{Event, Function, History, Kind};

use super::compile::compile;
use super::fuzz::{Dice, Tally, cases};
use super::{Answer, QueueOrder, Want};
use crate::core::object::parts;
use crate::testing::confirm;
use crate::{Budget, Checker, Linear, Verdict};

/// Whether the search explains every key.
fn by_search(history: &History) -> bool {
    let budget = Budget::unlimited();
    parts(history).iter().all(|part| {
        let compiled = compile(history, part).unwrap();
        let answer = compiled.decide(None, QueueOrder::Fifo, &mut Meter::new(&budget), Want::Verdict);
        matches!(answer, Answer::Explained { .. })
    })
}

/// A synthetic history, valid but for two answers of one key that were exchanged now and then.
fn recorded(object: Object, seed: u64) -> History {
    let mut dice = Dice::new(seed);
    let operations = 20 + dice.below(30);
    let shape = Shape {
        object,
        operations,
        keys: 2,
        clients: 4,
        crashes: 0.03,
        failures: 0.03,
        seed,
        ..Shape::default()
    };
    let mut events: Vec<Event> = synth::events(&shape).collect();
    if dice.one_in(2) {
        let answers: Vec<usize> = (0..events.len()).filter(|&i| is_answer(&events[i])).collect();
        let one = answers[dice.below(answers.len() as u64) as usize];
        let same_key = answers.iter().copied().filter(|&i| i > one && events[i].op.key == events[one].op.key);
        if let Some(other) = same_key.take(1 + dice.below(4) as usize).last() {
            let value = std::mem::take(&mut events[one].op.value);
            events[one].op.value = std::mem::replace(&mut events[other].op.value, value);
        }
    }
    History::try_from(events).unwrap()
}

fn is_answer(event: &Event) -> bool {
    let tells = [Function::Read, Function::ReadAll, Function::Dequeue];
    event.kind == Kind::Ok && tells.contains(&event.op.function)
}

#[test]
fn rules_and_the_search_agree_on_larger_histories() {
    let objects = [
        (Object::Register, ["zones", "chains", "zones+chains"]),
        (Object::Set, ["sets", "sets+search", "sets"]),
        (Object::List, ["fragments", "zones+fragments", "fragments"]),
        (Object::Queue, ["queues", "queues+search", "queues"]),
    ];
    for (object, methods) in objects {
        let (mut tally, mut ruled) = (Tally::default(), 0);
        let count = cases() / 10;
        for seed in 0..count {
            let history = recorded(object, seed);
            let finding = Linear::default().check(&history, &Budget::unlimited()).remove(0);
            ruled += u64::from(methods.contains(&finding.method));
            let explained = by_search(&history);
            match finding.verdict {
                Verdict::Valid => assert!(explained, "{object} {seed}: {} says valid", finding.method),
                Verdict::Invalid(anomalies) => {
                    assert!(!explained, "{object} {seed}: {} says {anomalies:#?}", finding.method);
                    for anomaly in &anomalies {
                        assert_eq!(confirm(&history, anomaly), Ok(()), "{object} {seed}: {anomaly:#?}");
                    }
                }
                other => panic!("{object} {seed}: {other:?}"),
            }
            tally.count(explained);
        }
        assert!(ruled > count / 2, "{object}: {ruled} by rules");
        tally.assert_balanced(&format!("{object} by rules and by search"));
    }
}
