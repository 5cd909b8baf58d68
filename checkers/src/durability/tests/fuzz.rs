//! Random small histories with a final state: the classes of acknowledged writes against the definitions.

use histories::{Function, History, Nanos, Operation, Value};

use super::oracle::{self, Classes, End};
use super::{check, testing};
use crate::testing::Clients;
use crate::{Durable, Verdict};

const NODES: [&str; 2] = ["n1", "n2"];

/// Asks every node what stands there at the end, by dumps one after another or by reads that may overlap; returns what they
/// say.
fn finals(clients: &mut Clients, key: &str, held: &[String; 2]) -> Vec<End> {
    let dumped = clients.dice.one_in(2);
    let now = clients.free.into_iter().max().unwrap() + 20;
    let more = if dumped { 0 } else { clients.dice.below(3) };
    let mut ends = Vec::new();
    for place in 0..2 + more {
        let node = if place < 2 { place as usize } else { clients.dice.below(2) as usize };
        let from = if dumped { now + 2 * place } else { now + clients.dice.below(6) };
        let to = if dumped { from + 1 } else { from + clients.dice.below(4) };
        let (name, text) = (NODES[node], &held[node]);
        clients.lines.push(if dumped {
            let state = if text == "nil" || text == "[]" { "{}".into() } else { format!("{key}={text}") };
            format!("c90 dump {name} {state} [{from},{to}]")
        } else {
            let function = if text.starts_with('[') { "read-all" } else { "read" };
            format!("c{} {function} {key} {text} [{from},{to}] at {name}", 100 + place)
        });
        ends.push(End { from: Nanos(from), to: Nanos(to), value: value(text), dumped });
    }
    clients.lines.push("nodes n1 n2".into());
    // What was read before the last update is not final.
    clients.lines.push(format!("c92 increment c 1 [{},{}]", now - 10, now - 9));
    if dumped {
        // Nobody asks the replicas again.
        clients.lines.push(format!("c91 read elsewhere nil [{},{}]", now + 10, now + 11));
    }
    ends
}

fn value(text: &str) -> Value {
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(items) => Value::list(items.split(';').filter(|item| !item.is_empty()).map(value)),
        None => text.parse().map_or(Value::Null, Value::Int),
    }
}

fn register(seed: u64) -> (History, Vec<End>) {
    let mut clients = Clients::new(seed);
    let mut replicas = ["nil".to_owned(), "nil".to_owned()];
    let spoil = 2 + clients.dice.below(8);
    for next in 1..2 + clients.dice.below(7) {
        let seen = replicas[clients.dice.below(2) as usize].clone();
        let outcome = match clients.dice.below(6) {
            0..2 => {
                clients.act(&format!("read x {seen}"));
                continue;
            }
            2 if seen != "nil" => clients.act(&format!("cas x {seen} {next}")),
            _ => clients.act(&format!("write x {next}")),
        };
        for replica in &mut replicas {
            let reaches = outcome == "ok" || (outcome == "info" && clients.dice.one_in(2));
            if reaches != clients.dice.one_in(spoil) {
                *replica = next.to_string();
            }
        }
    }
    if clients.dice.one_in(2) {
        replicas[1] = replicas[0].clone();
    }
    let finals = finals(&mut clients, "x", &replicas);
    (clients.history(), finals)
}

fn set(seed: u64) -> (History, Vec<End>) {
    let mut clients = Clients::new(seed);
    let mut replicas: [Vec<u64>; 2] = [Vec::new(), Vec::new()];
    let spoil = 2 + clients.dice.below(20);
    let list =
        |items: &[u64]| format!("[{}]", items.iter().map(u64::to_string).collect::<Vec<_>>().join(";"));
    let functions = ["add", "add", "add", "remove", "read-all"];
    for at in 0..=clients.dice.below(7) {
        let element = clients.dice.below(4);
        let function = if at == 0 { "add" } else { functions[clients.dice.below(5) as usize] };
        if function == "read-all" {
            let seen = list(&replicas[clients.dice.below(2) as usize]);
            clients.act(&format!("read-all s {seen}"));
            continue;
        }
        let outcome = clients.act(&format!("{function} s {element}"));
        for replica in &mut replicas {
            let reaches = outcome == "ok" || (outcome == "info" && clients.dice.one_in(2));
            if reaches != clients.dice.one_in(spoil) {
                replica.retain(|&other| other != element);
                replica.extend((function == "add").then_some(element));
            }
        }
    }
    if clients.dice.one_in(spoil) {
        replicas[0].push(4);
    }
    if clients.dice.one_in(2) {
        replicas[1] = replicas[0].clone();
    }
    let finals = finals(&mut clients, "s", &replicas.map(|items| list(&items)));
    (clients.history(), finals)
}

fn compare(
    name: &str,
    make: impl Fn(u64) -> (History, Vec<End>),
    oracle: impl Fn(&History, &[End]) -> Classes,
) {
    let (mut verdicts, mut classes) = ([0_u64; 3], [0_u64; 3]);
    let cases = testing::cases(2_000);
    for seed in 0..cases {
        let (history, finals) = make(seed);
        let expected = oracle(&history, &finals);
        let finding = check(&Durable, &history);
        let told =
            || format!("{name}, seed {seed}: {finding:#?}, {expected:?}\n{}", testing::lines(&history));
        let place = match &finding.verdict {
            Verdict::Valid => 0,
            Verdict::Invalid(_) => 1,
            Verdict::Unknown(_) | Verdict::Refuted(_) | Verdict::NotApplicable(_) => 2,
        };
        verdicts[place] += 1;
        if is_cut_off(&history) {
            assert_eq!(place, 2, "{}", told());
            continue;
        }
        assert_eq!(place == 1, expected.violated, "{}", told());
        assert_eq!(
            place == 2,
            !expected.violated && (expected.open || expected.acknowledged == 0),
            "{}",
            told()
        );
        let Some(counts) = &finding.figures.durability else { continue };
        let found = (counts.acknowledged, counts.lost, counts.superseded, counts.discarded);
        let wanted = (expected.acknowledged, expected.lost, expected.superseded, expected.discarded);
        assert_eq!(found, wanted, "{}", told());
        for (tally, count) in classes.iter_mut().zip([counts.lost, counts.superseded, counts.discarded]) {
            *tally += count;
        }
    }
    tell(name, verdicts, classes);
    assert!(verdicts[0] > cases / 10 && verdicts[1] > cases / 20, "{name}: {verdicts:?}");
}

/// Reads are no final state while somebody still waits for an answer.
fn is_cut_off(history: &History) -> bool {
    let dumped = history.operations().iter().any(|op| op.function == Function::Dump);
    let waits = |op: &Operation| !op.function.is_read() && !op.has_completion();
    !dumped && history.operations().iter().any(waits)
}

#[expect(clippy::print_stderr, reason = "shown by --nocapture only")]
fn tell(name: &str, [held, violated, undecided]: [u64; 3], [lost, superseded, discarded]: [u64; 3]) {
    eprintln!("fuzz durability of {name}: {held} held, {violated} violated, {undecided} undecided");
    eprintln!("fuzz durability of {name}: {lost} lost, {superseded} superseded, {discarded} discarded");
}

#[test]
fn writes_of_registers_become_what_the_definitions_say() {
    compare("registers", register, |history, finals| oracle::register(history, "x", finals));
}

#[test]
fn elements_of_sets_become_what_the_definitions_say() {
    compare("sets", set, |history, finals| oracle::collection(history, "s", finals));
}
