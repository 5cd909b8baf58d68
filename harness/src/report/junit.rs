//! JUnit: a suite is workload × mode, a case is checker × faults × seed.
//!
//! A violation is a failure; what nobody knows, and what the harness could not do, is an error.

use std::time::Duration;

use indexmap::IndexMap;
use quick_junit::{NonSuccessKind, Property, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::{Purpose, RunsReport};
use crate::cli::exit::Exit;
use crate::judge::expect::{Miss, counts_against};
use crate::judge::outcome::{Outcome, RunOutcome, VerdictReport};
use crate::judge::verdict::VerdictKind;
use crate::plan::expect::{Claim, Expectation};
use crate::report::calibration::{CalibrationReport, Notice};

/// The document as XML.
pub(crate) fn render(report: &RunsReport<'_>) -> Result<String, String> {
    let mut suites: IndexMap<String, TestSuite> = IndexMap::new();
    for run in report.runs {
        let name = format!("{} × {}", run.workload, run.mode);
        let suite = suites.entry(name.clone()).or_insert_with(|| TestSuite::new(name));
        suite.add_property(Property::new("repro", run.reproduce.clone()));
        suite.add_test_cases(cases(run, report.expectations));
    }
    let mut document = Document::new("partita");
    document.add_test_suites(suites.into_values());
    if let Purpose::Calibration(calibration) = report.purpose {
        document.add_test_suite(noticed(calibration));
    }
    if !report.missed.is_empty() {
        document.add_test_suite(missed(report.missed));
    }
    let text = document.to_string().map_err(|error| format!("the JUnit report cannot be made: {error}"))?;
    Ok(without_sum_of_skipped(&text))
}

/// The schema has no such attribute at the root, where the library writes one; nothing here is ever skipped.
fn without_sum_of_skipped(text: &str) -> String {
    let Some((before, rest)) = text.split_once("<testsuites ") else { return text.to_owned() };
    let Some((root, after)) = rest.split_once('>') else { return text.to_owned() };
    format!("{before}<testsuites {}>{after}", root.replace(" skipped=\"0\"", ""))
}

/// The lies that were noticed; those that were not are among what was missed.
fn noticed(calibration: &CalibrationReport) -> TestSuite {
    let mut suite = TestSuite::new("calibration");
    let noticed = calibration.lies.iter().filter(|lie| lie.outcome == Notice::Noticed);
    suite.add_test_cases(noticed.map(|lie| TestCase::new(lie.name.clone(), TestCaseStatus::success())));
    suite
}

/// Some expectations are about many runs at once; so that none is lost, each that was missed is a case as well.
fn missed(missed: &[Miss]) -> TestSuite {
    let mut suite = TestSuite::new("expectations");
    for miss in missed {
        let status = match miss.exit {
            Exit::Violation => failure("violation", &miss.why.to_string(), None),
            Exit::HarnessFailure => error("harness", &miss.why.to_string()),
            _ => error("unknown", &miss.why.to_string()),
        };
        suite.add_test_case(TestCase::new(miss.subject.clone(), status));
    }
    suite
}

fn cases(run: &RunOutcome, expectations: &[Expectation]) -> Vec<TestCase> {
    let decided = run.verdicts.iter().filter(|verdict| !verdict.is(VerdictKind::NotApplicable));
    let mut cases: Vec<TestCase> = decided
        .map(|verdict| case(run, verdict.subject.name(), status(run, verdict, expectations)))
        .collect();
    // What has no verdict to hang on still must not look like a pass.
    match run.outcome {
        Outcome::HarnessFailure => {
            cases.push(case(run, "harness", error("harness", &run.reasons().join("; "))));
        }
        Outcome::Inconclusive => {
            cases.push(case(run, "conclusive", error("unknown", &run.reasons().join("; "))));
        }
        Outcome::Pass | Outcome::Violation | Outcome::Unknown => {}
    }
    if let Some(first) = cases.first_mut() {
        first.set_time(Duration::from_secs_f64((run.elapsed_ms / 1e3).max(0.0)));
    }
    cases
}

fn case(run: &RunOutcome, checker: &str, status: TestCaseStatus) -> TestCase {
    let faults = if run.faults.is_empty() { "none".to_owned() } else { run.faults.join(",") };
    let mut case = TestCase::new(format!("{checker} × {faults} × seed {}", run.seed), status);
    case.set_classname(format!("{}.{}", run.workload, run.mode));
    // The schema of Jenkins' xUnit plugin, which others take over, knows properties of suites only.
    case.set_system_out(format!("again: {}", run.reproduce));
    case
}

fn status(run: &RunOutcome, verdict: &VerdictReport, expectations: &[Expectation]) -> TestCaseStatus {
    match verdict.verdict {
        VerdictKind::Invalid if counts_against(run, verdict, expectations) => {
            let first = verdict.anomalies.first();
            let summary = first.map_or("violated", |anomaly| anomaly.summary.as_str());
            failure("violation", summary, first.map(|anomaly| anomaly.explanation.as_str()))
        }
        VerdictKind::Unknown if verdict.is_promised() || is_claimed(run, verdict, expectations) => {
            error("unknown", verdict.why.as_deref().unwrap_or("undecided"))
        }
        _ => TestCaseStatus::success(),
    }
}

fn is_claimed(run: &RunOutcome, verdict: &VerdictReport, expectations: &[Expectation]) -> bool {
    let covering = expectations.iter().filter(|expectation| expectation.covers(&run.mode, &run.workload));
    let is_of = |claim: &Claim| matches!(claim, Claim::Verdict { model, .. } if verdict.subject == *model);
    covering.flat_map(|expectation| &expectation.claims).any(is_of)
}

fn failure(kind: &str, message: &str, description: Option<&str>) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(kind);
    status.set_message(message);
    if let Some(description) = description {
        status.set_description(description);
    }
    status
}

fn error(kind: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(kind);
    status.set_message(message);
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::expect::{Reason, Why};
    use crate::judge::outcome::AnomalyReport;
    use crate::judge::verdict::Violation;
    use crate::plan::expect::Expected;
    use crate::report::tests::report_of;
    use crate::run::Note;

    #[test]
    fn violations_fail_and_what_nobody_knows_is_an_error() {
        let pass = RunOutcome::complete_example();
        let mut violated = RunOutcome { seed: 8, outcome: Outcome::Violation, ..pass.clone() };
        violated.verdicts[0].verdict = VerdictKind::Invalid;
        violated.verdicts[0].anomalies.push(AnomalyReport {
            events: vec![1],
            lines: vec![3],
            ..AnomalyReport::told(
                Violation::Anomaly(histories::AnomalyKind::StaleRead),
                "client 4 read x = 3".into(),
                "error[stale-read]: client 4 read x = 3\n  --> a:3".into(),
            )
        });
        let mut unknown = RunOutcome { seed: 9, outcome: Outcome::Unknown, ..pass.clone() };
        unknown.verdicts[0].verdict = VerdictKind::Unknown;
        unknown.verdicts[0].why = Some("the time budget ran out".into());
        let failed = Note::Failed { why: "start n2: no port".into() };
        let harness = RunOutcome {
            workload: "set".into(),
            outcome: Outcome::HarnessFailure,
            notes: vec![failed.clone()],
            verdicts: Vec::new(),
            ..pass.clone()
        };
        let missed = [Miss {
            subject: "set".into(),
            why: Why::Failed(vec![Reason::Note(failed)]),
            exit: Exit::HarnessFailure,
            again: None,
        }];
        let runs = [pass, violated.clone(), unknown, harness];
        let report = RunsReport { missed: &missed, ..report_of(&runs) };
        insta::assert_snapshot!(render(&report).unwrap());

        let claim = Claim::Verdict {
            model: histories::ModelName::Linearizable,
            expected: Expected::Invalid,
            kinds: Vec::new(),
        };
        let expectations =
            [Expectation { modes: vec![], workloads: vec![], seeds_min: None, claims: vec![claim] }];
        let runs = [violated];
        let report = RunsReport { exit: Exit::Success, expectations: &expectations, ..report_of(&runs) };
        assert!(render(&report).unwrap().contains("failures=\"0\""), "an expected violation is no failure");
    }
}
