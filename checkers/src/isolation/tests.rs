//! The levels against all version orders of small random histories.

mod generate;
mod oracle;

use std::collections::BTreeMap;

use histories::ModelName;

use super::level::{Level, Rule};
use super::*;
use crate::testing;
use generate::{Objects, Run};

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

#[test]
fn fuzz_registers_with_repeated_values() {
    let mut tally = BTreeMap::new();
    for case in 0..testing::cases(2_000) {
        compare(&Run::random(Objects::Registers, (3 << 40) + case).with_repeats(), &mut tally);
    }
    tell("repeated values", &tally);
}
