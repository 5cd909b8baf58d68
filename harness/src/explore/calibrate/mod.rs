//! Calibration: the runs of a suite with one lie at a time, until a checker notices. It prints nothing.
//!
//! The same runs are done without a lie first, by the same way: what they show tells which lies could be noticed at all.

mod chase;
mod scope;

use systems::lies::{Lie, Observed, Telling};
use systems::{PlantedBug, Trap};

use self::chase::Chase;
use crate::cli::names::counted;
use crate::judge::expect::counts_against;
use crate::judge::outcome::{Outcome, RunOutcome, VerdictReport};
use crate::judge::unnoticed::Unnoticed;
use crate::judge::verdict::VerdictKind;
use crate::judge::{execute, trial_on};
use crate::plan::expect::Expectation;
use crate::plan::spec::{RunSpec, StageName, Violations};
use crate::report::calibration::{ControlReport, LieOrBug, LieReport};
use crate::run::RunError;
use crate::run::progress::{Interrupt, Silent};

/// One of the suite's runs, which is done again and again with other seeds.
pub(crate) struct Subject<'a> {
    pub(crate) spec: RunSpec,
    /// What the suite expects beside what the mode promises.
    pub(crate) expectations: &'a [Expectation],
    /// What the control saw of it.
    observed: Observed,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(spec: RunSpec, expectations: &'a [Expectation]) -> Self {
        // What a mode gives up is no notice: it is seen without a lie as well.
        let spec = RunSpec { violations: Violations::Promised, telling: Some(Telling::Truth), ..spec };
        Self { spec, expectations, observed: Observed::default() }
    }

    fn run(&self, spec: &RunSpec, interrupt: &Interrupt) -> Result<RunOutcome, RunError> {
        match spec.stage {
            StageName::Live => execute(spec, &Silent, interrupt)?.whole(),
            StageName::Sim => {
                let models = scope::models(spec, self.expectations)?;
                Ok(trial_on(spec, &models, interrupt)?.outcome)
            }
        }
    }

    /// The verdicts that count against a run: those on promised models, where there are any.
    fn notices<'o>(&self, outcome: &'o RunOutcome) -> Vec<&'o VerdictReport> {
        let violated = outcome.verdicts.iter().filter(|verdict| verdict.is(VerdictKind::Invalid));
        let counts: Vec<&VerdictReport> =
            violated.filter(|verdict| counts_against(outcome, verdict, self.expectations)).collect();
        let promised: Vec<&VerdictReport> =
            counts.iter().copied().filter(|verdict| verdict.is_promised()).collect();
        if promised.is_empty() { counts } else { promised }
    }
}

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) first_seed: u64,
    /// With each lie, until it is noticed.
    pub(crate) runs: u64,
    /// So many times it has to be noticed, for a median.
    pub(crate) finds: usize,
    /// Seeds without a lie.
    pub(crate) control_seeds: u64,
}

/// What the runs without a lie came to.
pub(crate) struct Control {
    pub(crate) report: ControlReport,
    pub(crate) outcomes: Vec<RunOutcome>,
}

/// Every run without a lie. A harness that fails here fails with every lie as well, and is an error.
pub(crate) fn control(
    subjects: &mut [Subject<'_>],
    effort: Effort,
    interrupt: &Interrupt,
) -> Result<Control, RunError> {
    let mut control = Control { report: ControlReport::default(), outcomes: Vec::new() };
    for seed in effort.first_seed..effort.first_seed + effort.control_seeds {
        for subject in &mut *subjects {
            let outcome = subject.run(&RunSpec { seed, ..subject.spec.clone() }, interrupt)?;
            let report = &mut control.report;
            report.runs += 1;
            report.operations += operations(&outcome);
            if !subject.notices(&outcome).is_empty() {
                report.violated.push(outcome.reproduce.clone());
            } else if matches!(outcome.outcome, Outcome::Unknown | Outcome::Inconclusive) {
                report.undecided.push(format!("{}: {}", outcome.reproduce, outcome.reasons().join("; ")));
            }
            if let Some(observed) = &outcome.observed {
                subject.observed.add(observed);
            }
            control.outcomes.push(outcome);
        }
    }
    Ok(control)
}

/// Whether the suite notices this lie.
pub(crate) fn lie(
    lie: Lie,
    subjects: &[Subject<'_>],
    effort: Effort,
    interrupt: &Interrupt,
) -> Result<LieReport, RunError> {
    let mut unnoticed: Option<Unnoticed> = None;
    let mut tried = Vec::new();
    let mut seen = Observed::default();
    for subject in subjects {
        match scope::obstacle(lie.kind, subject)? {
            None => {
                let spec = RunSpec { telling: Some(Telling::Lie(lie)), ..subject.spec.clone() };
                tried.push((subject, spec));
                seen.add(&subject.observed);
            }
            // Of several reasons the one that is nearest to a notice is told.
            Some(why) => {
                let is_graver = |known: &Unnoticed| scope::rank(&why) > scope::rank(known);
                if unnoticed.as_ref().is_none_or(is_graver) {
                    unnoticed = Some(why);
                }
            }
        }
    }
    let chase = Chase::of(&tried, effort, interrupt, GIVE_UP_UNTOLD)?;
    let why = match unnoticed.filter(|_| tried.is_empty()) {
        Some(why) => Some(why),
        None if chase.noticed > 0 => None,
        None => Some(chase.unseen(&seen)),
    };
    Ok(chase.report(lie.kind.name(), LieOrBug::Lie, lie.kind.about(), why))
}

/// A lie that was never told in so many runs of each kind has no occasion.
const GIVE_UP_UNTOLD: u64 = 3;

/// The bugs that can be planted in one of the modes.
pub(crate) fn bugs(subjects: &[Subject<'_>]) -> Vec<PlantedBug> {
    let mut bugs: Vec<PlantedBug> = Vec::new();
    for subject in subjects {
        let fits = |bug: &PlantedBug| scope::is_of_family(bug, &subject.spec) && !bugs.contains(bug);
        let found: Vec<PlantedBug> = subject.spec.system.bugs().into_iter().filter(fits).collect();
        bugs.extend(found);
    }
    bugs
}

/// Whether the suite notices this bug.
pub(crate) fn bug(
    bug: PlantedBug,
    subjects: &[Subject<'_>],
    effort: Effort,
    interrupt: &Interrupt,
) -> Result<LieReport, RunError> {
    let mut tried = Vec::new();
    for subject in subjects.iter().filter(|subject| scope::is_of_family(&bug, &subject.spec)) {
        let RunSpec { system, mode, layout, .. } = &subject.spec;
        let mode = system.with_bug(mode, bug.name).and_then(|mode| system.on(&mode, *layout));
        let mode = mode.map_err(RunError::Harness)?;
        tried.push((subject, RunSpec { mode, telling: None, ..subject.spec.clone() }));
    }
    let chase = Chase::of(&tried, effort, interrupt, effort.runs)?;
    let traps: Vec<&'static Trap> = tried
        .iter()
        .flat_map(|(subject, _)| subject.spec.system.traps())
        .filter(|trap| trap.bug == bug.name)
        .collect();
    let sprung = traps.iter().any(|trap| tried.iter().any(|(_, spec)| scope::is_trap(trap, spec)));
    let why = match (chase.noticed, sprung, traps.first()) {
        (1.., _, _) => None,
        (0, false, Some(trap)) => Some(Unnoticed::OtherTrap(trap)),
        (0, _, _) => Some(chase.not_found()),
    };
    Ok(chase.report(bug.name, LieOrBug::Bug, bug.about, why))
}

fn operations(outcome: &RunOutcome) -> u64 {
    outcome.operations.ok + outcome.operations.fail + outcome.operations.info
}

/// The line that is printed when a lie has been told often enough, `stale-read: noticed in 5 of 6 runs`.
pub(crate) fn told(lie: &LieReport) -> String {
    match &lie.why {
        None => format!("{}: noticed in {} of {}", lie.name, lie.noticed, counted(lie.runs, "run")),
        Some(why) => format!("{}: {}: {why}", lie.name, lie.outcome.name()),
    }
}
