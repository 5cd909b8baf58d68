//! What was seen of a run beside its history, as verdicts: by somebody who looks into all replicas, and by whoever waits for
//! an answer. No checker is asked.

use nemesis::FaultSpec;

use super::crashed;
use crate::judge::outcome::{AnomalyReport, Outcome, RunOutcome, VerdictReport};
use crate::judge::verdict::{Expected, Subject, VerdictKind, Violation};
use crate::plan::spec::{RunSpec, Violations};
use crate::run::Conducted;
use crate::run::conductor::{Liveness, Progressed};

/// Adds these verdicts to an outcome; one that is invalid is a violation whatever a client saw.
pub(super) fn add(outcome: &mut RunOutcome, spec: &RunSpec, faults: &[FaultSpec], conducted: &Conducted) {
    let progress = spec.requires_progress().then(|| progress(spec, conducted.progressed.as_ref())).flatten();
    // A node of the bundled store that ends is a failure of the harness, and no verdict: see `execute_in`.
    let crashed = conducted.crashed.as_ref().filter(|_| !spec.system.is_bundled()).map(crashed::finding);
    // As what clients see, it is only shown under faults that the mode does not survive.
    let survived = spec.mode.survives_all(faults);
    let contradiction =
        conducted.broken.as_deref().filter(|_| survived || spec.violations == Violations::Any);
    let contradiction = contradiction.map(|broken| contradiction_of(broken, survived));
    for verdict in contradiction.into_iter().chain(progress).chain(crashed) {
        if verdict.is(VerdictKind::Invalid) {
            outcome.outcome = Outcome::Violation;
        }
        outcome.verdicts.push(verdict);
    }
}

/// A bug of the protocol, caught where it happens, whether or not a client has seen anything of it.
fn contradiction_of(broken: &str, survived: bool) -> VerdictReport {
    let summary = format!("replicas contradict each other: {broken}");
    let expected = if survived { Expected::Valid } else { Expected::Invalid };
    VerdictReport {
        expected: Some(expected),
        ..violated(Subject::Replicas, "invariants", Violation::BrokenInvariant, summary)
    }
}

/// Whether a majority made progress without the others; `None` where it never came to that.
fn progress(spec: &RunSpec, progressed: Option<&Progressed>) -> Option<VerdictReport> {
    let verdict = |verdict, why: Option<String>, expected| VerdictReport {
        subject: Subject::Progress,
        verdict,
        method: Liveness::NAME.to_owned(),
        why,
        elapsed_ms: 0.0,
        expected,
        refuted: false,
        anomalies: Vec::new(),
    };
    if !spec.mode.available_with_majorities {
        let why = format!("{} does not promise to go on without a minority", spec.mode.name);
        return Some(verdict(VerdictKind::NotApplicable, Some(why), None));
    }
    let Progressed { lost, within, missing, asked, answered } = progressed?;
    if within.is_some() || missing.is_empty() && *answered > 0 {
        return Some(verdict(VerdictKind::Valid, None, Some(Expected::Valid)));
    }
    if missing.is_empty() {
        let why = "clients asked for too little".to_owned();
        return Some(verdict(VerdictKind::Unknown, Some(why), Some(Expected::Valid)));
    }
    let deadline = Liveness::DEADLINE.as_secs_f64();
    let missing = missing.join(", ");
    let summary = format!(
        "{missing} was answered within {deadline} s by those whom this left: {lost}; {asked} operations were asked of \
         them"
    );
    Some(violated(Subject::Progress, Liveness::NAME, Violation::NoProgress, summary))
}

fn violated(subject: Subject, method: &str, kind: Violation, summary: String) -> VerdictReport {
    VerdictReport {
        subject,
        verdict: VerdictKind::Invalid,
        method: method.to_owned(),
        why: None,
        elapsed_ms: 0.0,
        expected: Some(Expected::Valid),
        refuted: false,
        anomalies: vec![AnomalyReport::told(kind, summary, String::new())],
    }
}
