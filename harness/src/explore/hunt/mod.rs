//! The hunt: seeds in parallel, each a world of its own, until one fails or the budget is spent.
//!
//! Prints nothing; whoever hunts is told by a callback. Seeds are handed out in order, so that a hunt can go on later.

mod coverage;
mod swarm;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub(crate) use coverage::Coverage;
pub(crate) use swarm::{Fixed, Swarm};

use crate::judge::outcome::Outcome;
use crate::judge::{Trial, trial};
use crate::plan::spec::RunSpec;
use crate::report::words;
use crate::run::RunError;
use crate::run::progress::Interrupt;

/// Which seeds are looked at, and when that ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    /// Seeds are counted from here.
    pub(crate) first: u64,
    pub(crate) seeds_max: Option<u64>,
    pub(crate) time_max: Option<Duration>,
    /// Of every so many seeds, the one at this place, from 0.
    pub(crate) shard: (u64, u64),
    pub(crate) threads: usize,
}

/// What a hunt came to so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// All seeds before this place have been looked at.
    pub(crate) next: u64,
    /// Those behind it that have been looked at as well.
    #[serde(default)]
    ahead: BTreeSet<u64>,
    /// In real time, over all sessions.
    #[serde(default)]
    pub(crate) spent_ms: u64,
    pub(crate) runs: u64,
    pub(crate) operations: u64,
    pub(crate) events: u64,
    /// In virtual time.
    pub(crate) simulated_ms: u64,
    /// Runs in which nothing was decided, and those in which too little happened.
    pub(crate) unknown: u64,
    /// Runs in which a proof was refuted, which is a bug of ours.
    #[serde(default)]
    pub(crate) refuted: u64,
    pub(crate) inconclusive: u64,
    /// Why so little happened: how many runs for each kind of reason.
    #[serde(default)]
    pub(crate) thin: BTreeMap<String, u64>,
    pub(crate) coverage: Coverage,
    /// Why runs were undecided, some of them.
    pub(crate) doubts: BTreeSet<String>,
}

const DOUBTS_MAX: usize = 8;

impl Tally {
    fn add(&mut self, trial: &Trial) {
        let operations = trial.outcome.operations;
        self.runs += 1;
        self.operations += operations.ok + operations.fail + operations.info;
        self.events += trial.figures.events;
        self.simulated_ms += trial.lasted.0 / 1_000_000;
        self.coverage.add(trial);
        self.refuted += u64::from(trial.outcome.has_refuted_proof());
        match trial.outcome.outcome {
            Outcome::Unknown => {
                self.unknown += 1;
                self.doubt(trial);
            }
            Outcome::Inconclusive => {
                self.inconclusive += 1;
                let kinds: BTreeSet<&str> = trial.outcome.weak_evidence.iter().map(words::kind).collect();
                for kind in kinds {
                    *self.thin.entry(kind.to_owned()).or_default() += 1;
                }
            }
            Outcome::Pass | Outcome::Violation | Outcome::HarnessFailure => {}
        }
    }

    fn doubt(&mut self, trial: &Trial) {
        if self.doubts.len() < DOUBTS_MAX {
            let notes = trial.outcome.notes.iter().map(ToString::to_string);
            let why = notes.collect::<Vec<_>>().join("; ");
            self.doubts.insert(format!("seed {}: {why}", trial.outcome.seed));
        }
    }
}

/// How a hunt ended.
pub(crate) enum End {
    /// This run fails.
    Found(Box<RunSpec>),
    /// The harness itself failed on this run.
    Failed(Box<RunSpec>, RunError),
    /// Seeds or time are spent.
    Spent,
    Interrupted,
}

struct Shared {
    tally: Tally,
    /// The next place to hand out, and those handed out and not done.
    hand_out: u64,
    open: BTreeSet<u64>,
    end: Option<(u64, End)>,
}

/// Hunts from where `tally` stands. `told` hears of the tally some times a second.
pub(crate) fn hunt(
    swarm: &Swarm,
    range: Range,
    tally: Tally,
    interrupt: &Interrupt,
    told: &(dyn Fn(&Tally) + Sync),
) -> (Tally, End) {
    let shared = Mutex::new(Shared { hand_out: tally.next, tally, open: BTreeSet::new(), end: None });
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..range.threads {
            scope.spawn(|| work(swarm, range, began, interrupt, &shared, told));
        }
    });
    let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    let otherwise = if interrupt.is_set() { End::Interrupted } else { End::Spent };
    (shared.tally, shared.end.map_or(otherwise, |(_, end)| end))
}

fn work(
    swarm: &Swarm,
    range: Range,
    began: Instant,
    interrupt: &Interrupt,
    shared: &Mutex<Shared>,
    told: &(dyn Fn(&Tally) + Sync),
) {
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let timed_out = range.time_max.is_some_and(|most| began.elapsed() >= most);
        if timed_out || interrupt.is_set() {
            return;
        }
        let Some(place) = lock().take(range) else { return };
        let (index, count) = range.shard;
        let spec = swarm.draw(range.first.wrapping_add(place * count + index));
        let result = trial(&spec, interrupt);
        let mut shared = lock();
        shared.done(place, spec, result);
        told(&shared.tally);
    }
}

impl Shared {
    fn take(&mut self, range: Range) -> Option<u64> {
        while self.tally.ahead.contains(&self.hand_out) {
            self.hand_out += 1;
        }
        let place = self.hand_out;
        if self.end.is_some() || range.seeds_max.is_some_and(|most| place >= most) {
            return None;
        }
        self.hand_out += 1;
        self.open.insert(place);
        Some(place)
    }

    /// Of several failures the one with the lowest place stands, so that more threads find no other one first. A run that
    /// was interrupted stays open: whoever goes on later runs it again.
    fn done(&mut self, place: u64, spec: RunSpec, result: Result<Trial, RunError>) {
        if matches!(result, Err(RunError::Interrupted)) {
            return;
        }
        self.open.remove(&place);
        let next = self.open.first().copied().unwrap_or(self.hand_out);
        self.tally.next = next;
        self.tally.ahead.insert(place);
        self.tally.ahead.retain(|&place| place >= next);
        let end = match result {
            Ok(trial) => {
                self.tally.add(&trial);
                (trial.outcome.outcome == Outcome::Violation).then(|| End::Found(Box::new(spec)))
            }
            Err(error) => Some(End::Failed(Box::new(spec), error)),
        };
        if let Some(end) = end
            && self.end.as_ref().is_none_or(|(known, _)| place < *known)
        {
            self.end = Some((place, end));
        }
    }
}

#[cfg(test)]
mod tests;
