//! What a run comes to, against what its mode promises. Too little evidence is never a pass.

use std::collections::{BTreeMap, BTreeSet};

use checkers::{Finding, Verdict};
use histories::{Applied, FaultWindow, Function, History, ModelName, Nanos};
use nemesis::FaultSpec;
use systems::Mode;

use super::measure;
use crate::judge::outcome::Outcome;
use crate::plan::spec::Violations;
use crate::run::Pace;
use crate::run::conductor::Liveness;

/// What there is to judge by.
pub(crate) struct Facts<'a> {
    pub(crate) mode: &'a Mode,
    /// Operations that the workload issued while faults were in force.
    pub(crate) mix: Vec<Function>,
    /// The faults that were asked for, by name and aim.
    pub(crate) faults: Vec<String>,
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) outcome: Outcome,
    /// Which demands are undecided, one a line.
    pub(crate) undecided: Vec<String>,
    /// Why what held says little, one reason a line: also where something else was violated.
    pub(crate) thin: Vec<String>,
}

/// Fewer answers than this of a kind of operation that the mix holds say nothing.
const OK_PER_KIND_MIN: u64 = 10;
/// A window shorter than this may well pass without an answer.
const WINDOW_MIN: Nanos = Nanos::from_secs(2);
const OK_PER_WINDOW_MIN: u64 = 5;

/// A violation, wherever there is one; else unknown, else inconclusive, else a pass.
pub(crate) fn judge(facts: &Facts<'_>) -> Judgement {
    // What the mode gives up, and what it promises only without these faults, is shown.
    let shown = facts.mode.shows.iter().map(|show| show.model).chain(facts.mode.promise.iter().copied());
    let shown = shown.filter(|_| facts.counted == Violations::Any);
    let counted: Vec<ModelName> = facts.demands.iter().copied().chain(shown).collect();
    let violated = facts
        .findings
        .iter()
        .any(|finding| counted.contains(&finding.model) && matches!(finding.verdict, Verdict::Invalid(_)));
    let undecided = undecided(facts);
    let thin = inconclusive(facts);
    let outcome = match (violated, undecided.is_empty(), thin.is_empty()) {
        (true, _, _) => Outcome::Violation,
        (false, false, _) => Outcome::Unknown,
        (false, true, false) => Outcome::Inconclusive,
        (false, true, true) => Outcome::Pass,
    };
    Judgement { outcome, undecided, thin }
}

/// Demands that no finding decides.
fn undecided(facts: &Facts<'_>) -> Vec<String> {
    let undecided = |model: &ModelName| match facts.findings.iter().find(|finding| finding.model == *model) {
        None => Some(format!("{model} is promised, and no checker decided it")),
        Some(finding) => {
            finding.verdict.why().map(|why| format!("{model} is promised, and undecided: {why}"))
        }
    };
    facts.demands.iter().filter_map(undecided).collect()
}

/// What thin evidence says, and what is counted where there are many runs.
const KINDS: [(&str, &str); 6] = [
    ("the harness stood still", "a harness that stood still"),
    (" while a client was free", "a harness that was too slow"),
    (" become ready for the final reads", "not ready for the final reads"),
    (" are needed to say anything", "too few of an operation"),
    (" known to have had an effect", "faults without a known effect"),
    (" operations succeeded during ", "silent under a fault"),
];

/// The kinds of reasons that a judgement calls thin.
pub(crate) fn kinds(thin: &[String]) -> BTreeSet<&'static str> {
    let kind = |text: &String| KINDS.iter().find(|(part, _)| text.contains(part)).map(|(_, kind)| *kind);
    thin.iter().filter_map(kind).collect()
}

fn inconclusive(facts: &Facts<'_>) -> Vec<String> {
    let mut why = Vec::new();
    if !facts.settled {
        why.push("the cluster did not become ready for the final reads".to_owned());
    }
    why.extend(facts.pace.thin(facts.rate));
    why.extend(rare_operations(facts));
    let windows = facts.history.fault_windows();
    let happened =
        |fault: &&String| windows.iter().any(|window| window.name == **fault && window.took_effect());
    // A mix of many takes turns: a run need not be long enough for each, but for some.
    let mixed = |fault: &&String| fault.ends_with(":any") && windows.iter().any(FaultWindow::took_effect);
    let never = facts.faults.iter().filter(|fault| !happened(fault) && !mixed(fault));
    why.extend(
        never.map(|fault| format!("{fault} was asked for, and no such fault is known to have had an effect")),
    );
    // Of what comes again and again not every time has to have been felt; what could not be done at all is told.
    let felt = |name: &str| windows.iter().any(|window| window.name == name && window.took_effect());
    let skipped = |window: &FaultWindow| matches!(window.applied, Some(Applied::Skipped(_)));
    // What is frozen at the end leaves less to do the sooner there is progress: nothing may have come its way.
    for window in windows.iter().filter(|window| window.name != Liveness::NAME) {
        if !window.took_effect() && (skipped(window) || !felt(&window.name)) {
            let (name, what, evidence) = (&window.name, &window.what, window.evidence());
            why.push(format!("{name} ({what}) is not known to have had an effect: {evidence}"));
        }
    }
    if facts.mode.available_with_majority {
        why.extend(silent_windows(facts.history));
    }
    why
}

fn rare_operations(facts: &Facts<'_>) -> Vec<String> {
    let mut ok: BTreeMap<&Function, u64> = facts.mix.iter().map(|function| (function, 0)).collect();
    let workload = workload_end(facts.history);
    for operation in facts.history.operations().iter().filter(|op| op.is_ok() && op.invoked <= workload) {
        if let Some(count) = ok.get_mut(&operation.function) {
            *count += 1;
        }
    }
    ok.into_iter()
        .filter(|(_, count)| *count < OK_PER_KIND_MIN)
        .map(|(function, count)| {
            format!("only {count} {function} succeeded; {OK_PER_KIND_MIN} are needed to say anything")
        })
        .collect()
}

/// When the epilogue's reads began: what they read says nothing of the time before.
fn workload_end(history: &History) -> Nanos {
    let updates =
        history.operations().iter().filter(|op| !measure::is_read(op) && op.function != Function::Dump);
    updates.map(|op| op.invoked).max().unwrap_or(Nanos::MAX)
}

/// Windows of some length in which hardly anything was answered, though the mode promises to answer with a majority - as
/// long as clocks and links are as they should be, and no other fault takes its share of that majority.
fn silent_windows(history: &History) -> Vec<String> {
    let end = history.end();
    let windows = history.fault_windows();
    let hampered = |window: &FaultWindow| {
        let others = windows.iter().filter(|other| other.fault != window.fault);
        others.into_iter().any(|other| other.from < window.to && window.from < other.to)
    };
    windows
        .iter()
        .filter(|window| leaves_majority(&window.name) && !hampered(window))
        .filter(|window| window.to.min(end).since(window.from) > WINDOW_MIN)
        .filter_map(|window| {
            let inside = |time| window.from <= time && time <= window.to;
            let answered =
                history.operations().iter().filter(|op| inside(op.invoked) && measure::answered(op)).count()
                    as u64;
            (answered < OK_PER_WINDOW_MIN).then(|| {
                format!("only {answered} operations succeeded during {} ({})", window.name, window.what)
            })
        })
        .collect()
}

/// What cannot be read is no fault of ours.
fn leaves_majority(fault: &str) -> bool {
    fault.parse::<FaultSpec>().is_ok_and(|spec| spec.leaves_majority())
}

#[cfg(test)]
mod tests;
