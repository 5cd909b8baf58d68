//! Sequential consistency in words, and against every interleaving.

use histories::{History, ModelName, OperationId};

mod elements;
mod growth;
mod objects;
mod transactions;

use super::accesses::Objects;
use super::forced::{Saturated, saturate};
use super::oracle::is_sequential;
use super::problem::{Problem, components};
use super::search::{Found, order};
use super::{proof, replay};
use crate::core::sessions::{Act, Table};
use crate::testing::{self, Dice, confirm, told};
use crate::{Budget, Checker, Sequential, Verdict};

fn verdict(text: &str) -> Verdict {
    judge(&testing::history(text)).0
}

fn judge(history: &History) -> (Verdict, &'static str) {
    let findings = Sequential.check(history, &Budget::unlimited());
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding.model, ModelName::Sequential);
    (finding.verdict.clone(), finding.method)
}

fn violation(text: &str) -> String {
    let history = testing::history(text);
    let verdict = judge(&history).0;
    let [anomaly] = verdict.anomalies() else { panic!("{verdict:?}") };
    assert_eq!(confirm(&history, anomaly), Ok(()));
    told(&history, anomaly)
}

#[test]
fn versions_show_an_order_that_time_hides() {
    let text = "c1 write x 1 [0,1] version 2
                c2 write x 2 [2,3] version 1
                c3 read x 2 [4,5]
                c3 read x 1 [6,7]";
    assert_eq!(verdict(text), Verdict::Valid);
}

#[test]
fn a_write_that_was_never_answered_stands_before_the_first_that_saw_it() {
    let text = "c1 write x 1 [0,1] version 1
                c2 write x 2 [2,] info
                c3 write y 1 [4,5] version 3
                c1 write x 3 [6,7] version 4
                c4 read x 1 [8,9] version 1
                c4 read x 2 [10,11] version 3
                c4 read y 1 [12,13] version 3
                c5 read y nil [14,15] version 2
                c5 read x 2 [16,17] version 3";
    let (verdict, method) = judge(&testing::history(text));
    assert_eq!((verdict, method), (Verdict::Valid, "witness order"));
}

#[test]
fn sessions_that_each_miss_the_others_write() {
    insta::assert_snapshot!(violation(
        "c1 write x 1 [0,1]
         c1 read y nil [2,3]
         c2 write y 1 [0,1]
         c2 read x nil [2,3]"
    ));
}

#[test]
fn readers_that_see_two_writes_in_two_orders() {
    insta::assert_snapshot!(violation(
        "c1 write x 1 [0,1]
         c2 write y 1 [0,1]
         c3 read x 1 [2,3]
         c3 read y nil [4,5]
         c4 read y 1 [2,3]
         c4 read x nil [4,5]"
    ));
}

#[test]
fn a_value_that_is_replaced_twice() {
    insta::assert_snapshot!(violation(
        "c1 write x 1 [0,1]
         c2 cas x 1 2 [2,3]
         c3 cas x 1 3 [2,3]"
    ));
}

#[test]
fn nothing_observed_is_not_a_pass() {
    let why = verdict("c1 write x 1 [0,] info");
    assert_eq!(why.why(), Some("nothing was observed: no operation succeeded"));
}

#[test]
fn a_proof_of_less_is_refuted() {
    let refuted = |text: &str, operations: &[u32]| {
        let history = testing::history(text);
        let operations = operations.iter().copied().map(OperationId).collect();
        confirm(&history, &proof::tell(&history, operations)).unwrap_err().to_string()
    };
    let buffers = "c1 write x 1 [0,1]
                   c1 read y nil [2,3]
                   c2 write y 1 [4,5]
                   c2 read x nil [6,7]
                   c3 read x 1 [8,9]";
    assert_eq!(refuted(buffers, &[0, 1, 2]), "the witness has a valid order; the witness has a valid order");
    assert!(refuted(buffers, &[1, 3, 4]).starts_with("the witness lacks the write of 1"));
    assert_eq!(
        refuted("c1 write x 1 [0,] info", &[0]),
        "nobody saw that operation 0 happened; the witness has a valid order"
    );
    let counter = "c1 increment n 1 [0,1]
                   c2 increment n 2 [2,3]
                   c1 read n 3 [4,5]
                   c1 read n 1 [6,7]";
    let history = testing::history(counter);
    let all = (0..4).map(OperationId).collect();
    assert_eq!(confirm(&history, &proof::tell(&history, all)), Ok(()));
    assert!(refuted(counter, &[0, 2, 3]).contains("the witness lacks operation 1"));
    assert!(refuted(counter, &[0, 1, 3]).ends_with("the witness has a valid order"));
}

#[test]
fn an_order_that_is_none_does_not_replay() {
    let budget = Budget::unlimited();
    let history =
        testing::history("c1 write x 1 [0,1]\nc1 read x 1 [2,3]\nc2 write x 2 [4,5]\nc2 write y 1 [6,7]");
    let acts = Table::of(&history, &budget).unwrap().acts;
    assert!(replay::explains(&acts, &[0, 1, 2, 3]) && replay::explains(&acts, &[2, 0, 3, 1]));
    for order in [&[0, 2, 1, 3][..], &[1, 0, 2, 3], &[0, 1, 3, 2], &[0, 1, 2], &[0, 1, 2, 2, 3]] {
        assert!(!replay::explains(&acts, order), "{order:?}");
    }
    let history =
        testing::history("c1 add s 1 [0,1]\nc1 read-all s [1] [2,3]\nc2 add s 2 [4,5]\nc2 add s 3 [6,] info");
    let objects = Objects::of(&history).unwrap();
    assert!(
        replay::explains_objects(&objects, &[0, 1, 2]) && replay::explains_objects(&objects, &[0, 1, 2, 3])
    );
    for order in [&[0, 2, 1][..], &[1, 0, 2], &[0, 1, 3, 2], &[0, 1], &[0, 1, 2, 2]] {
        assert!(!replay::explains_objects(&objects, order), "{order:?}");
    }
}

#[test]
fn what_shares_no_key_is_decided_apart() {
    let text = "c1 write x 1 [0,1]
                c2 write y 1 [2,3]
                c3 read x 1 [4,5]
                c4 read y 1 [6,7]
                c4 read z nil [8,9]";
    let acts = Table::of(&testing::history(text), &Budget::unlimited()).unwrap().acts;
    let sessions = |acts: &Vec<Act>| acts.iter().map(|act| act.process).collect::<Vec<_>>();
    let parts = components(&acts, |act| (act.process, act.key));
    assert_eq!(parts.iter().map(sessions).collect::<Vec<_>>(), [vec![1, 3], vec![2, 4, 4]]);
}

#[test]
fn past_the_budget_it_says_how_far_it_got() {
    let history = choices([true; 8]);
    let none = Budget::new(std::time::Duration::MAX, 0);
    let verdict = Sequential.check(&history, &none).remove(0).verdict;
    assert_eq!(
        verdict.why(),
        Some("the memory budget ran out; an order was found for 8 of 20 operations that share keys")
    );
}

struct Shape {
    operations: u64,
    clients: u64,
    keys: u64,
}

/// A history that some order explains, told session by session in another; now and then one answer is changed.
fn random(dice: &mut Dice) -> History {
    let shape = Shape { operations: 3 + dice.below(7), clients: 2 + dice.below(3), keys: 1 + dice.below(3) };
    let spoil = 2 + dice.below(12);
    let mut sessions: Vec<Vec<String>> = vec![Vec::new(); shape.clients as usize];
    let mut registers = vec!["nil".to_owned(); shape.keys as usize];
    for value in 1..=shape.operations {
        let (client, key) = (dice.below(shape.clients) as usize, dice.below(shape.keys) as usize);
        let outcome = ["ok", "ok", "ok", "ok", "info", "fail"][dice.below(6) as usize];
        let happens = outcome == "ok" || (outcome == "info" && dice.one_in(2));
        let guess = if dice.one_in(spoil) {
            dice.below(shape.operations + 1).to_string()
        } else {
            registers[key].clone()
        };
        let seen = if guess == "0" { "nil".to_owned() } else { guess };
        let name = ["x", "y", "z"][key];
        let line = match dice.below(8) {
            0..4 => format!("write {name} {value} @ {outcome}"),
            4 => format!("cas {name} {seen} {value} @ {outcome}"),
            5 => format!("cas {name} 99 {value} @ fail {seen}"),
            _ => format!("read {name} {seen} @"),
        };
        if happens && (line.starts_with('w') || (line.starts_with('c') && !line.contains("fail"))) {
            registers[key] = value.to_string();
        }
        sessions[client].push(format!("c{client} {line}"));
    }
    testing::history(&merged(dice, sessions).join("\n"))
}

/// The lines in any order that keeps each session's, with times.
fn merged(dice: &mut Dice, mut sessions: Vec<Vec<String>>) -> Vec<String> {
    let mut lines = Vec::new();
    for session in &mut sessions {
        session.reverse();
    }
    while sessions.iter().any(|session| !session.is_empty()) {
        let session = dice.below(sessions.len() as u64) as usize;
        if let Some(line) = sessions[session].pop() {
            let at = 2 * lines.len();
            lines.push(line.replacen(" @", &format!(" [{at},{}]", at + 1), 1));
        }
    }
    lines
}

#[derive(Debug, Default)]
struct Counts {
    valid: u32,
    invalid: u32,
    skipped: u32,
    searched: u32,
}

#[expect(clippy::print_stderr, reason = "counts by verdict are what a long run by hand is for")]
fn tell(counts: &str) {
    eprintln!("{counts}");
}

fn compare(seed: u64, cases: u32, random: impl Fn(&mut Dice) -> History) -> Counts {
    compare_with(is_sequential, seed, cases, random)
}

fn compare_with(
    is_sequential: impl Fn(&History) -> bool,
    seed: u64,
    cases: u32,
    random: impl Fn(&mut Dice) -> History,
) -> Counts {
    let mut dice = Dice(seed);
    let mut counts = Counts::default();
    for case in 0..cases {
        let history = random(&mut dice);
        let (verdict, method) = judge(&history);
        counts.searched += u32::from(method == "frontier search");
        if case % 4 == 0 {
            testing::coherent_findings(&history);
        }
        match verdict {
            Verdict::Valid => {
                assert!(is_sequential(&history), "case {case}: missed in {:#?}", history.operations());
                counts.valid += 1;
            }
            Verdict::Invalid(anomalies) => {
                let told = || format!("case {case}: {anomalies:#?} in {:#?}", history.operations());
                assert!(!is_sequential(&history), "false alarm, {}", told());
                assert_eq!(confirm(&history, &anomalies[0]), Ok(()), "{}", told());
                counts.invalid += 1;
            }
            Verdict::Unknown(why) if why.starts_with("nothing was observed") => counts.skipped += 1,
            Verdict::NotApplicable(why) if why.contains("no sequential object") => counts.skipped += 1,
            other => panic!("case {case}: {other:?} in {:#?}", history.operations()),
        }
    }
    counts
}

/// How many random histories.
fn cases(of_suite: u32) -> u32 {
    testing::cases(of_suite.into()) as u32
}

#[test]
fn registers_agree_with_every_interleaving() {
    let cases = cases(20_000);
    let counts = compare(11, cases, random);
    tell(&format!("registers: {counts:?}"));
    assert!(counts.valid > cases / 5 && counts.invalid > cases / 5, "{counts:?}");
}

/// Writes and reads only, many of each key, and reads of anything: here what is forced rarely tells.
fn contended(dice: &mut Dice) -> History {
    let (clients, keys) = (3 + dice.below(3), 1 + dice.below(3));
    let writes = 3 + dice.below(3);
    let mut sessions: Vec<Vec<String>> = vec![Vec::new(); clients as usize];
    let mut keys_of = Vec::new();
    for value in 1..=writes {
        let key = dice.below(keys);
        keys_of.push(key);
        let client = dice.below(clients);
        sessions[client as usize]
            .push(format!("c{client} write {} {value} @", ["x", "y", "z"][key as usize]));
    }
    for _ in 0..9 - writes {
        let value = dice.below(writes);
        let client = dice.below(clients);
        let place = dice.below(sessions[client as usize].len() as u64 + 1) as usize;
        let key = ["x", "y", "z"][keys_of[value as usize] as usize];
        sessions[client as usize].insert(place, format!("c{client} read {key} {} @", value + 1));
    }
    testing::history(&merged(dice, sessions).join("\n"))
}

/// The guesses apart: whatever comes first, with forced edges or without, the search finds an order iff there is one.
#[test]
fn the_search_needs_no_good_guess() {
    let (mut dice, mut found, mut nothing, mut beyond) = (Dice(12), 0, 0, 0);
    let (cases, budget) = (cases(5_000), Budget::unlimited());
    for case in 0..cases {
        let history = if dice.one_in(2) { random(&mut dice) } else { contended(&mut dice) };
        let Ok(table) = Table::of(&history, &budget) else { continue };
        let expected = is_sequential(&history);
        let problem = Problem::of(table.acts.clone());
        let rank: Vec<u64> = table.acts.iter().map(|_| dice.below(5)).collect();
        let forced = match saturate(&problem, &budget).unwrap() {
            Saturated::Cyclic(..) => {
                assert!(!expected, "case {case}: a cycle in {:#?}", history.operations());
                None
            }
            Saturated::Acyclic(forced) => Some(forced),
        };
        beyond += u32::from(!expected && forced.is_some());
        for edges in [Some(Vec::new()), forced].iter().flatten() {
            match order(&problem, edges, &rank, u64::MAX, &budget) {
                Found::Order(order) => {
                    assert!(
                        replay::explains(&table.acts, &order),
                        "case {case}: {:#?}",
                        history.operations()
                    );
                    found += 1;
                }
                Found::Nothing => {
                    assert!(!expected, "case {case}: no order of {:#?}", history.operations());
                    nothing += 1;
                }
                Found::Stopped(stop, _) => panic!("{stop}"),
            }
        }
    }
    tell(&format!("search: {found} orders, {nothing} without, {beyond} of them without a cycle"));
    assert!(found > cases / 2 && nothing > cases / 8, "{found} and {nothing}");
}

/// Two writes of x and two of y, each with a read in another session. What stands first of each pair is a choice; each
/// message forbids a part of one of the four combinations, and all of them leave none.
fn choices(messages: [bool; 8]) -> History {
    let (writers, readers) = (["x 1", "x 2", "y 1", "y 2"], ["x 1", "x 2", "y 1", "y 2"]);
    let mut lines = Vec::new();
    let mut at = 0;
    let mut push = |client: usize, line: String| {
        lines.push(format!("c{client} {line} [{at},{}]", at + 1));
        at += 2;
    };
    for (client, write) in writers.into_iter().enumerate() {
        push(client, format!("write {write}"));
        push(client, format!("write sent-{client} {client}"));
    }
    for (reader, read) in readers.into_iter().enumerate() {
        let others = if reader < 2 { [2, 3] } else { [0, 1] };
        for (side, writer) in others.into_iter().enumerate() {
            if messages[2 * reader + side] {
                push(4 + reader, format!("read sent-{writer} {writer}"));
            }
        }
        push(4 + reader, format!("read {read}"));
    }
    testing::history(&lines.join("\n"))
}

#[test]
fn choices_that_are_each_possible_and_together_not() {
    insta::assert_snapshot!(told_of(&choices([true; 8])));
    for left_out in 0..8 {
        let messages: [bool; 8] = std::array::from_fn(|i| i != left_out);
        assert_eq!(judge(&choices(messages)).0, Verdict::Valid, "without {left_out}");
    }
}

fn told_of(history: &History) -> String {
    let (verdict, method) = judge(history);
    let [anomaly] = verdict.anomalies() else { panic!("{verdict:?}") };
    format!("{method}\n{}", told(history, anomaly))
}
