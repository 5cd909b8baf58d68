//! Whether claims were met.
//!
//! Undecided is its own answer: what nobody could tell is neither met nor missed.

use std::collections::BTreeSet;

use super::evidence::WeakEvidence;
use super::outcome::{Outcome, RunOutcome, VerdictReport};
use super::unnoticed::Unnoticed;
use super::verdict::{Subject, VerdictKind, Violation};
use crate::cli::exit::Exit;
use crate::plan::expect::{Claim, Expectation, Expected};
use crate::run::Note;

/// What came of expectations.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Judgement {
    /// How many claims were met.
    pub(crate) met: usize,
    pub(crate) missed: Vec<Miss>,
}

/// A claim that was not met, or that no run could decide.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Miss {
    /// Of which runs: `register × single/quorum`.
    pub(crate) subject: String,
    /// What was expected and what came instead.
    pub(crate) why: Why,
    /// [`Exit::Violation`], [`Exit::Undecided`] or [`Exit::HarnessFailure`].
    pub(crate) exit: Exit,
    /// The command that runs again what shows it; of several runs the first.
    pub(crate) again: Option<String>,
}

/// What was expected and what came instead. [`crate::report::words`] makes words of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Why {
    /// The run came to nothing, for these reasons.
    Failed(Vec<Reason>),
    Inconclusive(Vec<Reason>),
    /// Nothing was expected but a pass, and these were violated.
    Violated(Vec<Violated>),
    /// Nothing was expected but a pass, and these stayed open.
    Open(Vec<Open>),
    /// What was promised beside what was expected.
    BrokenPromise(Subject),
    /// Of a calibration: a lie, or a planted bug, that no checker noticed.
    Unnoticed(Unnoticed),
    OpenPromise(Open),
    Claim {
        claim: Claim,
        came: Came,
    },
}

/// Why a run is what it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reason {
    Weak(WeakEvidence),
    Note(Note),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violated {
    pub(crate) subject: Subject,
    pub(crate) promised: bool,
    pub(crate) shown: Option<Violation>,
}

/// What stayed open, and why, where that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) subject: Subject,
    pub(crate) verdict: VerdictKind,
    pub(crate) why: Option<String>,
}

/// What came instead of what a claim expects.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Came {
    ViolatedInAnotherWay,
    Violated { seed: u64 },
    Held,
    Inconclusive { seed: u64 },
    Open(Open),
    Figure { actual: serde_json::Value, seed: u64 },
    NotMeasured { seed: u64 },
    NoRunCouldTell,
    TooSeldom { shown: usize, seeds_min: u32, reason: Option<Box<Came>> },
}

impl Judgement {
    pub(crate) fn exit(&self) -> Exit {
        self.missed.iter().fold(Exit::Success, |exit, miss| exit.merge(miss.exit))
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.met += other.met;
        self.missed.extend(other.missed);
    }

    fn miss(&mut self, run: &RunOutcome, exit: Exit, why: Why) {
        let subject = format!("{} × {}, seed {}", run.workload, run.mode, run.seed);
        self.missed.push(Miss { subject, why, exit, again: again(run) });
    }
}

/// Judges runs by the expectations that cover them, and by what their modes promise where none speaks. One that was
/// interrupted is judged by what it had violated alone.
pub(crate) fn judge_runs(expectations: &[Expectation], runs: &[&RunOutcome]) -> Judgement {
    let mut judgement = Judgement::default();
    let broken_off = |run: &RunOutcome| !run.finished && run.outcome != Outcome::Violation;
    let runs: Vec<&RunOutcome> = runs.iter().copied().filter(|run| !broken_off(run)).collect();
    for run in &runs {
        let claims: Vec<&Claim> = expectations
            .iter()
            .filter(|e| e.covers(&run.mode, &run.workload))
            .flat_map(|e| &e.claims)
            .collect();
        let covered = expectations.iter().any(|e| e.covers(&run.mode, &run.workload));
        judge_alone(run, covered.then_some(&claims), &mut judgement);
    }
    for expectation in expectations {
        judgement.extend(evaluate(expectation, &runs));
    }
    judgement
}

/// Whether a violation of this, if it is one, counts against the run: unless a claim expects it, or claims speak of the run
/// and nothing promises it.
pub(crate) fn counts_against(
    run: &RunOutcome,
    verdict: &VerdictReport,
    expectations: &[Expectation],
) -> bool {
    let mut covering =
        expectations.iter().filter(|expectation| expectation.covers(&run.mode, &run.workload)).peekable();
    let covered = covering.peek().is_some();
    let expected = covering.flat_map(|expectation| &expectation.claims).find_map(|claim| match claim {
        Claim::Verdict { model, expected, .. } if verdict.subject == *model => Some(*expected),
        _ => None,
    });
    match expected {
        Some(expected) => expected == Expected::Valid,
        None => verdict.is_promised() || (!covered && run.outcome == Outcome::Violation),
    }
}

fn again(run: &RunOutcome) -> Option<String> {
    Some(run.reproduce.clone()).filter(|command| !command.is_empty())
}

/// A run by itself: what no claim speaks of must still be as promised.
fn judge_alone(run: &RunOutcome, claims: Option<&Vec<&Claim>>, judgement: &mut Judgement) {
    match (run.outcome, claims) {
        (Outcome::HarnessFailure, _) => {
            judgement.miss(run, Exit::HarnessFailure, Why::Failed(reasons(run)));
        }
        (Outcome::Inconclusive, _) => {
            judgement.miss(run, Exit::Undecided, Why::Inconclusive(reasons(run)));
        }
        (Outcome::Pass, None) => judgement.met += 1,
        (Outcome::Violation, None) => {
            judgement.miss(run, Exit::Violation, Why::Violated(violations(run)));
        }
        (Outcome::Unknown, None) => judgement.miss(run, Exit::Undecided, undecided(run)),
        (Outcome::Pass | Outcome::Violation | Outcome::Unknown, Some(claims)) => {
            if !run.weak_evidence.is_empty() {
                let weak = run.weak_evidence.iter().cloned().map(Reason::Weak).collect();
                judgement.miss(run, Exit::Undecided, Why::Inconclusive(weak));
            }
            promised_beside(run, claims, judgement);
        }
    }
}

/// The promised models that no claim names.
fn promised_beside(run: &RunOutcome, claims: &[&Claim], judgement: &mut Judgement) {
    let named = |verdict: &VerdictReport| {
        claims.iter().any(|claim| matches!(claim, Claim::Verdict { model, .. } if verdict.subject == *model))
    };
    for verdict in run.verdicts.iter().filter(|verdict| verdict.is_promised() && !named(verdict)) {
        match verdict.verdict {
            VerdictKind::Valid => judgement.met += 1,
            VerdictKind::Invalid => {
                judgement.miss(run, Exit::Violation, Why::BrokenPromise(verdict.subject));
            }
            VerdictKind::Unknown | VerdictKind::NotApplicable => {
                judgement.miss(run, Exit::Undecided, Why::OpenPromise(open(verdict)));
            }
        }
    }
}

fn reasons(run: &RunOutcome) -> Vec<Reason> {
    let weak = run.weak_evidence.iter().cloned().map(Reason::Weak);
    weak.chain(run.notes.iter().cloned().map(Reason::Note)).collect()
}

/// Every violated model, with what shows it.
fn violations(run: &RunOutcome) -> Vec<Violated> {
    let invalid = run.verdicts.iter().filter(|verdict| verdict.is(VerdictKind::Invalid));
    let violated = |verdict: &VerdictReport| Violated {
        subject: verdict.subject,
        promised: verdict.is_promised(),
        shown: verdict.anomalies.first().map(|anomaly| anomaly.kind),
    };
    invalid.map(violated).collect()
}

fn undecided(run: &RunOutcome) -> Why {
    let unknown = run.verdicts.iter().filter(|verdict| verdict.is(VerdictKind::Unknown));
    let open: Vec<Open> = unknown.map(open).collect();
    if open.is_empty() { Why::Failed(reasons(run)) } else { Why::Open(open) }
}

fn open(verdict: &VerdictReport) -> Open {
    Open { subject: verdict.subject, verdict: verdict.verdict, why: verdict.why.clone() }
}

/// What one run says of a claim.
enum Answer {
    Yes,
    /// With what came instead.
    No(Came),
    Undecided(Came),
    /// The claim does not apply to this run; it takes another to say something.
    Silent,
}

/// The claims of one expectation over the runs that it covers; nothing where it covers none.
pub(crate) fn evaluate(expectation: &Expectation, runs: &[&RunOutcome]) -> Judgement {
    let mut judgement = Judgement::default();
    let covered: Vec<&RunOutcome> = runs
        .iter()
        .copied()
        .filter(|run| run.outcome != Outcome::HarnessFailure && expectation.covers(&run.mode, &run.workload))
        .collect();
    if covered.is_empty() {
        return judgement;
    }
    let subject = subject(&covered);
    for claim in &expectation.claims {
        let answers: Vec<(&RunOutcome, Answer)> =
            covered.iter().map(|&run| (run, answer(claim, run))).collect();
        let outcome = match (claim, expectation.seeds_min) {
            (Claim::Verdict { expected: Expected::Valid, .. }, _) | (Claim::Figure { .. }, None) => {
                in_every_run(answers)
            }
            (_, seeds_min) => in_some_seeds(answers, seeds_min.unwrap_or(1)),
        };
        match outcome {
            Ok(()) => judgement.met += 1,
            Err(Missed { exit, came, run }) => judgement.missed.push(Miss {
                subject: subject.clone(),
                why: Why::Claim { claim: claim.clone(), came },
                exit,
                again: run.or(covered.first().copied()).and_then(again),
            }),
        }
    }
    judgement
}

fn subject(runs: &[&RunOutcome]) -> String {
    let joined = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(",");
    let workloads = joined(runs.iter().map(|run| run.workload.as_str()).collect());
    let modes = joined(runs.iter().map(|run| run.mode.as_str()).collect());
    format!("{workloads} × {modes}")
}

fn answer(claim: &Claim, run: &RunOutcome) -> Answer {
    match claim {
        Claim::Verdict { model, expected, kinds } => {
            let Some(verdict) = run.verdict_on(*model) else { return Answer::Silent };
            let of_a_kind = || {
                let shown = |kind| verdict.anomalies.iter().any(|a| a.kind == Violation::Anomaly(kind));
                kinds.is_empty() || kinds.iter().any(|&kind| shown(kind))
            };
            let seed = run.seed;
            match (verdict.verdict, expected) {
                (VerdictKind::Valid, Expected::Valid) => Answer::Yes,
                (VerdictKind::Invalid, Expected::Invalid) if of_a_kind() => Answer::Yes,
                (VerdictKind::Invalid, Expected::Invalid) => Answer::No(Came::ViolatedInAnotherWay),
                (VerdictKind::Invalid, Expected::Valid) => Answer::No(Came::Violated { seed }),
                (VerdictKind::Valid, Expected::Invalid) if run.outcome == Outcome::Inconclusive => {
                    Answer::Undecided(Came::Inconclusive { seed })
                }
                (VerdictKind::Valid, Expected::Invalid) => Answer::No(Came::Held),
                (VerdictKind::NotApplicable, _) => Answer::Silent,
                (VerdictKind::Unknown, _) => Answer::Undecided(Came::Open(open(verdict))),
            }
        }
        Claim::Figure { path, comparison } => {
            let (actual, seed) = (figure(run, path), run.seed);
            match comparison.holds(&actual) {
                Some(true) => Answer::Yes,
                Some(false) => Answer::No(Came::Figure { actual, seed }),
                None => Answer::Undecided(Came::NotMeasured { seed }),
            }
        }
    }
}

/// The JSON at a path such as `durability.lost`, null where there is none.
fn figure(run: &RunOutcome, path: &str) -> serde_json::Value {
    // Our types have string keys only, so they always serialise.
    let whole = serde_json::to_value(run).unwrap_or_default();
    path.split('.').fold(whole, |value, field| value.get(field).cloned().unwrap_or_default())
}

/// A claim that was not met.
struct Missed<'r> {
    exit: Exit,
    came: Came,
    /// The run that shows it, where one does.
    run: Option<&'r RunOutcome>,
}

fn in_every_run(answers: Vec<(&RunOutcome, Answer)>) -> Result<(), Missed<'_>> {
    let mut held = false;
    let mut undecided = None;
    for (run, answer) in answers {
        match answer {
            Answer::Yes => held = true,
            Answer::No(came) => return Err(Missed { exit: Exit::Violation, came, run: Some(run) }),
            Answer::Undecided(came) => {
                undecided = Some(Missed { exit: Exit::Undecided, came, run: Some(run) });
            }
            Answer::Silent => {}
        }
    }
    match undecided {
        Some(missed) => Err(missed),
        None if held => Ok(()),
        None => Err(Missed { exit: Exit::Undecided, came: Came::NoRunCouldTell, run: None }),
    }
}

fn in_some_seeds(answers: Vec<(&RunOutcome, Answer)>, seeds_min: u32) -> Result<(), Missed<'_>> {
    let mut shown = BTreeSet::new();
    let mut possible = BTreeSet::new();
    let mut reason = None;
    for (run, answer) in answers {
        match answer {
            Answer::Yes => {
                shown.insert(run.seed);
                possible.insert(run.seed);
            }
            Answer::Undecided(came) => {
                possible.insert(run.seed);
                reason = Some((came, run));
            }
            Answer::No(came) => reason = reason.or(Some((came, run))),
            Answer::Silent => {}
        }
    }
    if shown.len() >= seeds_min as usize {
        return Ok(());
    }
    if possible.is_empty() && reason.is_none() {
        return Err(Missed { exit: Exit::Undecided, came: Came::NoRunCouldTell, run: None });
    }
    let exit = if possible.len() >= seeds_min as usize { Exit::Undecided } else { Exit::Violation };
    let (reason, run) = reason.map_or((None, None), |(came, run)| (Some(Box::new(came)), Some(run)));
    Err(Missed { exit, came: Came::TooSeldom { shown: shown.len(), seeds_min, reason }, run })
}

#[cfg(test)]
mod tests;
