//! On random histories of every object: a part that is justified keeps what the whole keeps, and what is shrunk violates
//! what the whole violates, with nothing left that could be left out. `CASES` sets how many.

use checkers::{Budget, Verdict};
use histories::synth::{self, Object, Plant, Planted, Shape};
use histories::{Event, Function, Header, Kind, Process};

use super::*;
use crate::explore::shrink::history::{Smaller, Start};

/// A small generator of numbers.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n.max(1)
    }
}

fn cases() -> u64 {
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok());
    cases.unwrap_or(2_000)
}

fn header() -> Header {
    Header { partita: 1, nodes: vec!["n1".into(), "n2".into()], ..Header::default() }
}

/// A history that is linearizable by how it was made, but for what is planted. Values repeat where the object lets them.
fn events(object: Object, seed: u64, plants: Vec<Plant>) -> Vec<Event> {
    let mut dice = Dice::new(seed);
    let shape = Shape {
        object,
        operations: 6 + dice.below(14) as u64,
        keys: 1 + dice.below(2) as u32,
        clients: 2 + dice.below(3) as u32,
        nodes: 2,
        reads: 0.5,
        crashes: [0.0, 0.2][dice.below(2)],
        failures: [0.0, 0.15][dice.below(2)],
        seed,
        plants,
        ..Shape::default()
    };
    let mut events: Vec<Event> = synth::events(&shape).collect();
    // Few values instead of unique ones. What comes out of a container or is in a collection is unique by what it means.
    if object == Object::Register && dice.below(2) == 0 {
        for event in &mut events {
            coarsen(event, 1 + seed as i64 % 3);
        }
    }
    events
}

fn coarsen(event: &mut Event, values: i64) {
    let coarse = |value: &Value| value.as_int().map_or_else(|| value.clone(), |int| Value::Int(int % values));
    let whole = |value: &Value| match value.as_list() {
        Some(items) => Value::list(items.iter().map(coarse)),
        None => coarse(value),
    };
    for value in [Some(&mut event.op.value), event.seen.as_mut()].into_iter().flatten() {
        *value = whole(value);
    }
}

fn history(events: Vec<Event>) -> Option<History> {
    let mut pairing = histories::Pairing::new(header());
    for (index, event) in (0..).zip(events) {
        pairing.push(Event { index, ..event }, None).ok()?;
    }
    Some(pairing.finish())
}

fn told(history: &History) -> String {
    let line = |op: &Operation| {
        format!(
            "{} {} {:?} {} -> {} [{}, {}] {}",
            op.process,
            op.function,
            op.key.map(|key| history.key(key).to_string()),
            op.call(),
            op.reply(),
            op.invoked.0,
            op.completed.0,
            op.outcome.name()
        )
    };
    history.operations().iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Models of which a part that is justified keeps what the whole keeps. The others count, or look at the end.
const BY_PARTS: &[ModelName] = &[
    ModelName::Linearizable,
    ModelName::Sequential,
    ModelName::RealTimeCausal,
    ModelName::CausalConvergence,
    ModelName::CausalMemory,
    ModelName::Causal,
    ModelName::Pram,
    ModelName::ReadYourWrites,
    ModelName::MonotonicReads,
    ModelName::MonotonicWrites,
    ModelName::WritesFollowReads,
    ModelName::Mutex,
    ModelName::Queue,
    ModelName::Counter,
    ModelName::LongFork,
];

#[test]
fn a_justified_part_of_a_valid_history_is_valid() {
    let mut checked = 0;
    for seed in 0..cases() {
        let mut dice = Dice::new(seed ^ 0xFEED);
        let object = Object::ALL[seed as usize % Object::ALL.len()];
        let Some(whole) = history(events(object, seed, Vec::new())) else { continue };
        let budget = Budget::unlimited();
        let held: Vec<ModelName> = crate::judge::checking::check(&whole, None, &budget)
            .iter()
            .filter(|finding| {
                BY_PARTS.contains(&finding.model) && !matches!(finding.verdict, Verdict::Invalid(_))
            })
            .map(|finding| finding.model)
            .collect();
        checked += held.len();
        for model in held {
            let justification = Justification::of(&whole, model);
            let mut kept: Kept = whole.operations().iter().map(|_| dice.below(4) > 0).collect();
            if dice.below(2) == 0 {
                justification.close_down(&mut kept);
            } else {
                justification.close_up(&mut kept);
            }
            let part = part(&whole, &kept);
            // Reads alone do not tell what kind of object they are of.
            if part.operations().iter().all(|op| op.function.is_read()) {
                continue;
            }
            let finding = &crate::judge::checking::check(&part, Some(&[model]), &budget)[0];
            assert!(
                !matches!(finding.verdict, Verdict::Invalid(_)),
                "{object} {seed} {model}: {:#?}\nof\n{}\nthe part\n{}",
                finding.verdict,
                told(&whole),
                told(&part)
            );
        }
    }
    assert!(checked as u64 > 3 * cases(), "{checked} verdicts say too little");
}

fn part(whole: &History, kept: &Kept) -> History {
    let ids: Vec<(u32, u32)> = whole.iter().map(|(_, op)| (op.call_event, op.reply_event)).collect();
    let stays = |event: &Event| {
        let index = event.index as u32;
        (0..).zip(&ids).any(|(id, &(call, reply)): (usize, _)| kept[id] && (call == index || reply == index))
    };
    history(histories::write::events(whole).filter(stays).collect()).expect("a part of a history is one")
}

/// A history in which an answer is that of another operation, or an anomaly is planted.
fn spoilt(object: Object, seed: u64) -> Vec<Event> {
    let mut dice = Dice::new(seed ^ 0xBAD);
    let names: Vec<&str> = Planted::names(object);
    if !names.is_empty() && dice.below(3) == 0 {
        let plant = Plant { name: names[dice.below(names.len())].to_owned(), at: dice.below(8) as u64 };
        return events(object, seed, vec![plant]);
    }
    let mut events = events(object, seed, Vec::new());
    let answers: Vec<usize> = (0..events.len())
        .filter(|&place| events[place].kind == Kind::Ok && events[place].process != Process::Nemesis)
        .collect();
    for _ in 0..=dice.below(2) {
        let (one, other) = (answers[dice.below(answers.len())], answers[dice.below(answers.len())]);
        let same =
            |one: &Event, other: &Event| one.op.function == other.op.function && one.op.key == other.op.key;
        let asked =
            |event: &Event| matches!(event.op.function, Function::Write | Function::Cas | Function::Txn);
        if same(&events[one], &events[other]) && !asked(&events[one]) {
            events[one].op.value = events[other].op.value.clone();
        }
    }
    events
}

#[test]
fn what_is_shrunk_is_violated_for_a_reason_of_the_whole_and_nothing_can_be_left_out() {
    let mut shrunk = std::collections::BTreeMap::new();
    for seed in 0..cases() {
        let object = Object::ALL[seed as usize % Object::ALL.len()];
        let events: Vec<Event> =
            (0..).zip(spoilt(object, seed)).map(|(index, event)| Event { index, ..event }).collect();
        let Some(whole) = history(events.clone()) else { continue };
        let budget = Budget::unlimited();
        for finding in crate::judge::checking::check(&whole, None, &budget) {
            let Verdict::Invalid(anomalies) = &finding.verdict else { continue };
            let model = finding.model;
            let Start::Fails(smaller) = Smaller::of(header(), events.clone(), Some(model), &budget) else {
                panic!("{object} {seed} {model} is violated")
            };
            let told = || format!("{object} {seed} {model} {}\n{}", smaller.kind, told(&whole));
            assert_eq!(smaller.kind, anomalies[0].kind);
            let least = smaller.least(&budget);
            let justification = Justification::of(&whole, model);
            assert_eq!(smaller.justified(&justification, &least), least, "{}", told());
            assert!(smaller.fails(&least, &budget), "{}\n{least:?}", told());
            for left_out in &least {
                let fewer: Vec<u32> = least.iter().copied().filter(|place| place != left_out).collect();
                let fewer = smaller.justified(&justification, &fewer);
                assert!(!smaller.fails(&fewer, &budget), "{} can be left out: {}", left_out, told());
            }
            let count: &mut [usize; 3] = shrunk.entry(object.name()).or_default();
            *count = [count[0] + 1, count[1] + whole.operations().len(), count[2] + least.len()];
        }
    }
    tell(&shrunk);
    assert!(shrunk.len() >= Object::ALL.len() - 1, "{shrunk:?}");
}

#[expect(clippy::print_stderr, reason = "what a long run by hand is for")]
fn tell(shrunk: &std::collections::BTreeMap<&str, [usize; 3]>) {
    for (object, [violations, before, after]) in shrunk {
        eprintln!("shrink {object}: {violations} violations, {before} operations to {after}");
    }
}

/// By hand, in lines `process function key value outcome`, one after the other.
fn shrunk(model: ModelName, lines: &str) -> Vec<String> {
    let mut events = Vec::new();
    for (time, line) in (1..).zip(lines.lines().map(str::trim).filter(|line| !line.is_empty())) {
        let words: Vec<&str> = line.split(' ').collect();
        let value = |text: &str| match text {
            "nil" => Value::Null,
            list if list.starts_with('[') => {
                let items = list.trim_matches(['[', ']']).split(';').filter(|item| !item.is_empty());
                Value::list(items.map(|item| Value::Int(item.parse().unwrap())))
            }
            number => Value::Int(number.parse().unwrap()),
        };
        let (asked, answered) = (value(words[3]), value(words[4]));
        let kind = match words.get(5) {
            Some(&"fail") => Kind::Fail,
            Some(&"info") => Kind::Info,
            _ => Kind::Ok,
        };
        for (kind, value, at) in [(Kind::Invoke, asked, 0), (kind, answered, 1)] {
            let op = histories::Op { function: Function::from(words[1]), key: Some(words[2].into()), value };
            events.push(Event {
                index: events.len() as u64,
                time: histories::Nanos(10 * time + at),
                process: Process::Client(words[0].parse().unwrap()),
                kind,
                op,
                node: None,
                error: None,
                seen: None,
                hints: histories::Hints::NONE,
            });
        }
    }
    let budget = Budget::unlimited();
    let Start::Fails(smaller) = Smaller::of(header(), events, Some(model), &budget) else {
        panic!("{model} is violated")
    };
    let lines: Vec<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    smaller.least(&budget).iter().map(|&place| lines[place as usize].to_owned()).collect()
}

#[test]
fn acquires_come_with_their_releases() {
    let lines = "1 acquire l nil nil\n1 release l nil nil\n2 acquire l nil nil\n2 release l nil nil\n\
                 3 acquire l nil nil\n4 acquire l nil nil";
    for model in [ModelName::Linearizable, ModelName::Mutex] {
        assert_eq!(shrunk(model, lines), ["3 acquire l nil nil", "4 acquire l nil nil"], "{model}");
    }
}

#[test]
fn what_comes_out_twice_was_put_in() {
    let lines = "1 enqueue q 5 5\n1 dequeue q nil 5\n1 enqueue q 1 1\n2 dequeue q nil 1\n3 dequeue q nil 1";
    let expected = ["1 enqueue q 1 1", "2 dequeue q nil 1", "3 dequeue q nil 1"];
    for model in [ModelName::Linearizable, ModelName::Queue] {
        assert_eq!(shrunk(model, lines), expected, "{model}");
    }
}

#[test]
fn a_stale_read_of_a_repeated_value_keeps_a_write_of_it_and_one_that_came_after() {
    let lines = "0 write x 3 3\n1 read x nil 3\n0 write x 1 1\n0 write x 3 3\n0 write x 1 1\n1 read x nil 1\n\
                 1 read x nil 3";
    let kept = shrunk(ModelName::Linearizable, lines);
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert_eq!(kept[1..], ["0 write x 1 1", "1 read x nil 3"], "{kept:?}");
    assert_eq!(kept[0], "0 write x 3 3");
}

#[test]
fn what_was_never_written_stands_alone_and_what_failed_stays_beside_it() {
    let lines = "0 write x 1 1\n1 read x nil 99";
    assert_eq!(shrunk(ModelName::Linearizable, lines), ["1 read x nil 99"]);
    let lines = "0 write x 1 1\n0 write x 99 99 fail\n1 read x nil 99";
    assert_eq!(shrunk(ModelName::Linearizable, lines), ["0 write x 99 99 fail", "1 read x nil 99"]);
}

#[test]
fn a_set_keeps_the_additions_of_what_its_reads_show() {
    let lines = "0 add s 1 1\n0 add s 2 2\n0 add s 3 3\n1 read-all s nil [1;2;3]\n2 read-all s nil [1;3]";
    let kept = shrunk(ModelName::Linearizable, lines);
    for added in [1, 2, 3] {
        assert!(kept.contains(&format!("0 add s {added} {added}")), "{kept:?}");
    }
    assert!(kept.contains(&"2 read-all s nil [1;3]".to_owned()), "{kept:?}");
}
