//! What keys hold where their own operations do not tell, against the same history in which they do.
//!
//! It compares verdicts only; how the words of a file are understood is told by [`histories::view`].

use std::fmt::Write as _;

use histories::{Function, History, ModelName, Operation, Outcome, Value, read};

use crate::testing::{self, Dice, lagging, lagging::Kind};
use crate::{Budget, Verdict, check_all};

fn violated(history: &History) -> Vec<ModelName> {
    let findings = check_all(history, None, &Budget::unlimited());
    let invalid = findings.iter().filter(|finding| matches!(finding.verdict, Verdict::Invalid(_)));
    invalid.map(|finding| finding.model).collect()
}

/// What an untouched key reads as, and something else.
fn shown(kind: Kind) -> [&'static str; 2] {
    match kind {
        Kind::Register => ["nil", "7"],
        Kind::Text => ["nil", "<7>"],
        Kind::Counter => ["0", "7"],
        Kind::List | Kind::Set | Kind::Queue => ["[]", "[7]"],
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "figures for those who fuzz by hand")]
fn a_key_that_is_only_read_changes_no_verdict_while_it_reads_as_nothing() {
    let (mut alike, mut wrong) = (0_u64, 0_u64);
    for seed in 0..testing::cases(2_000) {
        let mut dice = Dice(seed);
        let kind = [Kind::Register, Kind::Text, Kind::Counter, Kind::List, Kind::Set][(seed % 5) as usize];
        let mut clients = lagging::clients(kind, seed);
        let without = clients.history();
        if without.operations().iter().all(|op| op.function.only_looks() || op.outcome == Outcome::Fail) {
            continue;
        }
        let mut is_wrong = false;
        for i in 0..=dice.below(3) {
            let [initial, other] = shown(kind);
            let text = match dice.below(6) {
                0 => "nil",
                1 => other,
                _ => initial,
            };
            is_wrong |= text == other;
            let function = if text.starts_with('[') && dice.one_in(2) { "read-all" } else { "read" };
            clients.lines.push(format!("c50 {function} z {text} [{},{}]", 3 * i, 3 * i + 1));
        }
        let with = clients.history();
        let (expected, found) = (violated(&without), violated(&with));
        let told = || format!("seed {seed}, {kind:?}: {expected:?} {found:?}\n{}", testing::lines(&with));
        if is_wrong {
            assert!(found.contains(&ModelName::Linearizable), "{}", told());
            wrong += 1;
        } else {
            assert_eq!(found, expected, "{}", told());
            alike += 1;
        }
    }
    eprintln!("fuzz keys that are only read: {alike} read as nothing, {wrong} as something");
    assert!(alike > 3 * wrong / 4 && wrong > alike / 4);
}

/// As Jepsen writes it, with additions called `add` and set literals for what was read.
fn edn(history: &History, add: &str) -> String {
    let mut events: Vec<(u32, String)> = Vec::new();
    for op in history.operations() {
        let name = if op.function.only_looks() { "read" } else { add };
        let mut event = |at: u32, kind: &str, value: &str| {
            let text = format!(
                "{{:process {} :type :{kind} :f :{name} :value {value} :time {}}}",
                op.process,
                10 * (at + 1)
            );
            events.push((at, text));
        };
        event(op.call_event, "invoke", &op.call().to_string());
        if op.has_completion() {
            event(op.reply_event, op.outcome.name(), &reply(op));
        }
    }
    events.sort();
    let mut text = String::new();
    for (_, event) in events {
        writeln!(text, "{event}").unwrap();
    }
    text
}

fn reply(op: &Operation) -> String {
    match op.reply().as_list() {
        Some(items) if op.is_ok() => {
            format!("#{{{}}}", items.iter().map(Value::to_string).collect::<Vec<_>>().join(" "))
        }
        _ => op.call().to_string(),
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "figures for those who fuzz by hand")]
fn writes_of_which_reads_show_a_set_are_judged_as_additions() {
    let (mut valid, mut invalid) = (0_u64, 0_u64);
    for seed in 0..testing::cases(2_000) {
        let mut clients = lagging::clients(Kind::Set, seed);
        clients.lines.retain(|line| line.contains(" x ") && !line.contains("remove"));
        for line in &mut clients.lines {
            *line = line.replace(" x ", " - ");
        }
        let history = clients.history();
        let reads = |op: &Operation| op.is_ok() && op.function == Function::ReadAll;
        if !history.operations().iter().any(reads) {
            continue;
        }
        let [named, unnamed] = ["add", "write"].map(|add| {
            let text = edn(&history, add);
            read::read(text.as_bytes(), "h").unwrap_or_else(|error| panic!("{error}\n{text}"))
        });
        let (expected, found) = (violated(&named), violated(&unnamed));
        assert_eq!(found, expected, "seed {seed}\n{}", testing::lines(&unnamed));
        if expected.is_empty() { valid += 1 } else { invalid += 1 }
    }
    eprintln!("fuzz sets of writes: {valid} without a violation, {invalid} with some");
    assert!(valid > invalid / 4 && invalid > valid / 8);
}
