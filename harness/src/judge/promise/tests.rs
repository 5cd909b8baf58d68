//! Too little evidence is never a pass.

use checkers::Figures;

use std::collections::BTreeSet;

use super::*;
use crate::report::words;
use crate::testing;

/// Twelve reads and writes, one fault from 1 s to 4 s, the heal, and the epilogue's reads.
fn history(reads_before: u64, begun: &str, ended: &str) -> History {
    let mut lines = vec![r#"{"partita":1,"nodes":["n1","n2","n3"]}"#.to_owned()];
    let mut time = 0_u64;
    let mut push = |rest: String| {
        time += 50_000_000;
        let index = lines.len() - 1;
        lines.push(format!(r#"{{"index":{index},"time":{time},{rest}}}"#));
    };
    let pair = |push: &mut dyn FnMut(String), f: &str, value: u64| {
        for kind in ["invoke", "ok"] {
            push(format!(r#""process":0,"type":"{kind}","f":"{f}","key":"x","value":{value},"node":"n1""#));
        }
    };
    let step = |f: &str, applied: &str| {
        let applied = match applied {
            "" => String::new(),
            name => format!(r#","applied":"{name}","evidence":"so it is told""#),
        };
        format!(
            r#""process":"nemesis","type":"info","f":"{f}","value":{{"fault":1,"name":"kill:leader","what":"kill n1"{applied}}}"#
        )
    };
    push(step("begin", ""));
    push(step("begin", begun));
    (0..reads_before).for_each(|value| pair(&mut push, "read", value));
    (0..40).for_each(|value| pair(&mut push, "write", value));
    push(step("end", ""));
    push(step("end", ended));
    push(r#""process":"nemesis","type":"info","f":"heal","value":{}"#.into());
    push(
        r#""process":"nemesis","type":"info","f":"heal","value":{"applied":"installed","evidence":"-"}"#
            .into(),
    );
    (0..30).for_each(|value| pair(&mut push, "read", value));
    histories::read::read(lines.join("\n").as_bytes(), "h").unwrap()
}

fn judged(history: &History, faults: &[&str], verdict: Verdict, settled: bool) -> Judgement {
    let mode = testing::mode("single/quorum");
    let finding = Finding {
        model: ModelName::Linearizable,
        verdict,
        method: "zones",
        figures: Figures::default(),
        elapsed: std::time::Duration::ZERO,
    };
    judge(&Facts {
        mode: &mode,
        mix: vec![Function::Read, Function::Write],
        faults: &FaultSpec::parse_list(&faults.join(",")).unwrap(),
        own_faults: &[],
        demands: vec![ModelName::Linearizable],
        settled,
        pace: &Pace::default(),
        rate: Some(200.0),
        history,
        findings: &[finding],
        counted: Violations::Any,
    })
}

#[test]
fn a_run_with_evidence_passes() {
    let judgement = judged(&history(12, "installed", "installed"), &["kill:leader"], Verdict::Valid, true);
    assert_eq!((judgement.outcome, judgement.weak_evidence), (Outcome::Pass, vec![]));
}

#[test]
fn faults_that_never_came_or_did_nothing_make_it_inconclusive() {
    let thin = |begun, ended, faults: &[&str]| {
        let judgement = judged(&history(12, begun, ended), faults, Verdict::Valid, true);
        assert_eq!(judgement.outcome, Outcome::Inconclusive);
        judgement.weak_evidence.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert!(
        thin("installed", "installed", &["kill:leader", "pause:one"]).starts_with("pause:one was asked for")
    );
    assert!(thin("skipped", "installed", &["kill:leader"]).contains("so it is told"));
    assert!(
        thin("installed", "indeterminate", &["kill:leader"]).contains("is not known to have had an effect")
    );
}

#[test]
fn of_a_mix_of_faults_some_have_to_come_and_not_each() {
    let outcome = |begun, faults: &[&str]| {
        judged(&history(12, begun, "installed"), faults, Verdict::Valid, true).outcome
    };
    assert_eq!(outcome("installed", &["kill:leader", "power:any"]), Outcome::Pass);
    assert_eq!(outcome("skipped", &["kill:leader", "power:any"]), Outcome::Inconclusive);
}

#[test]
fn what_comes_again_and_again_has_to_be_felt_once() {
    let twice = |first: &str, again: &str| {
        let text = String::from(r#"{"partita":1,"nodes":["n1","n2","n3"]}"#);
        let steps =
            [("begin", 1, "installed"), ("end", 1, first), ("begin", 2, again), ("end", 2, "indeterminate")];
        let asked_and_done =
            steps.iter().flat_map(|&(f, fault, applied)| [(f, fault, ""), (f, fault, applied)]);
        let lines = asked_and_done.enumerate().map(|(index, (f, fault, applied))| {
            let told = if applied.is_empty() { String::new() } else { format!(r#","applied":"{applied}","evidence":"-""#) };
            let value = format!(r#"{{"fault":{fault},"name":"clients:one","what":"-"{told}}}"#);
            format!(r#"{{"index":{index},"time":{index},"process":"nemesis","type":"info","f":"{f}","value":{value}}}"#)
        });
        let text = lines.fold(text, |text, line| text + "\n" + &line);
        let history = histories::read::read(text.as_bytes(), "h").unwrap();
        let weak = judged(&history, &["clients:one"], Verdict::Valid, true).weak_evidence;
        weak.iter().any(|weak| matches!(weak, WeakEvidence::WindowWithoutEffect { .. }))
    };
    assert!(!twice("installed", "installed"));
    assert!(twice("indeterminate", "installed"));
    assert!(twice("installed", "skipped"), "it could not even be done");
}

#[test]
fn each_reason_is_told_by_its_kind() {
    let judgement = judged(&history(3, "skipped", "skipped"), &["pause:one"], Verdict::Valid, false);
    let kinds: BTreeSet<&str> = judgement.weak_evidence.iter().map(words::kind).collect();
    assert_eq!(kinds.len(), 3, "{:?}", judgement.weak_evidence);
}

#[test]
fn the_epilogues_reads_do_not_make_up_for_reads_that_failed_before() {
    let judgement = judged(&history(3, "installed", "installed"), &["kill:leader"], Verdict::Valid, true);
    assert_eq!(judgement.outcome, Outcome::Inconclusive);
    let few = WeakEvidence::FewAnswers { function: Function::Read, answered: 3, needed: 10 };
    assert_eq!(few.to_string(), "only 3 read succeeded; 10 are needed to say anything");
    assert_eq!(judgement.weak_evidence, [few]);
}

#[test]
fn a_run_whose_harness_stood_still_is_inconclusive() {
    let history = history(12, "installed", "installed");
    let stall = crate::run::Stall { from: Nanos::from_secs(2), lasted: Nanos::from_secs(5) };
    let mode = testing::mode("single/quorum");
    let judgement = judge(&Facts {
        mode: &mode,
        mix: vec![Function::Read, Function::Write],
        faults: &["kill:leader".parse().unwrap()],
        own_faults: &[],
        demands: Vec::new(),
        settled: true,
        pace: &Pace { stalls: vec![stall], ..Pace::default() },
        rate: Some(200.0),
        history: &history,
        findings: &[],
        counted: Violations::Any,
    });
    assert_eq!(judgement.outcome, Outcome::Inconclusive);
    assert!(matches!(judgement.weak_evidence[..], [WeakEvidence::HarnessStoodStill { times: 1, .. }]));
}

#[test]
fn undecided_demands_and_an_unsettled_cluster_are_no_pass() {
    let history = history(12, "installed", "installed");
    let unknown = judged(&history, &[], Verdict::Unknown("the budget ran out".into()), true);
    assert_eq!(unknown.outcome, Outcome::Unknown);
    assert_eq!(
        unknown.undecided[0].to_string(),
        "linearizable is promised, and undecided: the budget ran out"
    );
    assert_eq!(judged(&history, &[], Verdict::Valid, false).outcome, Outcome::Inconclusive);
}

#[test]
fn a_violation_outranks_thin_evidence_and_keeps_it_told() {
    let judgement = judged(&history(3, "skipped", "skipped"), &[], Verdict::Invalid(Vec::new()), true);
    assert_eq!(judgement.outcome, Outcome::Violation);
    assert_eq!(judgement.weak_evidence.len(), 2);
}

#[test]
fn silence_says_nothing_while_something_else_is_broken() {
    let silent = |condition: &str| {
        let mut lines = vec![r#"{"partita":1,"nodes":["n1","n2","n3"]}"#.to_owned()];
        for (second, f, fault, name) in [
            (1, "begin", 1, condition),
            (2, "begin", 2, "partition:leader"),
            (5, "end", 2, "partition:leader"),
            (6, "end", 1, condition),
        ] {
            // Asked for, and done.
            for applied in ["", r#","applied":"installed","evidence":"-""#] {
                let index = lines.len() - 1;
                let time = second * 1_000_000_000_u64 + index as u64;
                lines.push(format!(
                    r#"{{"index":{index},"time":{time},"process":"nemesis","type":"info","f":"{f}","value":{{"fault":{fault},"name":"{name}","what":"-"{applied}}}}}"#
                ));
            }
        }
        lines.push(
            r#"{"index":8,"time":7000000000,"process":0,"type":"invoke","f":"read","key":"x","node":"n1"}"#
                .into(),
        );
        let history = histories::read::read(lines.join("\n").as_bytes(), "h").unwrap();
        silent_windows(&history, &named_windows(&history))
    };
    assert_eq!(silent("slow:leader"), []);
    assert_eq!(silent("clock:drift:leader"), []);
    assert_eq!(silent("kill:follower"), [], "two faults may leave no majority");
}
