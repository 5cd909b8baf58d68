//! A run from its spec to its outcome: it takes place, its history is read back and checked, and its folder is filled.

use std::path::Path;

use histories::{History, Nanos};

use super::early;
use super::examine::examine;
use super::outcome::{Outcome, RunOutcome};
use crate::load::script;
use crate::plan::spec::{OnViolation, RunSpec, StageName};
use crate::run::progress::{Ends, Interrupt, Phase, Progress};
use crate::run::{self, Conducted, Note, Prepared, RunError, RunFolder};

/// Carries a run out and checks its history. Of one that is interrupted the outcome is what was seen, and not finished.
pub fn execute(
    spec: &RunSpec,
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> Result<RunOutcome, RunError> {
    let prepared = Prepared::new(spec)?;
    let folder = RunFolder::create(spec).map_err(RunError::harness)?;
    execute_in(&folder, spec, &prepared, progress, interrupt)
}

/// The same in this very folder.
pub(crate) fn execute_at(
    path: &Path,
    spec: &RunSpec,
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> Result<RunOutcome, RunError> {
    let prepared = Prepared::new(spec)?;
    let folder = RunFolder::at(path, spec).map_err(RunError::harness)?;
    execute_in(&folder, spec, &prepared, progress, interrupt)
}

const RESULTS: &str = "results.json";

fn execute_in(
    folder: &RunFolder,
    spec: &RunSpec,
    prepared: &Prepared,
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> Result<RunOutcome, RunError> {
    let unfinished = |why: &str| RunOutcome::unfinished(spec, folder.path(), why);
    folder.write(RESULTS, &unfinished("the run has not ended")).map_err(RunError::harness)?;
    progress.phase(Phase::Starting);
    prepared.notes.iter().for_each(|note| progress.note(&note.to_string()));
    let ends = Ends::by(interrupt, spec.on_violation);
    let driven = watched(folder, spec, prepared, progress, &ends);
    if !spec.keep {
        folder.remove_disks().map_err(RunError::harness)?;
    }
    let (conducted, failure) = match driven {
        Ok(conducted) => {
            let crashed = conducted.crashed.as_ref().filter(|_| spec.system.is_bundled());
            let failure = crashed.map(|crashed| RunError::Harness(crashed.told()));
            (conducted, failure)
        }
        Err(failure) => (Conducted::default(), Some(failure)),
    };
    progress.phase(Phase::Checking);
    let history = match histories::read::file(&folder.history()) {
        Ok(history) => history,
        Err(error) => return Err(failed(folder, spec, failure.unwrap_or_else(|| RunError::harness(error)))),
    };
    let mut outcome = examine(spec, prepared, folder.path(), prepared.models(), &history, &conducted);
    if let Some(failure) = failure {
        // A failure of the harness is never a verdict, and never hides a counterexample.
        if outcome.outcome != Outcome::Violation {
            return Err(failed(folder, spec, failure));
        }
        outcome.notes.push(Note::FailedAfterwards { why: failure.to_string() });
    }
    folder.write_schedule(&history, &script::faults(&conducted.actions)).map_err(RunError::harness)?;
    if !conducted.trace.is_empty() {
        folder
            .write_trace(&conducted.trace, spec.layout, moment(&outcome, &history))
            .map_err(RunError::harness)?;
    }
    folder.write(RESULTS, &outcome).map_err(RunError::harness)?;
    Ok(outcome)
}

/// Carries the run out; a live one is looked at while it goes on, and what it violates for good is told at once.
fn watched(
    folder: &RunFolder,
    spec: &RunSpec,
    prepared: &Prepared,
    progress: &dyn Progress,
    ends: &Ends,
) -> Result<Conducted, RunError> {
    if spec.stage != StageName::Live {
        return run::drive(spec, prepared, folder, progress, ends);
    }
    let (running, ended) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let Some(violated) = early::watch(spec, prepared, folder, progress, &ended) else { return };
            for verdict in &violated {
                let what = verdict.anomalies.first().map_or("violated", |anomaly| anomaly.summary.as_str());
                progress.note(&format!("{} is violated already: {what}", verdict.subject));
            }
            if ends.on_violation == OnViolation::Freeze {
                let folder = folder.path().display();
                progress.note(&format!(
                    "cluster and faults stay as they are until Ctrl-C; the logs are in {folder}"
                ));
            }
            // The page of a run in progress shows it; where it cannot be written, the run itself will say so.
            let _ = folder.write(
                RESULTS,
                &RunOutcome {
                    verdicts: violated,
                    ..RunOutcome::unfinished(spec, folder.path(), "the run has not ended")
                },
            );
            ends.violated.set();
        });
        let driven = run::drive(spec, prepared, folder, progress, ends);
        drop(running);
        driven
    })
}

/// Leaves the reason in the run's folder.
fn failed(folder: &RunFolder, spec: &RunSpec, failure: RunError) -> RunError {
    let dir = folder.path().display().to_string();
    let outcome = RunOutcome { dir, ..RunOutcome::harness_failure(spec, failure.to_string()) };
    // The failure itself is told, also where its cause leaves no room for this.
    let _ = folder.write(RESULTS, &outcome);
    failure
}

/// When the first thing that was violated had been seen; the end where nothing was.
fn moment(outcome: &RunOutcome, history: &History) -> Nanos {
    let anomalies = outcome.verdicts.iter().filter_map(|verdict| verdict.anomalies.first());
    let last = |events: &[u32]| {
        let named = |operation: &&histories::Operation| {
            events.contains(&operation.call_event) || events.contains(&operation.reply_event)
        };
        history.operations().iter().filter(named).map(|operation| operation.completed).max()
    };
    anomalies.filter_map(|anomaly| last(&anomaly.events)).min().unwrap_or(Nanos::MAX)
}
