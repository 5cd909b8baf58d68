//! From a history to the outcome of its run. Pure: it reads and writes nothing.

use std::path::Path;

use checkers::{Budget, Finding};
use histories::{History, ModelName, Nanos};

use super::promise::{Facts, judge};
use super::{beside, crashed, measure, own};
use crate::judge::findings;
use crate::judge::outcome::{
    ConflictsReport, ConvergenceReport, DurabilityReport, Outcome, RunOutcome, StalenessReport,
};
use crate::plan::spec::RunSpec;
use crate::run::{Conducted, Note, Prepared, RunFolder};

/// Checks a history and says what the run came to. `dir` is where it lies, empty where it lies nowhere.
pub(super) fn examine(
    spec: &RunSpec,
    prepared: &Prepared,
    dir: &Path,
    models: &[ModelName],
    history: &History,
    conducted: &Conducted,
) -> RunOutcome {
    let findings = found(spec, models, history, conducted);
    let facts = Facts {
        mode: &spec.mode,
        mix: prepared.mix(),
        faults: &prepared.faults,
        own_faults: &prepared.own_faults,
        demands: prepared.demands(spec),
        settled: conducted.settled,
        pace: &conducted.pace,
        // A script issues its operations at times of its own.
        rate: spec.rate.filter(|_| spec.script.is_none()),
        history,
        findings: &findings,
        counted: spec.violations,
    };
    let judgement = judge(&facts);
    let figure = |pick: fn(&checkers::Figures) -> bool| findings.iter().map(|f| &f.figures).find(|f| pick(f));
    let final_figure =
        |pick: fn(&checkers::Figures) -> bool| figure(pick).filter(|_| conducted.crashed.is_none());
    let durability = final_figure(|f| f.durability.is_some()).and_then(|f| f.durability.as_ref());
    let convergence = final_figure(|f| f.convergence.is_some()).and_then(|f| f.convergence.as_ref());
    let staleness = figure(|f| f.staleness.is_some()).and_then(|f| f.staleness.as_ref());
    let conflicts = figure(|f| f.conflicts.as_ref().is_some_and(|conflicts| conflicts.updates > 0));
    let (file, reproduce) = (dir.join(RunFolder::HISTORY).display().to_string(), spec.reproduce());
    let mut outcome = RunOutcome {
        suite: spec.suite.clone(),
        system: spec.system.name().to_owned(),
        mode: spec.mode.name.clone(),
        workload: spec.workload.clone(),
        faults: prepared.fault_names(),
        seed: spec.seed,
        stage: spec.stage,
        dir: dir.display().to_string(),
        outcome: judgement.outcome,
        finished: true,
        notes: notes(spec, prepared, conducted, judgement.undecided, conducted.pace.note(facts.rate)),
        weak_evidence: judgement.weak_evidence,
        operations: measure::operations(history),
        verdicts: findings
            .iter()
            .map(|finding| {
                let expected = findings::expected(facts.mode, &facts.demands, finding.model);
                findings::report(history, &file, finding, expected, Some(&reproduce))
            })
            .collect(),
        durability: durability.map(DurabilityReport::from),
        convergence: convergence.map(ConvergenceReport::from),
        conflicts: conflicts.and_then(|f| f.conflicts.as_ref()).map(ConflictsReport::from),
        availability: measure::availability(history),
        reads_without_leader: measure::reads_without_leader(history, spec.mode.led),
        latency_ms: measure::latencies(history),
        staleness: staleness.map(StalenessReport::from),
        failover_ms: measure::failovers(history, spec.mode.led),
        fault_windows: measure::fault_windows(history),
        elapsed_ms: Nanos::from(conducted.elapsed).as_millis_f64(),
        observed: conducted.observed.clone(),
        reproduce,
    };
    beside::add(&mut outcome, spec, &prepared.faults, conducted);
    own::add(&mut outcome, history);
    if conducted.interrupted { unfinished(outcome) } else { outcome }
}

/// A run that was interrupted shows what it had violated by then. That it did not show more is no wonder.
fn unfinished(outcome: RunOutcome) -> RunOutcome {
    let violated = outcome.outcome == Outcome::Violation;
    RunOutcome {
        finished: false,
        outcome: if violated { Outcome::Violation } else { Outcome::Inconclusive },
        weak_evidence: Vec::new(),
        ..outcome
    }
}

/// What is worth a line, from before the run to what its history left open.
fn notes(
    spec: &RunSpec,
    prepared: &Prepared,
    conducted: &Conducted,
    undecided: Vec<Note>,
    slow: Option<Note>,
) -> Vec<Note> {
    let told = conducted.observed.as_ref().map_or(0, |observed| observed.told);
    let lied = spec.lie().map(|lie| Note::Lied { lie: lie.kind, rate: lie.rate, told });
    let of_system = conducted.notes.iter().cloned().map(Note::OfSystem);
    let stopped = conducted.stopped.then_some(Note::StoppedAtViolation);
    let interrupted = conducted.interrupted.then_some(Note::Interrupted);
    lied.into_iter()
        .chain(prepared.notes.iter().cloned())
        .chain(of_system)
        .chain(stopped)
        .chain(interrupted)
        .chain(undecided)
        .chain(slow)
        .collect()
}

/// What checkers find, as far as it stands where a node ended by itself.
fn found(spec: &RunSpec, models: &[ModelName], history: &History, conducted: &Conducted) -> Vec<Finding> {
    let budget = Budget::new(spec.check_time, spec.check_memory_bytes);
    let findings = crate::judge::checking::check(history, Some(models), &budget);
    match &conducted.crashed {
        Some(crashed) => crashed::standing(crashed, history, findings),
        None => findings,
    }
}
