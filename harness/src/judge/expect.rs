//! Whether claims were met.
//!
//! Undecided is its own answer: what nobody could tell is neither met nor missed.

use std::collections::BTreeSet;
use std::fmt;

use super::outcome::{Outcome, RunOutcome, VerdictReport};
use crate::cli::exit::Exit;
use crate::plan::expect::{Claim, Expectation, Expected};

/// What came of expectations.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Judgement {
    /// How many claims were met.
    pub(crate) met: usize,
    pub(crate) missed: Vec<Miss>,
}

/// A claim that was not met, or of which nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Miss {
    /// Of which runs: `register × single/quorum`.
    pub(crate) subject: String,
    /// What was expected and what came instead.
    pub(crate) why: String,
    /// [`Exit::Violation`], [`Exit::Undecided`] or [`Exit::HarnessFailure`].
    pub(crate) exit: Exit,
}

impl Judgement {
    pub(crate) fn exit(&self) -> Exit {
        self.missed.iter().fold(Exit::Success, |exit, miss| exit.merge(miss.exit))
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.met += other.met;
        self.missed.extend(other.missed);
    }

    fn miss(&mut self, subject: &str, exit: Exit, why: impl Into<String>) {
        self.missed.push(Miss { subject: subject.to_owned(), why: why.into(), exit });
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.why)
    }
}

/// Judges runs by the expectations that cover them, and by what their modes promise where none speaks.
pub(crate) fn judge_runs(expectations: &[Expectation], runs: &[&RunOutcome]) -> Judgement {
    let mut judgement = Judgement::default();
    for run in runs {
        let claims: Vec<&Claim> = expectations
            .iter()
            .filter(|e| e.covers(&run.mode, &run.workload))
            .flat_map(|e| &e.claims)
            .collect();
        let covered = expectations.iter().any(|e| e.covers(&run.mode, &run.workload));
        judge_alone(run, covered.then_some(&claims), &mut judgement);
    }
    for expectation in expectations {
        judgement.extend(evaluate(expectation, runs));
    }
    judgement
}

/// A run by itself: what no claim speaks of must still be as promised.
fn judge_alone(run: &RunOutcome, claims: Option<&Vec<&Claim>>, judgement: &mut Judgement) {
    let subject = format!("{} × {}, seed {}", run.workload, run.mode, run.seed);
    match (run.outcome, claims) {
        (Outcome::HarnessFailure, _) => judgement.miss(&subject, Exit::HarnessFailure, notes(run)),
        (Outcome::Inconclusive, _) => {
            judgement.miss(&subject, Exit::Undecided, format!("inconclusive: {}", notes(run)));
        }
        (Outcome::Pass, None) => judgement.met += 1,
        (Outcome::Violation, None) => judgement.miss(&subject, Exit::Violation, violations(run)),
        (Outcome::Unknown, None) => judgement.miss(&subject, Exit::Undecided, undecided(run)),
        (Outcome::Pass | Outcome::Violation | Outcome::Unknown, Some(claims)) => {
            if !run.thin.is_empty() {
                judgement.miss(&subject, Exit::Undecided, format!("inconclusive: {}", run.thin.join("; ")));
            }
            promised_beside(run, claims, &subject, judgement);
        }
    }
}

/// The promised models that no claim names.
fn promised_beside(run: &RunOutcome, claims: &[&Claim], subject: &str, judgement: &mut Judgement) {
    let named = |verdict: &VerdictReport| {
        claims
            .iter()
            .any(|claim| matches!(claim, Claim::Verdict { model, .. } if model.name() == verdict.model))
    };
    let promised = run.verdicts.iter().filter(|v| v.expected.as_deref() == Some("valid") && !named(v));
    for verdict in promised {
        match verdict.verdict.as_str() {
            "valid" => judgement.met += 1,
            "invalid" => judgement.miss(
                subject,
                Exit::Violation,
                format!("{} was promised and is violated", verdict.model),
            ),
            _ => judgement.miss(subject, Exit::Undecided, format!("{}: {}", verdict.model, why(verdict))),
        }
    }
}

fn notes(run: &RunOutcome) -> String {
    let reasons = run.reasons();
    if reasons.is_empty() { "no reason was given".into() } else { reasons.join("; ") }
}

/// Every violated model, with what shows it.
fn violations(run: &RunOutcome) -> String {
    let invalid = run.verdicts.iter().filter(|verdict| verdict.verdict == "invalid");
    let texts: Vec<String> = invalid
        .map(|verdict| {
            let shown = verdict.anomalies.first().map_or("violated", |anomaly| anomaly.kind.as_str());
            match verdict.expected.as_deref() {
                Some("valid") => format!("{} was promised and is violated ({shown})", verdict.model),
                _ => format!("{} is violated ({shown})", verdict.model),
            }
        })
        .collect();
    if texts.is_empty() { "a violation".into() } else { texts.join("; ") }
}

fn undecided(run: &RunOutcome) -> String {
    let texts: Vec<String> = run
        .verdicts
        .iter()
        .filter(|verdict| verdict.verdict == "unknown")
        .map(|verdict| format!("{} is undecided: {}", verdict.model, why(verdict)))
        .collect();
    if texts.is_empty() { notes(run) } else { texts.join("; ") }
}

fn why(verdict: &VerdictReport) -> String {
    verdict.why.clone().unwrap_or_else(|| verdict.verdict.clone())
}

/// What one run says of a claim.
enum Answer {
    Yes,
    /// With what came instead.
    No(String),
    Undecided(String),
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
        let answers: Vec<(u64, Answer)> = covered.iter().map(|run| (run.seed, answer(claim, run))).collect();
        let outcome = match (claim, expectation.seeds_min) {
            (Claim::Verdict { expected: Expected::Valid, .. }, _) | (Claim::Figure { .. }, None) => {
                in_every_run(answers)
            }
            (_, seeds_min) => in_some_seeds(answers, seeds_min.unwrap_or(1)),
        };
        match outcome {
            Ok(()) => judgement.met += 1,
            Err((exit, why)) => judgement.miss(&subject, exit, format!("expected that {claim}: {why}")),
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
            let Some(verdict) = run.verdicts.iter().find(|verdict| verdict.model == model.name()) else {
                return Answer::Silent;
            };
            let of_a_kind = |verdict: &VerdictReport| {
                kinds.is_empty()
                    || verdict.anomalies.iter().any(|a| kinds.iter().any(|kind| kind.name() == a.kind))
            };
            match (verdict.verdict.as_str(), expected) {
                ("valid", Expected::Valid) => Answer::Yes,
                ("invalid", Expected::Invalid) if of_a_kind(verdict) => Answer::Yes,
                ("invalid", Expected::Invalid) => Answer::No("it is violated, but in another way".into()),
                ("invalid", Expected::Valid) => Answer::No(format!("it is violated in seed {}", run.seed)),
                ("valid", Expected::Invalid) if run.outcome == Outcome::Inconclusive => {
                    Answer::Undecided(format!("seed {} was inconclusive", run.seed))
                }
                ("valid", Expected::Invalid) => Answer::No("it held".into()),
                ("not-applicable", _) => Answer::Silent,
                _ => Answer::Undecided(why(verdict)),
            }
        }
        Claim::Figure { path, comparison } => {
            let actual = figure(run, path);
            match comparison.holds(&actual) {
                Some(true) => Answer::Yes,
                Some(false) => Answer::No(format!("it is {actual} in seed {}", run.seed)),
                None => Answer::Undecided(format!("it was not measured in seed {}", run.seed)),
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

fn in_every_run(answers: Vec<(u64, Answer)>) -> Result<(), (Exit, String)> {
    let mut held = false;
    let mut undecided = None;
    for (_, answer) in answers {
        match answer {
            Answer::Yes => held = true,
            Answer::No(why) => return Err((Exit::Violation, why)),
            Answer::Undecided(why) => undecided = Some(why),
            Answer::Silent => {}
        }
    }
    match undecided {
        Some(why) => Err((Exit::Undecided, why)),
        None if held => Ok(()),
        None => Err((Exit::Undecided, "no run could tell".into())),
    }
}

fn in_some_seeds(answers: Vec<(u64, Answer)>, seeds_min: u32) -> Result<(), (Exit, String)> {
    let mut shown = BTreeSet::new();
    let mut possible = BTreeSet::new();
    let mut reason = None;
    for (seed, answer) in answers {
        match answer {
            Answer::Yes => {
                shown.insert(seed);
                possible.insert(seed);
            }
            Answer::Undecided(why) => {
                possible.insert(seed);
                reason = Some(why);
            }
            Answer::No(why) => reason = reason.or(Some(why)),
            Answer::Silent => {}
        }
    }
    if shown.len() >= seeds_min as usize {
        return Ok(());
    }
    if possible.is_empty() && reason.is_none() {
        return Err((Exit::Undecided, "no run could tell".into()));
    }
    let exit = if possible.len() >= seeds_min as usize { Exit::Undecided } else { Exit::Violation };
    let reason = reason.map_or_else(String::new, |why| format!("; {why}"));
    Err((exit, format!("shown in {} of at least {seeds_min} seeds{reason}", shown.len())))
}

#[cfg(test)]
mod tests;
