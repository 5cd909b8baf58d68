//! `partita calibrate`: would the suite notice? Its runs with one lie at a time, a table of what that took, and why the
//! others were not noticed.

use std::io::Write;

use clap::Args;
use systems::PlantedBug;
use systems::lies::{Lie, LieKind};

use super::Session;
use super::run::{Meant, Planned, draw_seed, plan_all};
use crate::cli::bounds;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::flags::flags;
use crate::cli::names::{shell_quote, unknown};
use crate::cli::options::Options;
use crate::cli::quantity::List;
use crate::explore::calibrate::{self, Control, Effort, Subject};
use crate::judge::expect::{Miss, Why};
use crate::plan::catalogue::Catalogue;
use crate::plan::spec::StageName;
use crate::report::calibration::{CalibrationReport, LieReport, Notice};
use crate::report::{Purpose, RunsReport, Targets};
use crate::run::RunError;

#[derive(Args, Debug)]
#[command(mut_arg("seed", |arg| arg.help("The first seed: a number or a commit's hash. Default: drawn, and printed")))]
pub(crate) struct CalibrateArgs {
    #[command(flatten)]
    meant: Meant,

    /// Lies to tell, each by itself (see `partita list lies`) [default: all, and the bugs of --bugs].
    #[arg(long, value_name = "LIE,…", help_heading = "Lies")]
    lies: Option<List>,

    /// The share of the operations it applies to that a lie is told of: above 0, at most 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = rate, help_heading = "Lies")]
    lie_rate: f64,

    /// How many versions old a stale read may be.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = versions, help_heading = "Lies")]
    versions: u16,

    /// Planted bugs to look for as well: names (see `partita list bugs`), `all` or `none` [default: all in simulation
    /// where --lies is not given].
    #[arg(long, value_name = "BUG,…", help_heading = "Lies")]
    bugs: Option<List>,

    /// Runs with each lie until it is noticed, at most.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Lies")]
    runs: u32,

    /// How many times each lie is to be noticed, for a median [default: 5 in simulation, 1 live].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Lies")]
    finds: Option<u16>,

    /// Seeds to run without a lie first [default: 3 in simulation, 1 live].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Lies")]
    control: Option<u16>,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().map_err(|_| format!("{text:?} is no share; write a number, 0.05"))?;
    bounds::lie_rate(rate)
}

fn versions(text: &str) -> Result<u16, String> {
    let number = text.parse().map_err(|_| format!("{text:?} is no number of versions"))?;
    bounds::versions(number)
}

/// What is tried, and how it went.
struct Calibration {
    control: Control,
    lies: Vec<LieReport>,
    interrupted: bool,
}

pub(crate) fn calibrate(
    args: &CalibrateArgs,
    config: Options,
    catalogue: &Catalogue,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    if args.meant.options.seeds.is_some() {
        return Err(Failure::usage("a calibration counts its seeds by --runs; --seed is the first of them"));
    }
    let kinds = args.kinds().map_err(Failure::Usage)?;
    let options = args.meant.options.clone().over(config);
    let targets = Targets::parse(options.report.as_ref())?;
    super::place::check(&options)?;
    let planned = plan_all(&args.meant, &options, catalogue, draw_seed())?;
    if let Some(exit) = super::apart::enter(planned.iter().flat_map(|planned| &planned.specs), session)? {
        return Ok(exit);
    }
    for left_out in planned.iter().flat_map(|planned| &planned.left_out) {
        session.warn(left_out);
    }
    let mut subjects = subjects(&planned);
    let Some(first) = subjects.first().map(|subject| subject.spec.clone()) else {
        return Err(Failure::usage("the suite has no runs to calibrate"));
    };
    let bugs = args.bugs(first.stage, &subjects).map_err(Failure::Usage)?;
    let effort = args.effort(first.seed, first.stage);
    let again = args.again(&options, first.seed);
    session.say(&again);
    let carried = args.carry_out(&mut subjects, &kinds, &bugs, effort, session)?;
    let Calibration { control, lies, interrupted } = carried;
    let report = CalibrationReport {
        suites: planned.iter().map(|planned| planned.suite.source.clone()).collect(),
        first_seed: first.seed,
        lie_rate: args.lie_rate,
        versions: args.versions,
        control: control.report.clone(),
        lies,
    };
    let exit = if interrupted { Exit::Interrupted } else { exit(&report) };
    let missed = missed(&report);
    // What left no folder has nothing that a report of it could point at.
    let runs: Vec<_> = control.outcomes.into_iter().filter(|run| !run.dir.is_empty()).collect();
    let purpose = Purpose::Calibration(&report);
    let (runs, missed) = (runs.as_slice(), missed.as_slice());
    let told = RunsReport { exit, runs, missed, expectations: &[], again: &again, purpose };
    session.tell(told, &targets, out)
}

/// Of each kind of run the first. A suite's seeds are left to the calibration, and its folders lie apart from those of
/// honest runs.
fn subjects(planned: &[Planned]) -> Vec<Subject<'_>> {
    let mut subjects = Vec::new();
    for Planned { suite, specs, .. } in planned {
        let first = specs.first().map(|spec| spec.seed);
        for spec in specs.iter().filter(|spec| Some(spec.seed) == first) {
            let mut spec = spec.clone();
            spec.out = spec.out.join("calibrations");
            subjects.push(Subject::new(spec, &suite.expectations));
        }
    }
    subjects
}

/// The lies that should have been noticed.
fn missed(report: &CalibrationReport) -> Vec<Miss> {
    let failed = report.lies.iter().filter(|lie| lie.outcome.is_failure());
    let miss = |lie: &LieReport| {
        let why = Why::Unnoticed(lie.reason.clone()?);
        Some(Miss { subject: lie.name.clone(), why, exit: Exit::Violation, again: None })
    };
    failed.filter_map(miss).collect()
}

impl CalibrateArgs {
    fn kinds(&self) -> Result<Vec<LieKind>, String> {
        let Some(List(names)) = &self.lies else { return Ok(LieKind::ALL.to_vec()) };
        let mut kinds = Vec::new();
        for name in names {
            let kind = bounds::lie(name)?;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        Ok(kinds)
    }

    fn bugs(&self, stage: StageName, subjects: &[Subject<'_>]) -> Result<Vec<PlantedBug>, String> {
        let all = calibrate::bugs(subjects);
        let Some(List(names)) = &self.bugs else {
            let joined = stage == StageName::Sim && self.lies.is_none();
            return Ok(if joined { all } else { Vec::new() });
        };
        match names.as_slice() {
            [only] if only == "none" => Ok(Vec::new()),
            [only] if only == "all" => Ok(all),
            names => {
                let known: Vec<&str> = all.iter().map(|bug| bug.name).collect();
                let found = |name: &String| {
                    let bug = all.iter().find(|bug| bug.name == name).copied();
                    bug.ok_or_else(|| unknown("bug of these modes", name, &known))
                };
                names.iter().map(found).collect()
            }
        }
    }

    fn effort(&self, first_seed: u64, stage: StageName) -> Effort {
        let (finds, control) = match stage {
            StageName::Sim => (5, 3),
            StageName::Live => (1, 1),
        };
        Effort {
            first_seed,
            runs: self.runs.into(),
            finds: self.finds.unwrap_or(finds).into(),
            control_seeds: self.control.unwrap_or(control).into(),
        }
    }

    fn again(&self, options: &Options, seed: u64) -> String {
        let mut words = vec!["partita calibrate".to_owned()];
        words.extend(self.meant.suites.iter().map(|suite| shell_quote(suite)));
        words.extend(flags(options));
        words.extend(self.lies.iter().map(|List(lies)| format!("--lies {}", lies.join(","))));
        words.extend(self.bugs.iter().map(|List(bugs)| format!("--bugs {}", bugs.join(","))));
        words.push(format!("--lie-rate {} --versions {} --runs {}", self.lie_rate, self.versions, self.runs));
        words.extend(self.finds.map(|finds| format!("--finds {finds}")));
        words.extend(self.control.map(|control| format!("--control {control}")));
        format!("seed {seed}; again: {} --seed {seed}", words.join(" "))
    }

    /// The control, then every lie, then every bug; an interruption leaves what was done before it.
    fn carry_out(
        &self,
        subjects: &mut [Subject<'_>],
        kinds: &[LieKind],
        bugs: &[PlantedBug],
        effort: Effort,
        session: &Session,
    ) -> Result<Calibration, Failure> {
        let interrupt = &session.interrupt;
        let control = calibrate::control(subjects, effort, interrupt)?;
        session.say(&control.report.to_string());
        let mut calibration = Calibration { control, lies: Vec::new(), interrupted: false };
        if !calibration.control.report.violated.is_empty() {
            return Ok(calibration);
        }
        let subjects = &*subjects;
        let with_lie = |&kind: &LieKind| {
            let lie = Lie { kind, rate: self.lie_rate, versions: self.versions };
            calibrate::lie(lie, subjects, effort, interrupt)
        };
        let with_bug = |bug: &PlantedBug| calibrate::bug(*bug, subjects, effort, interrupt);
        for result in kinds.iter().map(with_lie).chain(bugs.iter().map(with_bug)) {
            match result {
                Ok(lie) => {
                    session.say(&calibrate::told(&lie));
                    calibration.lies.push(lie);
                }
                Err(RunError::Interrupted) => {
                    calibration.interrupted = true;
                    break;
                }
                Err(error @ RunError::Harness(_)) => return Err(error.into()),
            }
        }
        Ok(calibration)
    }
}

/// A control that fails, and a lie that should have been noticed, are violations.
fn exit(report: &CalibrationReport) -> Exit {
    let failed =
        !report.control.violated.is_empty() || report.lies.iter().any(|lie| lie.outcome.is_failure());
    let noticed = report.count(Notice::Noticed) > 0;
    let open = !report.control.undecided.is_empty();
    let exit = match (failed, noticed) {
        (true, _) => Exit::Violation,
        (false, true) => Exit::Success,
        (false, false) => Exit::NothingRan,
    };
    exit.merge(if open { Exit::Undecided } else { Exit::Success })
}
