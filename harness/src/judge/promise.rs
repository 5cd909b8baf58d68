//! What a run comes to, against what its mode promises. Too little evidence is never a pass.

use std::collections::BTreeMap;

use checkers::{Finding, Verdict};
use histories::{Applied, FaultWindow, Function, History, ModelName, Nanos};
use nemesis::FaultSpec;
use systems::Mode;

use super::evidence::WeakEvidence;
use super::measure;
use crate::judge::outcome::Outcome;
use crate::plan::faults::{FaultName, OwnFault};
use crate::plan::spec::Violations;
use crate::run::{Note, Pace};

/// What there is to judge by.
pub(crate) struct Facts<'a> {
    pub(crate) mode: &'a Mode,
    /// Operations that the workload issued while faults were in force.
    pub(crate) mix: Vec<Function>,
    /// The faults that were asked for.
    pub(crate) faults: &'a [FaultSpec],
    /// Those that this program brings along.
    pub(crate) own_faults: &'a [&'static OwnFault],
    /// What the mode promises and this workload can decide.
    pub(crate) demands: Vec<ModelName>,
    /// The cluster became ready for the epilogue in time.
    pub(crate) settled: bool,
    /// How the harness drove the run, and the rate that was asked for.
    pub(crate) pace: &'a Pace,
    pub(crate) rate: Option<f64>,
    pub(crate) history: &'a History,
    pub(crate) findings: &'a [Finding],
    pub(crate) counted: Violations,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) outcome: Outcome,
    /// Which demands are undecided.
    pub(crate) undecided: Vec<Note>,
    /// Why a pass would not be convincing: also where something was violated.
    pub(crate) weak_evidence: Vec<WeakEvidence>,
}

/// Fewer answers than this of a kind of operation that the mix holds say nothing.
const OK_PER_KIND_MIN: u64 = 10;
/// A window shorter than this may well pass without an answer.
const WINDOW_MIN: Nanos = Nanos::from_secs(2);
const OK_PER_WINDOW_MIN: u64 = 5;

/// A violation, wherever there is one; else unknown, else inconclusive, else a pass.
pub(crate) fn judge(facts: &Facts<'_>) -> Judgement {
    // What the mode gives up, and what it promises only without these faults, is shown.
    let shown = |model| facts.mode.shows.iter().any(|show| show.model == model) || facts.mode.promises(model);
    let counted =
        |model| facts.demands.contains(&model) || (facts.counted == Violations::Any && shown(model));
    let violated = facts
        .findings
        .iter()
        .any(|finding| counted(finding.model) && matches!(finding.verdict, Verdict::Invalid(_)));
    let undecided = undecided(facts);
    let weak_evidence = weak_evidence(facts);
    let outcome = match (violated, undecided.is_empty(), weak_evidence.is_empty()) {
        (true, _, _) => Outcome::Violation,
        (false, false, _) => Outcome::Unknown,
        (false, true, false) => Outcome::Inconclusive,
        (false, true, true) => Outcome::Pass,
    };
    Judgement { outcome, undecided, weak_evidence }
}

/// Demands that no finding decides.
fn undecided(facts: &Facts<'_>) -> Vec<Note> {
    let undecided = |&model: &ModelName| match facts.findings.iter().find(|finding| finding.model == model) {
        None => Some(Note::Undecided { model, why: None }),
        Some(finding) => {
            finding.verdict.why().map(|why| Note::Undecided { model, why: Some(why.to_owned()) })
        }
    };
    facts.demands.iter().filter_map(undecided).collect()
}

fn weak_evidence(facts: &Facts<'_>) -> Vec<WeakEvidence> {
    let mut weak = Vec::new();
    if !facts.settled {
        weak.push(WeakEvidence::NotReady);
    }
    weak.extend(facts.pace.shortfalls(facts.rate).into_iter().map(WeakEvidence::from));
    weak.extend(rare_operations(facts));
    let windows = named_windows(facts.history);
    weak.extend(faults_without_effect(facts, &windows));
    weak.extend(windows_without_effect(&windows));
    if facts.mode.available_with_majority {
        weak.extend(silent_windows(facts.history, &windows));
    }
    weak
}

/// Each window with its fault.
fn named_windows(history: &History) -> Vec<(FaultName, FaultWindow)> {
    history.fault_windows().into_iter().map(|window| (FaultName::read(&window.name), window)).collect()
}

/// Faults that were asked for and never felt.
fn faults_without_effect(facts: &Facts<'_>, windows: &[(FaultName, FaultWindow)]) -> Vec<WeakEvidence> {
    let felt = || windows.iter().filter(|(_, window)| window.took_effect());
    let happened =
        |asked: &FaultSpec| felt().any(|(fault, _)| fault.spec().is_some_and(|spec| spec.is_same_as(asked)));
    // A mix of many takes turns: a run need not be long enough for each, but for some.
    let mixed = |asked: &FaultSpec| asked.aims_at_any() && felt().next().is_some();
    let never = facts.faults.iter().filter(|asked| !happened(asked) && !mixed(asked));
    // Without the rhythm, as windows are named.
    let never = never.map(|asked| FaultName::read(&asked.name()));
    let own = facts.own_faults.iter().map(|own| FaultName::Foreign(own.name.to_owned()));
    let own = own.filter(|own| !felt().any(|(fault, _)| fault == own));
    never.chain(own).map(|fault| WeakEvidence::FaultWithoutEffect { fault }).collect()
}

/// Of what comes again and again not every time has to have been felt; what could not be done at all is told.
fn windows_without_effect(windows: &[(FaultName, FaultWindow)]) -> Vec<WeakEvidence> {
    let felt = |fault: &FaultName| {
        windows.iter().any(|(other, window)| other.is_same_as(fault) && window.took_effect())
    };
    let skipped = |window: &FaultWindow| matches!(window.applied, Some(Applied::Skipped(_)));
    windows
        .iter()
        // What is frozen at the end leaves less to do the sooner there is progress: nothing may have come its way.
        .filter(|(fault, _)| *fault != FaultName::Freeze)
        .filter(|(fault, window)| !window.took_effect() && (skipped(window) || !felt(fault)))
        .map(|(fault, window)| WeakEvidence::WindowWithoutEffect {
            fault: fault.clone(),
            what: window.what.clone(),
            evidence: window.evidence(),
        })
        .collect()
}

fn rare_operations(facts: &Facts<'_>) -> Vec<WeakEvidence> {
    let mut ok: BTreeMap<&Function, u64> = facts.mix.iter().map(|function| (function, 0)).collect();
    let workload = workload_end(facts.history);
    for operation in facts.history.operations().iter().filter(|op| op.is_ok() && op.invoked <= workload) {
        if let Some(count) = ok.get_mut(&operation.function) {
            *count += 1;
        }
    }
    ok.into_iter()
        .filter(|(_, count)| *count < OK_PER_KIND_MIN)
        .map(|(function, answered)| WeakEvidence::FewAnswers {
            function: function.clone(),
            answered,
            needed: OK_PER_KIND_MIN,
        })
        .collect()
}

/// When the epilogue's reads began: what they read says nothing of the time before.
fn workload_end(history: &History) -> Nanos {
    let updates =
        history.operations().iter().filter(|op| !op.function.is_read() && op.function != Function::Dump);
    updates.map(|op| op.invoked).max().unwrap_or(Nanos::MAX)
}

/// Windows of some length in which hardly anything was answered, though the mode promises to answer with a majority - as
/// long as clocks and links are as they should be, and no other fault takes its share of that majority.
fn silent_windows(history: &History, windows: &[(FaultName, FaultWindow)]) -> Vec<WeakEvidence> {
    let end = history.end();
    let leaves_majority = |fault: &FaultName| fault.spec().is_some_and(FaultSpec::leaves_majority);
    let hampered = |window: &FaultWindow| {
        let others = windows.iter().map(|(_, other)| other).filter(|other| other.fault != window.fault);
        others.into_iter().any(|other| other.from < window.to && window.from < other.to)
    };
    windows
        .iter()
        .filter(|(fault, window)| leaves_majority(fault) && !hampered(window))
        .filter(|(_, window)| window.to.min(end).since(window.from) > WINDOW_MIN)
        .filter_map(|(fault, window)| {
            let inside = |time| window.from <= time && time <= window.to;
            let answered =
                history.operations().iter().filter(|op| inside(op.invoked) && measure::answered(op)).count()
                    as u64;
            (answered < OK_PER_WINDOW_MIN).then(|| WeakEvidence::SilentWindow {
                fault: fault.clone(),
                what: window.what.clone(),
                answered,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
