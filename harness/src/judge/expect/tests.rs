use histories::ModelName;

use super::*;
use crate::judge::outcome::{AnomalyReport, DurabilityReport};
use crate::judge::verdict::VerdictKind::{Invalid, NotApplicable, Unknown, Valid};
use crate::plan::expect::{Comparison, FIGURES, Figure};

fn verdict(model: &str, verdict: VerdictKind, expected: Option<Expected>, kind: &str) -> VerdictReport {
    let kind = histories::AnomalyKind::ALL.iter().find(|known| known.name() == kind);
    let kind = kind.map_or(Violation::NoProgress, |&kind| Violation::Anomaly(kind));
    let anomaly = AnomalyReport {
        events: vec![0],
        lines: vec![2],
        ..AnomalyReport::told(kind, "…".into(), String::new())
    };
    VerdictReport {
        subject: model.parse::<ModelName>().unwrap().into(),
        verdict,
        method: "zones".into(),
        why: (verdict == Unknown).then(|| "the time budget ran out".into()),
        elapsed_ms: 1.0,
        expected,
        refuted: false,
        anomalies: if verdict == Invalid { vec![anomaly] } else { Vec::new() },
    }
}

fn run(mode: &str, seed: u64, outcome: Outcome, verdicts: Vec<VerdictReport>) -> RunOutcome {
    RunOutcome {
        mode: mode.into(),
        workload: "register".into(),
        seed,
        outcome,
        verdicts,
        notes: Vec::new(),
        durability: None,
        ..RunOutcome::complete_example()
    }
}

fn expect(seeds_min: Option<u32>, claims: Vec<Claim>) -> Expectation {
    Expectation { modes: vec!["single/*".into()], workloads: Vec::new(), seeds_min, claims }
}

fn linearizable(expected: Expected) -> Claim {
    Claim::Verdict { model: histories::ModelName::Linearizable, expected, kinds: Vec::new() }
}

fn judge(expectations: &[Expectation], runs: &[RunOutcome]) -> Judgement {
    judge_runs(expectations, &runs.iter().collect::<Vec<_>>())
}

#[test]
fn without_expectations_a_run_must_pass() {
    let broken = vec![verdict("linearizable", Invalid, Some(Expected::Valid), "stale-read")];
    let judgement = judge(&[], &[run("single/quorum", 1, Outcome::Violation, broken)]);
    assert_eq!(judgement.exit(), Exit::Violation);
    insta::assert_snapshot!(
        judgement.missed[0],
        @"register × single/quorum, seed 1: linearizable was promised and is violated (stale-read)"
    );
    assert_eq!(
        judge(&[], &[run("single/quorum", 1, Outcome::Inconclusive, Vec::new())]).exit(),
        Exit::Undecided
    );
    assert_eq!(
        judge(&[], &[run("single/quorum", 1, Outcome::HarnessFailure, Vec::new())]).exit(),
        Exit::HarnessFailure
    );
    assert_eq!(judge(&[], &[run("single/quorum", 1, Outcome::Pass, Vec::new())]).exit(), Exit::Success);
}

#[test]
fn an_expected_violation_passes_and_its_absence_fails() {
    let claims = [expect(None, vec![linearizable(Expected::Invalid)])];
    let shown = vec![verdict("linearizable", Invalid, Some(Expected::Invalid), "stale-read")];
    assert_eq!(judge(&claims, &[run("single/async", 1, Outcome::Violation, shown)]).exit(), Exit::Success);
    let held = vec![verdict("linearizable", Valid, None, "")];
    let judgement = judge(&claims, &[run("single/async", 1, Outcome::Pass, held)]);
    assert_eq!(judgement.exit(), Exit::Violation);
    insta::assert_snapshot!(
        judgement.missed[0],
        @"register × single/async: expected that linearizable is invalid: shown in 0 of at least 1 seeds; it held"
    );
}

#[test]
fn an_expectation_of_one_model_does_not_excuse_another_promise() {
    let claims = [expect(None, vec![linearizable(Expected::Invalid)])];
    let verdicts = vec![
        verdict("linearizable", Invalid, None, "stale-read"),
        verdict("convergence", Invalid, Some(Expected::Valid), "diverged"),
    ];
    let judgement = judge(&claims, &[run("single/async", 1, Outcome::Violation, verdicts)]);
    assert_eq!(judgement.exit(), Exit::Violation);
    assert!(judgement.missed[0].to_string().contains("convergence was promised"), "{judgement:?}");
}

#[test]
fn min_seeds_counts_seeds_and_unknown_ones_leave_it_undecided() {
    let claims = [expect(Some(2), vec![linearizable(Expected::Invalid)])];
    let seen = |seed| {
        run(
            "single/async",
            seed,
            Outcome::Violation,
            vec![verdict("linearizable", Invalid, None, "stale-read")],
        )
    };
    let unknown = run("single/async", 9, Outcome::Pass, vec![verdict("linearizable", Unknown, None, "")]);
    assert_eq!(judge(&claims, &[seen(1), seen(2)]).exit(), Exit::Success);
    assert_eq!(judge(&claims, &[seen(1), seen(1)]).exit(), Exit::Violation, "one seed twice is one seed");
    assert_eq!(judge(&claims, &[seen(1), unknown]).exit(), Exit::Undecided);
    let silent = run("single/async", 1, Outcome::Pass, Vec::new());
    assert_eq!(judge(&claims, &[silent]).exit(), Exit::Undecided, "a model that nobody checked");
}

#[test]
fn valid_must_be_decided_at_least_once() {
    let claims = [expect(None, vec![linearizable(Expected::Valid)])];
    let with = |word: VerdictKind| {
        vec![run("single/quorum", 1, Outcome::Pass, vec![verdict("linearizable", word, None, "")])]
    };
    assert_eq!(judge(&claims, &with(Valid)).exit(), Exit::Success);
    assert_eq!(judge(&claims, &with(NotApplicable)).exit(), Exit::Undecided);
    assert_eq!(judge(&claims, &with(Unknown)).exit(), Exit::Undecided);
    assert_eq!(judge(&claims, &with(Invalid)).exit(), Exit::Violation);
}

#[test]
fn figures_are_read_by_their_path() {
    let claim = Claim::Figure {
        path: "durability.lost".into(),
        comparison: Comparison::parse(">0", Figure::Number).unwrap(),
    };
    let claims = [expect(None, vec![claim])];
    let lost = |lost| {
        let durability = Some(DurabilityReport { lost, ..DurabilityReport::default() });
        RunOutcome { durability, ..run("single/async", 1, Outcome::Pass, Vec::new()) }
    };
    assert_eq!(judge(&claims, &[lost(41)]).exit(), Exit::Success);
    assert_eq!(judge(&claims, &[lost(0)]).exit(), Exit::Violation);
    let unmeasured = run("single/async", 1, Outcome::Pass, Vec::new());
    assert_eq!(judge(&claims, &[unmeasured]).exit(), Exit::Undecided);
}

#[test]
fn an_expectation_for_a_mode_that_was_not_run_says_nothing() {
    let claims =
        [Expectation { modes: vec!["multi/*".into()], ..expect(None, vec![linearizable(Expected::Valid)]) }];
    assert_eq!(judge(&claims, &[run("single/quorum", 1, Outcome::Pass, Vec::new())]).exit(), Exit::Success);
}

#[test]
fn a_mode_must_show_what_it_gives_up_only_under_the_faults_that_were_injected() {
    let mode = systems::Mode {
        name: "single/async".into(),
        preset: "single/async".into(),
        options: Vec::new(),
        promise: vec![histories::ModelName::Convergence],
        survives: vec!["network", "kill"],
        regardless: Vec::new(),
        shows: vec![systems::Show {
            model: histories::ModelName::Durability,
            kinds: vec![histories::AnomalyKind::LostWrite],
            under: vec!["kill:leader".into()],
            with: vec!["set".into()],
            live: true,
        }],
        figures: Vec::new(),
        available_with_majority: true,
        available_with_majorities: true,
        routing: systems::Routing::Sticky,
        copies: None,
        one_object: false,
        led: true,
        purpose: systems::Purpose::Objects,
        layout: nemesis::Layout::single(3),
        about: String::new(),
    };
    let claims = |fault: &str, workload, models| {
        let decided = [(workload, models)].into();
        Expectation::of_mode(&mode, crate::plan::spec::StageName::Live, &[fault.to_owned()], &decided)
    };
    let both: &[ModelName] = &[ModelName::Convergence, ModelName::Durability];
    assert_eq!(claims("kill:leader@3s", "set", both).claims.len(), 2);
    assert_eq!(claims("partition:leader", "set", both).claims.len(), 1);
    assert_eq!(claims("kill:leader", "set", &both[1..]).claims.len(), 1, "no workload decides convergence");
    assert_eq!(claims("kill:leader", "register", both).claims.len(), 1, "registers can't show it");

    let expectation = claims("kill:leader", "set", both);
    let with = |kind| {
        let verdicts = vec![
            verdict("convergence", Valid, Some(Expected::Valid), ""),
            verdict("durability", Invalid, None, kind),
        ];
        run("single/async", 1, Outcome::Violation, verdicts)
    };
    assert_eq!(evaluate(&expectation, &[&with("lost-write")]).exit(), Exit::Success);
    assert_eq!(evaluate(&expectation, &[&with("resurrected")]).exit(), Exit::Violation);
}

#[test]
fn every_figure_of_a_run_can_be_expected_and_no_other() {
    fn collect(prefix: &str, value: &serde_json::Value, figures: &mut Vec<(String, &str)>) {
        let kind = match value {
            serde_json::Value::Object(fields) => {
                for (name, field) in fields {
                    let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                    collect(&path, field, figures);
                }
                return;
            }
            serde_json::Value::Array(_) | serde_json::Value::Null => return,
            serde_json::Value::Bool(_) => "truth",
            serde_json::Value::Number(_) => "number",
            serde_json::Value::String(_) => "word",
        };
        figures.push((prefix.to_owned(), kind));
    }
    let mut figures = Vec::new();
    collect("", &serde_json::to_value(RunOutcome::complete_example()).unwrap(), &mut figures);
    let known = FIGURES.map(|entry| match entry.figure {
        Figure::Number | Figure::Share => (entry.path.to_owned(), "number"),
        Figure::Truth => (entry.path.to_owned(), "truth"),
        Figure::Word(_) => (entry.path.to_owned(), "word"),
    });
    assert_eq!(figures, known);
    let outcomes = FIGURES.iter().find(|entry| entry.path == "outcome").unwrap();
    let Figure::Word(words) = outcomes.figure else { panic!("an outcome is a word") };
    assert_eq!(words, Outcome::ALL.map(Outcome::name));
}
