//! Planted bugs, and what modes give up under faults that only simulation has, each with the run that should find it, and
//! how long that takes. It prints nothing.
//!
//! Every run of a bug is done without it as well: what is found then is a false alarm.

use std::time::{Duration, Instant};

use histories::{Function, ModelName};
use nemesis::FaultSpec;
use systems::{Mode, Show, Trap};

use crate::cli::options::{Options, Rate};
use crate::cli::quantity::{List, Time};
use crate::judge::outcome::{Outcome, RunOutcome, VerdictReport};
use crate::judge::trial;
use crate::judge::verdict::VerdictKind;
use crate::plan;
use crate::plan::catalogue::Catalogue;
use crate::plan::faults::FaultName;
use crate::plan::spec::{RunSpec, StageName};
use crate::report::selftest::Caught;
use crate::report::spent::Spent;
use crate::run::RunError;
use crate::run::progress::Interrupt;

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) first_seed: u64,
    /// With each bug.
    pub(crate) seeds: u64,
    /// The least number of seeds, for a rate; after that so many finds end it.
    pub(crate) rate_seeds: u64,
    pub(crate) finds: usize,
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
    let faulty = spec(trap, effort, catalogue, Some(trap.bug.to_owned()))?;
    let sound = spec(trap, effort, catalogue, None)?;
    let search = Search::new(trap.bug.to_owned(), &faulty);
    chase(search, &faulty, Some(&sound), effort, interrupt, &|outcome| outcome.outcome == Outcome::Violation)
}

/// What a mode gives up under faults that only simulation has, clocks and disks among them.
pub(crate) fn gaps(catalogue: &Catalogue) -> Result<Vec<(Mode, Show)>, RunError> {
    let system = catalogue.system(None).map_err(RunError::Harness)?;
    let simulated = |show: &Show| {
        let rare =
            |fault: &String| FaultName::read(fault).spec().is_some_and(FaultSpec::hits_clocks_or_disks);
        !show.live || show.under.iter().any(rare)
    };
    let of = |mode: Mode| {
        let shows: Vec<Show> = mode.shows.iter().filter(|show| simulated(show)).cloned().collect();
        shows.into_iter().map(move |show| (mode.clone(), show))
    };
    Ok(system.modes().into_iter().flat_map(of).collect())
}

/// Looks for what a mode gives up.
pub(crate) fn expose(
    mode: &Mode,
    show: &Show,
    effort: Effort,
    catalogue: &Catalogue,
    interrupt: &Interrupt,
) -> Result<Caught, RunError> {
    let system = catalogue.system(None).map_err(RunError::Harness)?;
    // Sets show losses best, where the mode has them.
    let sets = show.model == ModelName::Durability && system.supports(mode, &Function::Add);
    let options = Options {
        mode: Some(List(vec![mode.name.clone()])),
        workload: Some(List(vec![if sets { "set" } else { "register" }.to_owned()])),
        faults: Some(List(show.under.clone())),
        ..effort.options()
    };
    let spec = first(&options, catalogue)?;
    let search = Search::new(format!("shows {}", show.model), &spec);
    chase(search, &spec, None, effort, interrupt, &|outcome| {
        outcome.verdict_on(show.model).is_some_and(|verdict| verdict.is(VerdictKind::Invalid))
    })
}

/// A trap that is being tried.
struct Search {
    caught: Caught,
    /// What each find took, counted from the one before.
    finds: Vec<Spent>,
    /// Since the last find.
    spent: Spent,
}

/// Tries seeds until there are enough finds.
fn chase(
    mut search: Search,
    faulty: &RunSpec,
    sound: Option<&RunSpec>,
    effort: Effort,
    interrupt: &Interrupt,
    is_find: &dyn Fn(&RunOutcome) -> bool,
) -> Result<Caught, RunError> {
    for seed in effort.first_seed..effort.first_seed + effort.seeds {
        if search.caught.seeds >= effort.rate_seeds && search.finds.len() >= effort.finds {
            break;
        }
        let began = Instant::now();
        let result = trial(&RunSpec { seed, ..faulty.clone() }, interrupt);
        search.caught.seeds += 1;
        search.spent.seeds += 1;
        search.spent.seconds += began.elapsed().as_secs_f64();
        match result {
            Ok(trial) => search.count(&trial.outcome, is_find),
            // A bug may keep the cluster from ever becoming ready: that is noticed, and no verdict.
            Err(RunError::Harness(why)) => {
                search.caught.never_ran.get_or_insert(why);
            }
            Err(interrupted) => return Err(interrupted),
        }
    }
    let Search { mut caught, finds, .. } = search;
    caught.median = Spent::median(&finds);
    let Some(sound) = sound else { return Ok(caught) };
    for seed in effort.first_seed..effort.first_seed + effort.control_seeds {
        let outcome = trial(&RunSpec { seed, ..sound.clone() }, interrupt)?.outcome;
        if broke_its_promise(&outcome) {
            caught.false_alarms.push(outcome.reproduce);
        }
    }
    Ok(caught)
}

impl Search {
    fn new(bug: String, spec: &RunSpec) -> Self {
        let caught = Caught {
            bug,
            mode: spec.mode.preset.clone(),
            workload: spec.workload.clone(),
            faults: spec.faults.join(","),
            ..Caught::default()
        };
        Self { caught, finds: Vec::new(), spent: Spent::default() }
    }

    fn count(&mut self, outcome: &RunOutcome, is_find: &dyn Fn(&RunOutcome) -> bool) {
        self.spent.operations += outcome.operations.ok + outcome.operations.fail + outcome.operations.info;
        if !is_find(outcome) {
            return;
        }
        let caught = &mut self.caught;
        caught.found += 1;
        let spent = std::mem::take(&mut self.spent);
        self.finds.push(spent);
        let violated = outcome.verdicts.iter().filter(|verdict| verdict.is(VerdictKind::Invalid));
        for model in violated.map(|verdict| verdict.subject.to_string()) {
            if !caught.by.contains(&model) {
                caught.by.push(model);
            }
        }
        if caught.reproduce.is_none() {
            caught.first_after_operations = Some(spent.operations);
            caught.first_after_seconds = Some(spent.seconds);
            caught.reproduce = Some(outcome.reproduce.clone());
        }
    }
}

/// What a mode gives up is no false alarm.
fn broke_its_promise(outcome: &RunOutcome) -> bool {
    outcome.verdicts.iter().any(VerdictReport::breaks_a_promise)
}

fn spec(
    trap: &Trap,
    effort: Effort,
    catalogue: &Catalogue,
    bug: Option<String>,
) -> Result<RunSpec, RunError> {
    let list = |text: &str| Some(List(text.split(',').map(str::to_owned).collect()));
    let options = Options {
        mode: Some(List(vec![trap.mode.to_owned()])),
        workload: list(trap.workload),
        faults: list(trap.faults),
        nodes: trap.nodes,
        liveness: Some(trap.liveness),
        bug,
        ..effort.options()
    };
    first(&options, catalogue)
}

impl Effort {
    fn options(self) -> Options {
        Options {
            rate: Some(Rate(Some(200.0))),
            time: Some(Time(self.time)),
            stage: Some(StageName::Sim),
            ..Options::default()
        }
    }
}

fn first(options: &Options, catalogue: &Catalogue) -> Result<RunSpec, RunError> {
    let specs = plan::specs("selftest", options, catalogue, 0, &|_| Vec::new()).map_err(RunError::Harness)?;
    specs.into_iter().next().ok_or_else(|| RunError::Harness("there is nothing to run".to_owned()))
}
