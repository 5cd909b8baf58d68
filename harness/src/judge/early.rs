//! Verdicts while a run goes on: what its history shows so far is checked again and again, beside the run.
//!
//! Tells only violations that no continuation can mend, of models for which every history that keeps them has beginnings
//! that keep them, too. What a later operation may explain (a value that is not written yet, where a model lets reads
//! run ahead of real time) and what only the end can tell (what is lost) is left to the judgement of the whole run.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use checkers::{Budget, Finding, Verdict};
use histories::ModelName;

use super::checking::check;
use super::findings;
use super::outcome::VerdictReport;
use crate::plan::spec::RunSpec;
use crate::run::progress::Progress;
use crate::run::{Prepared, RunFolder};

/// Models whose histories have beginnings that keep them. Linearizability: Herlihy and Wing, TOPLAS 1990, section 3.
pub(super) const CLOSED: [ModelName; 4] =
    [ModelName::Linearizable, ModelName::StrictSerializable, ModelName::UniqueIds, ModelName::Bank];

/// Checks are no closer together than this.
const EVERY: Duration = Duration::from_secs(1);
/// A check takes at most one part in so many of itself and the wait after it, and no more than that of a core.
const SHARE: u32 = 12;
/// Bytes of history from which on nothing is looked at before the end: a check holds the whole beginning in memory, and a
/// long run is to be bounded in it.
const SIZE_MAX: u64 = 128 << 20;
/// A check of a beginning that takes longer is given up.
const CHECK_TIME: Duration = Duration::from_secs(5);

/// Looks at the history of a run until `ended` is closed; what was violated first, if anything was.
pub(crate) fn watch(
    spec: &RunSpec,
    prepared: &Prepared,
    folder: &RunFolder,
    progress: &dyn Progress,
    ended: &Receiver<()>,
) -> Option<Vec<VerdictReport>> {
    let demands = prepared.demands(spec);
    let counts = |model: &ModelName| findings::expected(&spec.mode, &demands, *model).is_some();
    let closed = CLOSED.into_iter().filter(|model| prepared.models().contains(model));
    let models: Vec<ModelName> = closed.filter(counts).collect();
    if models.is_empty() {
        return None;
    }
    // Reading and checking take all cores that they are given: here one, of which they are to use a part.
    let Ok(core) = rayon::ThreadPoolBuilder::new().num_threads(1).build() else {
        progress.note("no thread is to be had that checks the run while it goes on");
        return None;
    };
    let (mut wait, mut seen) = (EVERY, 0);
    while matches!(ended.recv_timeout(wait), Err(RecvTimeoutError::Timeout)) {
        let started = Instant::now();
        let size = std::fs::metadata(folder.history()).map_or(0, |file| file.len());
        if size > SIZE_MAX {
            progress.note("from here on the history is too long to be checked while the run goes on");
            return None;
        }
        if size > seen {
            let violated = core.install(|| violated(spec, &demands, &models, folder));
            if !violated.is_empty() {
                return Some(violated);
            }
        }
        seen = size;
        wait = pause(started.elapsed());
    }
    None
}

/// How long to wait after a check that took so long.
fn pause(took: Duration) -> Duration {
    EVERY.max(took * (SHARE - 1))
}

/// What the beginning of a run's history violates for good.
fn violated(
    spec: &RunSpec,
    demands: &[ModelName],
    models: &[ModelName],
    folder: &RunFolder,
) -> Vec<VerdictReport> {
    let Ok(history) = histories::read::file(&folder.history()) else { return Vec::new() };
    let budget = Budget::new(CHECK_TIME.min(spec.check_time), spec.check_memory_bytes);
    let file = folder.history().display().to_string();
    let found = check(&history, Some(models), &budget);
    let invalid = found.iter().filter(|finding| matches!(finding.verdict, Verdict::Invalid(_)));
    let report = |finding: &Finding| {
        let expected = findings::expected(&spec.mode, demands, finding.model);
        findings::report(&history, &file, finding, expected, None)
    };
    invalid.map(report).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check costs what its beginning is long. docs/benchmarks.md has the figures of a machine.
    #[test]
    fn checks_of_a_growing_history_take_less_than_a_tenth_of_a_core() {
        for micros_a_second in [1_000, 10_500, 50_000] {
            let (mut now, mut spent, mut checks) = (EVERY, Duration::ZERO, 0);
            while now < Duration::from_mins(2) {
                let took = Duration::from_micros(micros_a_second).mul_f64(now.as_secs_f64());
                (spent, checks) = (spent + took, checks + 1);
                let ended = now + took;
                now = ended + pause(took);
                let share = spent.as_secs_f64() / now.as_secs_f64();
                assert!(
                    share < 0.09,
                    "{share} of a core after {now:?}, {micros_a_second} microseconds a second"
                );
            }
            assert!(checks >= 10, "{checks} checks in two minutes");
        }
    }
}
