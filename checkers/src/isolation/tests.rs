//! The levels against all version orders of small random histories.

mod generate;
mod oracle;

use std::collections::BTreeMap;

use histories::{AnomalyKind, ModelName};

use super::level::{Level, Rule};
use super::*;
use crate::testing;
use generate::{Objects, Outcome, Run, Step, Transaction};

/// How often each model came out how.
type Tally = BTreeMap<(ModelName, &'static str), u64>;

/// Compares every level of one run with the oracle's; what was decided of it, by name of model and verdict.
fn compare(run: &Run, tally: &mut Tally) {
    let history = run.history();
    let findings = Isolation.check(&history, &Budget::unlimited());
    for finding in &findings {
        let Some(level) = Level::of(finding.model) else { panic!("{} is no level", finding.model) };
        let holds = oracle::holds(run, level);
        let verdict = &finding.verdict;
        let told = || format!("{}: {verdict:?}\n{}", finding.model, testing::lines(&history));
        match verdict {
            Verdict::Valid => assert!(holds, "held, and no order has it: {}", told()),
            Verdict::Invalid(anomalies) => {
                assert!(!holds, "violated, and an order has it: {}", told());
                for anomaly in anomalies {
                    if let Err(why) = testing::confirm(&history, anomaly) {
                        panic!("a proof was refuted: {why}: {}", told());
                    }
                }
            }
            Verdict::Unknown(_) if run.repeats || run.shows_nothing() => {}
            Verdict::Unknown(_) => {
                let open =
                    matches!(level.rule, Rule::Prefix | Rule::ParallelSnapshot | Rule::MonotonicAtomicView);
                assert!(open && run.objects == Objects::Registers, "undecided: {}", told());
            }
            Verdict::Refuted(why) => panic!("a checker refutes nothing: {why}: {}", told()),
            Verdict::NotApplicable(_) => assert_eq!(level.rule, Rule::ReadUncommitted, "{}", told()),
        }
        *tally.entry((finding.model, verdict.name())).or_default() += 1;
    }
    testing::coherent_findings(&history);
}

/// Figures for a fuzzer by hand.
#[expect(clippy::print_stderr, reason = "shown by --nocapture only")]
fn tell(of: &str, tally: &Tally) {
    for ((model, verdict), count) in tally {
        eprintln!("fuzz {model}, {of}: {count} {verdict}");
    }
}

fn fuzz(objects: Objects, seed: u64) {
    let mut tally = BTreeMap::new();
    let cases = testing::cases(2_000);
    for case in 0..cases {
        compare(&Run::random(objects, seed.wrapping_add(case)), &mut tally);
    }
    tell(&format!("{objects:?}"), &tally);
    let count = |model, verdict| tally.get(&(model, verdict)).copied().unwrap_or(0);
    for model in [ModelName::Serializable, ModelName::SnapshotIsolation, ModelName::ReadCommitted] {
        assert!(count(model, "valid") > cases / 50, "{model} hardly ever held");
        assert!(count(model, "invalid") > cases / 50, "{model} was hardly ever violated");
    }
}

#[test]
fn fuzz_registers() {
    fuzz(Objects::Registers, 1 << 40);
}

#[test]
fn fuzz_lists() {
    fuzz(Objects::Lists, 2 << 40);
}

fn fuzz_with_values(objects: Objects, seed: u64, values: i64) {
    let mut tally = BTreeMap::new();
    for case in 0..testing::cases(2_000) {
        compare(&Run::random(objects, seed + case).with_values(values), &mut tally);
    }
    tell(&format!("{objects:?} of {values} values"), &tally);
}

#[test]
fn fuzz_registers_with_repeated_values() {
    fuzz_with_values(Objects::Registers, 3 << 40, 3);
}

#[test]
fn fuzz_lists_with_repeated_values() {
    fuzz_with_values(Objects::Lists, 4 << 40, 5);
}

/// The keys.
const X: usize = 0;
const Y: usize = 1;
const Z: usize = 2;

/// The verdict on one model of transactions that follow one another, each of a client of its own.
fn verdict(model: ModelName, objects: Objects, transactions: &[&[Step]]) -> Verdict {
    let transactions = (0..).zip(transactions).map(|(at, steps)| Transaction {
        session: at,
        invoked: 10 * u64::from(at),
        returned: 10 * u64::from(at) + 5,
        outcome: Outcome::Ok,
        steps: steps.to_vec(),
    });
    let history = Run { objects, transactions: transactions.collect(), repeats: true }.history();
    let findings = Isolation.check(&history, &Budget::unlimited());
    findings.into_iter().find(|finding| finding.model == model).unwrap().verdict
}

fn read<const N: usize>(key: usize, shown: [i64; N]) -> Step {
    Step::Read(key, shown.to_vec())
}

fn kinds(verdict: &Verdict) -> Vec<AnomalyKind> {
    verdict.anomalies().iter().map(|anomaly| anomaly.kind).collect()
}

#[test]
fn a_read_of_a_repeated_value_is_not_of_the_writer_that_a_part_of_the_history_holds() {
    // The first read is of the last write. Without that one it would be of what its writer overwrote.
    let verdict = verdict(
        ModelName::Serializable,
        Objects::Registers,
        &[
            &[read(Z, []), Step::Write(Z, 2), read(Y, [3])],
            &[read(X, [])],
            &[read(Z, []), Step::Write(Y, 3), Step::Write(Y, 1)],
            &[read(Z, []), Step::Write(Y, 3), read(Z, [])],
        ],
    );
    assert!(matches!(verdict, Verdict::Unknown(_)), "{verdict:?}");
}

#[test]
fn an_append_that_no_read_shows_lies_behind_what_stands_after_its_transactions_first() {
    let torn = verdict(
        ModelName::ReadUncommitted,
        Objects::Lists,
        &[&[Step::Write(X, 4), Step::Write(X, 5)], &[Step::Write(X, 1), read(X, [4, 1])]],
    );
    assert_eq!(kinds(&torn), [AnomalyKind::G0]);
}

#[test]
fn an_element_that_stands_twice_in_a_list_tells_of_no_order() {
    let twice = verdict(
        ModelName::StrictSerializable,
        Objects::Lists,
        &[&[Step::Write(X, 2)], &[Step::Write(X, 1)], &[Step::Write(X, 4)], &[read(X, [2, 1, 2, 4])]],
    );
    assert_eq!(kinds(&twice), [AnomalyKind::DuplicateElement]);
}
