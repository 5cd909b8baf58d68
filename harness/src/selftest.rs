//! Planted bugs, each with the run that should find it, and how long that takes. It prints nothing.
//!
//! Every run is done with the bug and without: what is found without it is a false alarm.

use std::time::{Duration, Instant};

use serde::Serialize;
use systems::store::Bug;

use crate::catalogue::Catalogue;
use crate::options::{Options, Rate};
use crate::outcome::{Outcome, RunOutcome, VerdictReport};
use crate::plan;
use crate::progress::Interrupt;
use crate::quantity::{List, Time};
use crate::run::{RunError, trial};
use crate::spec::{RunSpec, StageName};

/// What should find a bug.
pub(crate) struct Trap {
    pub(crate) bug: Bug,
    mode: &'static str,
    workload: &'static str,
    faults: &'static str,
}

const fn trap(bug: Bug, mode: &'static str, workload: &'static str, faults: &'static str) -> Trap {
    Trap { bug, mode, workload, faults }
}

/// One or more for each bug and family that has it.
pub(crate) const TRAPS: &[Trap] = &[
    trap(Bug::AckBeforeReplicate, "single/quorum", "register", "partition:leader"),
    trap(Bug::AckBeforeSync, "single/quorum", "set", "power:all"),
    trap(Bug::StaleLeaderRead, "single/quorum", "register", "partition:leader"),
    trap(Bug::VoteTwice, "single/quorum", "set", "disk:torn:any,pause:any,disk:slow:any,kill:leader"),
    trap(Bug::SkipEntry, "single/quorum", "set", "kill:leader"),
    trap(Bug::TruncateCommitted, "single/quorum", "set", "disk:torn:any,pause:any,disk:slow:any"),
    trap(Bug::CasComparesNothing, "single/quorum", "register", "kill:leader"),
    trap(Bug::DoubleApply, "single/quorum", "register", "duplicate"),
    trap(Bug::SnapshotMissesTail, "single/quorum[snapshot=40]", "register", "kill:one,kill:leader"),
    trap(Bug::DenyTheUnknown, "single/quorum", "register", "kill:leader,partition:leader"),
    trap(Bug::IgnoreWatermark, "single/session-read", "register", "partition:one"),
    trap(Bug::RecoveryDropsTail, "single/quorum", "set", "kill:all"),
    trap(Bug::NoSuccessor, "single/quorum", "register", "kill:leader"),
    trap(Bug::AckBeforeSync, "leaderless/abd", "register", "power:all"),
    trap(Bug::RecoveryDropsTail, "leaderless/abd", "register", "kill:all"),
    trap(Bug::LostHint, "leaderless/quorum[read-repair=off,anti-entropy=1000s]", "register", "partition:one"),
    trap(
        Bug::SkipWriteBack,
        "leaderless/abd[read-repair=off]",
        "register",
        "partition:one,slow:by=20ms..80ms:all",
    ),
    trap(Bug::ClockAsVersion, "leaderless/abd", "register", "clock:step:one"),
    trap(Bug::QuorumOneShort, "leaderless/abd", "register", "partition:one"),
    trap(Bug::ReadOneShort, "leaderless/abd", "register", "partition:one"),
    trap(
        Bug::MerkleSkipsBranch,
        "leaderless/quorum[read-repair=off,handoff=off]",
        "register",
        "partition:one",
    ),
    trap(Bug::CompactionDropsPending, "leaderless/abd[snapshot=4]", "register", "kill:all"),
    trap(Bug::LastArrivalWins, "leaderless/abd", "register", "slow:by=20ms..80ms:all"),
];

/// How one trap did.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Caught {
    pub(crate) bug: &'static str,
    pub(crate) mode: String,
    pub(crate) workload: String,
    pub(crate) faults: String,
    /// Seeds that were tried, and those that found it.
    pub(crate) seeds: u64,
    pub(crate) found: u64,
    /// Of the first seed that found it, with all before.
    pub(crate) first_after_operations: Option<u64>,
    pub(crate) first_after_seconds: Option<f64>,
    /// Models that were found violated.
    pub(crate) by: Vec<String>,
    pub(crate) reproduce: Option<String>,
    /// Why a cluster with the bug could not even be started, where that happened.
    pub(crate) never_ran: Option<String>,
    /// Runs without the bug that found something.
    pub(crate) false_alarms: Vec<String>,
}

impl Caught {
    pub(crate) fn is_well(&self) -> bool {
        self.found > 0 && self.false_alarms.is_empty()
    }
}

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) first_seed: u64,
    /// With each bug.
    pub(crate) seeds: u64,
    /// The least number of seeds, for a rate; after that the first find ends it.
    pub(crate) rate_seeds: u64,
    /// Without it.
    pub(crate) control_seeds: u64,
    pub(crate) time: Duration,
}

/// Tries one trap.
pub(crate) fn spring(
    trap: &Trap,
    effort: Effort,
    catalogue: &Catalogue,
    interrupt: &Interrupt,
) -> Result<Caught, RunError> {
    let faulty = spec(trap, effort, catalogue, Some(trap.bug))?;
    let sound = spec(trap, effort, catalogue, None)?;
    let mut caught = Caught {
        bug: trap.bug.name(),
        mode: faulty.mode.preset.clone(),
        workload: trap.workload.to_owned(),
        faults: trap.faults.to_owned(),
        seeds: 0,
        found: 0,
        first_after_operations: None,
        first_after_seconds: None,
        by: Vec::new(),
        reproduce: None,
        never_ran: None,
        false_alarms: Vec::new(),
    };
    let began = Instant::now();
    let mut operations = 0;
    for seed in effort.first_seed..effort.first_seed + effort.seeds {
        if caught.seeds >= effort.rate_seeds && caught.found > 0 {
            break;
        }
        let outcome = match trial(&RunSpec { seed, ..faulty.clone() }, interrupt) {
            Ok(trial) => trial.outcome,
            // A bug may keep the cluster from ever becoming ready: that is noticed, and no verdict.
            Err(RunError::Harness(why)) => {
                caught.seeds += 1;
                caught.never_ran.get_or_insert(why);
                continue;
            }
            Err(interrupted) => return Err(interrupted),
        };
        operations += outcome.operations.ok + outcome.operations.fail + outcome.operations.info;
        caught.count(&outcome, operations, began);
    }
    for seed in effort.first_seed..effort.first_seed + effort.control_seeds {
        let outcome = trial(&RunSpec { seed, ..sound.clone() }, interrupt)?.outcome;
        if broke_its_promise(&outcome) {
            caught.false_alarms.push(outcome.reproduce);
        }
    }
    Ok(caught)
}

impl Caught {
    fn count(&mut self, outcome: &RunOutcome, operations: u64, began: Instant) {
        self.seeds += 1;
        if outcome.outcome != Outcome::Violation {
            return;
        }
        self.found += 1;
        let violated = outcome.verdicts.iter().filter(|verdict| verdict.verdict == "invalid");
        for model in violated.map(|verdict| verdict.model.clone()) {
            if !self.by.contains(&model) {
                self.by.push(model);
            }
        }
        if self.first_after_operations.is_none() {
            self.first_after_operations = Some(operations);
            self.first_after_seconds = Some(began.elapsed().as_secs_f64());
            self.reproduce = Some(outcome.reproduce.clone());
        }
    }
}

/// What a mode gives up is no false alarm.
fn broke_its_promise(outcome: &RunOutcome) -> bool {
    let promised = |verdict: &&VerdictReport| verdict.expected.as_deref() == Some("valid");
    outcome.verdicts.iter().filter(promised).any(|verdict| verdict.verdict == "invalid")
}

fn spec(trap: &Trap, effort: Effort, catalogue: &Catalogue, bug: Option<Bug>) -> Result<RunSpec, RunError> {
    let list = |text: &str| Some(List(text.split(',').map(str::to_owned).collect()));
    let options = Options {
        system: Some("store".to_owned()),
        mode: Some(List(vec![trap.mode.to_owned()])),
        workload: list(trap.workload),
        faults: list(trap.faults),
        rate: Some(Rate(Some(200.0))),
        time: Some(Time(effort.time)),
        stage: Some(StageName::Sim),
        bug,
        ..Options::default()
    };
    let specs = plan::specs("selftest", &options, catalogue, 0, &|_| Vec::new());
    let first = specs.map(|specs| specs.into_iter().next()).map_err(RunError::Harness)?;
    first.ok_or_else(|| RunError::Harness(format!("{} has nothing to run", trap.bug)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_has_a_trap_in_each_family_that_has_it() {
        for &bug in Bug::ALL {
            for family in ["single", "leaderless"].into_iter().filter(|family| bug.is_in(family)) {
                let traps = TRAPS.iter().filter(|trap| trap.bug == bug);
                assert!(traps.clone().any(|trap| trap.mode.starts_with(family)), "{bug} in {family}");
            }
        }
        assert!(Bug::ALL.len() >= 20);
    }
}
