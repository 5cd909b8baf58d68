//! Words of anomalies as snapshots, and the verdicts against every order.

use histories::{AnomalyKind, History, Kind, ModelName, Op, Process, Value};

use crate::core::registers::Registers;
use crate::linear::search::fuzz::{METHOD_CASES, Tally, cases_or};
use crate::testing::brute::{self, Access, Effect};
use crate::testing::confirm;
use crate::testing::{self, Dice, random, told};
use crate::{Budget, Checker, Finding, Linear, Verdict};

use super::{explain_conflict, zones};

#[path = "../../benches/linear/generator.rs"]
#[expect(dead_code, reason = "the benches make more")]
mod generator;

fn check(history: &History) -> Finding {
    Linear::default().check(history, &Budget::unlimited()).remove(0)
}

fn anomaly(text: &str) -> String {
    let history = testing::history(text);
    let finding = check(&history);
    let anomaly = finding.verdict.anomalies().first().unwrap_or_else(|| panic!("{:?}", finding.verdict));
    assert_eq!(confirm(&history, anomaly), Ok(()));
    assert!(anomaly.steps.len() <= 6);
    told(&history, anomaly)
}

#[test]
fn a_stale_read_is_told_with_what_overwrote_it() {
    insta::assert_snapshot!(anomaly(
        "c1 write x 3 [0,10]
         c1 write x 5 [20,30]
         c4 read x 3 [40,50]"
    ));
    insta::assert_snapshot!(anomaly(
        "c1 write x 3 [0,]
         c3 read x 3 [5,8]
         c2 write x 5 [10,] info
         c4 read x 5 [20,30]
         c5 read x 3 [40,50]"
    ));
    insta::assert_snapshot!(anomaly(
        "c1 write x 3 [0,10]
         c4 read x nil [40,50]"
    ));
}

#[test]
fn values_that_take_turns_are_a_conflict() {
    insta::assert_snapshot!(anomaly(
        "c1 write x 3 [0,100]
         c2 write x 5 [0,100]
         c3 read x 3 [10,20]
         c3 read x 5 [30,40]
         c3 read x 3 [50,60]"
    ));
}

#[test]
fn reads_that_no_write_explains() {
    insta::assert_snapshot!(anomaly("c1 read x 7 [0,1]"));
    insta::assert_snapshot!(anomaly(
        "c1 write x 7 [0,1] fail
         c2 read x 7 [2,3]"
    ));
    insta::assert_snapshot!(anomaly(
        "c2 read x 7 [2,3]
         c1 write x 7 [4,5]"
    ));
    insta::assert_snapshot!(anomaly(
        "c1 cas x 9 10 [0,] info
         c2 read x 10 [2,3]"
    ));
}

#[test]
fn chains_that_cannot_be() {
    insta::assert_snapshot!(anomaly(
        "c1 write x 1 [0,1]
         c2 cas x 1 2 [5,6]
         c3 cas x 1 3 [5,]
         c4 read x 3 [8,9]"
    ));
    insta::assert_snapshot!(anomaly(
        "c1 cas x 1 2 [0,9]
         c2 cas x 2 1 [0,9]"
    ));
    insta::assert_snapshot!(anomaly(
        "c1 write x 1 [0,100]
         c2 cas x 1 2 [20,30]
         c3 cas x 2 3 [0,10]"
    ));
    insta::assert_snapshot!(anomaly(
        "c1 write x 1 [0,100]
         c2 cas x 1 2 [0,100]
         c3 write x 9 [0,100]
         c4 read x 1 [10,20]
         c4 read x 9 [30,40]
         c4 read x 2 [50,60]"
    ));
}

#[test]
fn what_is_not_decided_is_not_valid() {
    let verdict = |text: &str| check(&testing::history(text)).verdict;
    let why = |text: &str| verdict(text).why().unwrap().to_owned();
    assert_eq!(
        why("c1 write x 1 [0,1] info"),
        "nothing was observed: no operation succeeded",
        "nothing is no evidence"
    );
    assert_eq!(
        why("c1 write x 1 [0,1]\nc1 append x 2 [2,3]"),
        "1 of 1 key undecided: x: the write has the value 1 instead of a list"
    );
    assert_eq!(
        why("c1 append x 1 [0,1]\nc1 add x 2 [2,3]"),
        "no sequential object has the operations add, append"
    );
    assert_eq!(verdict("c1 write x 1 [0,1]\nc1 add s 1 [2,3]\nc1 read x 1 [4,5]"), Verdict::Valid);
    assert_eq!(verdict("c1 write x 1 [0,1] fail\nc1 write x 1 [2,3]"), Verdict::Valid, "the first never was");
    let method = |text: &str| check(&testing::history(text)).method;
    assert_eq!(method("c1 write x 1 [0,1]\nc1 write x 1 [2,3]\nc1 read y nil [4,5]"), "zones+search");
    let over = Budget::new(std::time::Duration::ZERO, 0);
    let finding = Linear::default().check(&testing::history("c1 write x 1 [0,1]"), &over).remove(0);
    assert_eq!(finding.verdict, Verdict::Unknown("1 of 1 key undecided: x: the time budget ran out".into()));
}

#[test]
fn a_conflict_in_hand_outlives_the_budget() {
    let history = testing::history("c1 write x 3 [0,10]\nc1 write x 5 [20,30]\nc4 read x 3 [40,50]");
    let unlimited = Budget::unlimited();
    let register = Registers::of(&history).groups[0].compile(&history, &unlimited).unwrap();
    let conflict = zones::conflict(&register.zones, 0, &unlimited).unwrap().unwrap();
    let over = Budget::new(std::time::Duration::ZERO, 0);
    let anomaly = explain_conflict(&history, &register, conflict, &over).unwrap();
    assert_eq!(anomaly.kind, AnomalyKind::Conflict, "without the search for a stale read");
    assert_eq!(confirm(&history, &anomaly), Ok(()));
}

/// The last of a chain is acknowledged before most of what it comes after begins.
#[test]
fn a_proof_far_along_a_long_chain_is_confirmed() {
    for (length, sound) in [(5, false), (70, false), (300, false), (300, true)] {
        let mut lines = vec!["c0 write x 0 [1,2]".to_owned()];
        let early = if sound { "c1 cas x LAST NEXT [4,9999]" } else { "c1 cas x LAST NEXT [4,5]" };
        lines.push(early.replace("LAST", &length.to_string()).replace("NEXT", &(length + 1).to_string()));
        lines.push(format!("c2 cas x {} {length} [3,9998]", length - 1));
        lines.extend(
            (0..length - 1).map(|i| format!("c0 cas x {i} {} [{},{}]", i + 1, 10 + 2 * i, 11 + 2 * i)),
        );
        let history = testing::history(&lines.join("\n"));
        let verdict = check(&history).verdict;
        if sound {
            assert_eq!(verdict, Verdict::Valid);
            continue;
        }
        let [anomaly] = verdict.anomalies() else { panic!("{verdict:?}") };
        assert_eq!(confirm(&history, anomaly), Ok(()), "{length}");
        let mut innocent = anomaly.clone();
        innocent.witness.operations.retain(|&id| history.operation(id).process == 0);
        assert!(confirm(&history, &innocent).is_err(), "what is left has an order");
    }
}

#[test]
fn a_failed_compare_and_set_reads_what_it_found_and_nothing_where_it_is_silent() {
    let verdict = |found: &str| {
        let history = testing::history(&format!("c1 write x 1 [0,1]\nc2 cas x 5 6 [2,3] fail {found}"));
        let verdict = check(&history).verdict;
        verdict.anomalies().iter().for_each(|anomaly| assert_eq!(confirm(&history, anomaly), Ok(())));
        verdict.name()
    };
    assert_eq!((verdict(""), verdict("1"), verdict("nil")), ("valid", "valid", "invalid"));
}

#[test]
fn equal_times_are_concurrent() {
    let history = testing::history("c1 write x 1 [0,10]\nc2 read x nil [10,20]");
    assert_eq!(check(&history).verdict, Verdict::Valid);
}

#[test]
fn a_violated_key_outweighs_an_undecided_one() {
    let history = testing::history(
        "c1 write x 1 [0,1]
         c1 write x 1 [2,3]
         c2 read y 4 [4,5]",
    );
    assert_eq!(check(&history).verdict.anomalies()[0].kind, AnomalyKind::PhantomRead);
}

fn by_brute_force(history: &History) -> bool {
    let accesses: Vec<Access> = history
        .operations()
        .iter()
        .filter_map(|op| {
            let ret = op.has_completion().then_some(op.completed.0);
            let pair = || op.call().as_pair().map(|(from, to)| (from.clone(), to.clone())).unwrap();
            let effect = match (op.function.name(), op.outcome.name()) {
                ("read", "ok") => Effect::Read(op.reply().clone()),
                ("write", "ok" | "info") => Effect::Write(op.call().clone()),
                ("cas", "ok" | "info") => Effect::Cas(pair().0, pair().1),
                ("cas", _) if op.seen().is_some() => Effect::Read(op.reply().clone()),
                _ => return None,
            };
            Some(Access { call: op.invoked.0, ret, effect })
        })
        .collect();
    brute::linearizable(&accesses)
}

fn fuzz(name: &str, with_cas: bool, seed: u64) {
    let mut dice = Dice(seed);
    let mut tally = Tally::default();
    let cases = cases_or(METHOD_CASES);
    for case in 0..cases {
        let count = 2 + dice.below(8);
        let history = random(&mut dice, count, with_cas);
        let expected = by_brute_force(&history);
        match check(&history).verdict {
            Verdict::Valid => {
                assert!(expected, "case {case}: missed in {:#?}", history.operations());
                let found = Linear::default().linearizations(&history, &Budget::unlimited());
                assert!(found.iter().all(|found| found.order.is_ok()), "case {case}: {found:?}");
                tally.count(true);
            }
            Verdict::Invalid(anomalies) => {
                assert!(!expected, "case {case}: false {anomalies:#?} in {:#?}", history.operations());
                for anomaly in &anomalies {
                    assert_eq!(confirm(&history, anomaly), Ok(()), "case {case}: {anomaly:#?}");
                    assert!(anomaly.steps.len() <= 6);
                }
                tally.count(false);
            }
            Verdict::Unknown(why) => assert!(why.contains("nothing was observed"), "case {case}: {why}"),
            Verdict::NotApplicable(why) | Verdict::Refuted(why) => panic!("case {case}: {why}"),
        }
    }
    tally.assert_balanced(name);
}

#[test]
fn zones_agree_with_every_order() {
    fuzz("zones", false, 1);
}

#[test]
fn chains_agree_with_every_order() {
    fuzz("chains", true, 2);
}

#[test]
fn a_long_chain_is_still_confirmed() {
    let mut lines: Vec<String> = vec!["c0 write x 1 [0,5000]".into()];
    lines.extend((1..200).map(|i| format!("c{i} cas x {i} {} [0,5000]", i + 1)));
    lines.push("c300 read x 200 [10,20]".into());
    lines.push("c300 read x 1 [30,40]".into());
    let history = testing::history(&lines.join("\n"));
    let verdict = check(&history).verdict;
    let [anomaly] = verdict.anomalies() else { panic!("{verdict:?}") };
    assert_eq!(anomaly.kind, AnomalyKind::ChainOrder);
    assert_eq!(confirm(&history, anomaly), Ok(()));
}

#[test]
fn an_anomaly_that_is_none_is_not_confirmed() {
    let history = testing::history("c1 write x 3 [0,10]\nc1 write x 5 [20,30]\nc4 read x 3 [40,50]");
    let mut anomaly = check(&history).verdict.anomalies()[0].clone();
    anomaly.witness.operations.remove(1);
    assert_eq!(confirm(&history, &anomaly), Err("the witness has a valid order".into()));
    anomaly.witness.operations.remove(0);
    assert_eq!(confirm(&history, &anomaly), Err("the witness lacks the write of 3".into()));
}

/// The reads that were made 50 ms old are found as old as they show for certain.
#[test]
fn a_million_operations_with_planted_stale_reads() {
    let finding = check(&generator::history(generator::Load::PLANTED));
    let staleness = finding.figures.staleness.unwrap();
    assert_eq!((staleness.stale_reads, staleness.reads, staleness.max_versions), (512, 500_074, 237));
    let rounded = [staleness.p50_ms, staleness.p99_ms].map(|ms| format!("{ms:.1}"));
    assert_eq!(rounded, ["48.8", "49.7"]);
    assert_eq!(staleness.gamma_ms.map(|ms| format!("{ms:.3}")).as_deref(), Some("48.177"));
}

#[test]
fn staleness_is_measured_in_time_and_in_versions() {
    let ms = 1_000_000;
    let write = |value: i64, from: u64| {
        let op = Op::write("x", value);
        [(from * ms, Kind::Invoke), ((from + 1) * ms, Kind::Ok)]
            .map(|(time, kind)| testing::event(time, Process::Client(1), kind, op.clone()))
    };
    let mut events: Vec<_> = (1..=4).flat_map(|i| write(i, i as u64 * 10)).collect();
    let read = |kind| Op { value: if kind == Kind::Ok { 2.into() } else { Value::Null }, ..Op::read("x") };
    events.push(testing::event(60 * ms, Process::Client(2), Kind::Invoke, read(Kind::Invoke)));
    events.push(testing::event(61 * ms, Process::Client(2), Kind::Ok, read(Kind::Ok)));
    let finding = check(&testing::build(Vec::new(), events));
    let staleness = finding.figures.staleness.unwrap();
    // 3 was in force from 31 ms; 3 and 4 are newer; to make it fit, 3 must reach back or the read must.
    assert_eq!((staleness.stale_reads, staleness.reads, staleness.max_versions), (1, 1, 2));
    assert!((staleness.max_ms - 29.0).abs() < 1e-9);
    assert_eq!(staleness.gamma_ms, Some(19.0));
    assert_eq!(finding.model, ModelName::Linearizable);
}

#[test]
fn without_real_time_there_is_nothing_to_decide() {
    // In the order of its session the last read sees what was overwritten; any other order explains it.
    let plume = "w(1,1,0,0)\nw(1,2,0,1)\nr(1,1,0,2)\n";
    let finding = check(&histories::read::read(plume.as_bytes(), "plume").unwrap());
    assert!(matches!(finding.verdict, Verdict::NotApplicable(_)), "{:?}", finding.verdict);
}
