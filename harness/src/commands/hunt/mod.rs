//! `partita hunt`: seeds in simulation until one fails, and then that run with everything that a run leaves behind.

mod saved;

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clap::Args;

use self::saved::{Saving, load};
use super::Session;
use super::run::draw_seed;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::flags::flags;
use crate::cli::names::shell_quote;
use crate::cli::options::{Options, Rate};
use crate::cli::quantity::{List, Seeds};
use crate::explore::hunt::{self, Coverage, End, Fixed, Range, Swarm, Tally};
use crate::judge;
use crate::judge::outcome::RunOutcome;
use crate::plan::catalogue::Catalogue;
use crate::plan::recipe::hexadecimal;
use crate::plan::spec::{RunSpec, StageName, Violations};
use crate::plan::{self, suite};
use crate::report::hunt::{CoverageReport, HuntReport};
use crate::report::{Purpose, RunsReport, Targets, terminal};
use crate::run::progress::{Interrupt, Silent};

#[derive(Args, Debug)]
#[command(
    mut_arg("time", |arg| arg.help("How long to hunt: `5m`; each run draws its own length")),
    mut_arg("seed", |arg| arg.help("The first seed: a number or a commit's hash. Default: drawn, and printed")),
    mut_arg("seeds", |arg| arg.help("How many seeds at most: a count `10000` (from --seed on) or a range `1..10000`")),
    mut_arg("stage", |arg| arg.help("`sim`, virtual time, and nothing else: live runs are those of `partita run`")),
)]
pub(crate) struct HuntArgs {
    /// A built-in suite or a file, whose modes and workloads are hunted [default: register and set on the modes of
    /// --mode].
    #[arg(value_name = "SUITE")]
    pub(crate) suite: Option<String>,

    /// Looks at every N-th seed only, from the I-th on: `2/8`.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,

    /// How many runs at a time [default: one a core].
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Goes on where the last hunt of the same things stopped.
    #[arg(long)]
    pub(crate) resume: bool,

    /// Stops only at a broken promise: what a mode gives up is let pass.
    #[arg(long)]
    pub(crate) promises: bool,

    #[command(flatten)]
    pub(crate) options: Options,
}

/// `I/N`, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    index: u64,
    count: u64,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parsed {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Self { index, count }),
            _ => Err(format!("{text:?} is no shard; write I/N with I from 1 to N, 2/8")),
        }
    }
}

/// The runs that a hunt may draw.
pub(crate) fn swarm(
    suite_name: Option<&str>,
    own: &Options,
    config: Options,
    catalogue: &Catalogue,
) -> Result<(Swarm, Options), Failure> {
    let (name, suite_options) = match suite_name {
        Some(name) => {
            let suite = suite::load(name)?;
            (suite.name, suite.options)
        }
        None => ("hunt".to_owned(), Options::default()),
    };
    if own.stage == Some(StageName::Live) {
        return Err(Failure::usage(
            "a hunt takes place in simulation only; live runs are those of `partita run`",
        ));
    }
    let flags = Options { time: None, seeds: None, seed: None, ..own.clone() };
    let options = flags.over(config).over(suite_options);
    let options = Options { stage: Some(StageName::Sim), seeds: None, seed: None, ..options };
    let everything = options.faults.is_none();
    let drawn = Options {
        mode: options.mode.clone().or_else(|| Some(List(vec!["single/quorum".to_owned()]))),
        faults: options.faults.clone().or_else(|| Some(List(vec!["all".to_owned()]))),
        rate: options.rate.or(Some(Rate(Some(100.0)))),
        ..options.clone()
    };
    let bases = plan::specs(&name, &drawn, catalogue, 0, &|_| Vec::new()).map_err(Failure::Usage)?;
    if bases.is_empty() {
        return Err(Failure::usage("no mode that was named supports any operation of these workloads"));
    }
    let fixed = Fixed {
        nodes: options.nodes.is_some(),
        clients: options.clients.is_some(),
        rate: options.rate.is_some(),
        keys: options.keys.is_some(),
        time: options.time.is_some(),
    };
    Ok((Swarm { bases, mix_faults: everything, fixed }, options))
}

pub(crate) fn hunt(
    args: &HuntArgs,
    config: Options,
    catalogue: &Catalogue,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let targets = Targets::parse(args.options.report.as_ref())?;
    let (mut swarm, options) = swarm(args.suite.as_deref(), &args.options, config, catalogue)?;
    super::place::check(&options)?;
    if args.promises {
        for base in &mut swarm.bases {
            base.mode.shows.clear();
            base.violations = Violations::Promised;
        }
    }
    let digest = digest(&swarm);
    let place = options.out.clone().unwrap_or_else(|| PathBuf::from("runs")).join("hunts");
    let shard = args.shard.unwrap_or(Shard { index: 1, count: 1 });
    let file = place.join(format!("{}-{}-{}.json", &digest[..16], shard.index, shard.count));
    let saved = if args.resume { load(&file, &digest)? } else { None };
    if args.resume && saved.is_none() {
        session.say("there is nothing to resume: the hunt begins");
    }
    let first = saved.as_ref().map_or_else(|| first_seed(&args.options), |saved| saved.first);
    let range = Range {
        first,
        seeds_max: seeds_max(&args.options)?,
        time_max: args.options.time.map(|time| time.0),
        shard: (shard.index - 1, shard.count),
        threads: args.jobs.map_or_else(cores, usize::from),
    };
    for left_out in plan::left_out(&options, &swarm.bases) {
        session.warn(&left_out);
    }
    let again = again(args, &options, first);
    session.say(&again);
    let tally = saved.map(|saved| saved.tally).unwrap_or_default();
    let saving = Saving { file: &file, digest, first };
    saving.save(&tally)?;
    let teller = Teller::new(session, Duration::from_millis(tally.spent_ms), &saving);
    let (mut tally, end) = hunt::hunt(&swarm, range, tally, &session.interrupt, &|tally| teller.tell(tally));
    tally.spent_ms = teller.spent().as_millis() as u64;
    saving.save(&tally)?;
    let mut report = report_of(&tally, first);
    let (exit, runs) = conclude(end, &mut report, tally.refuted > 0, session)?;
    if options.no_html != Some(true) && report.runs > 0 {
        leave_page(runs.first(), &report, &file.with_extension("html"), session);
    }
    let purpose = Purpose::Hunt(&report);
    let told = RunsReport { exit, runs: &runs, missed: &[], expectations: &[], again: &again, purpose };
    session.tell(told, &targets, out)
}

/// What a hunt came to. A run that failed is run again with a folder of its own.
fn conclude(
    end: End,
    report: &mut HuntReport,
    refuted: bool,
    session: &Session,
) -> Result<(Exit, Vec<RunOutcome>), Failure> {
    let exit = match end {
        End::Interrupted => Exit::Interrupted,
        End::Spent if report.runs == 0 => Exit::NothingRan,
        End::Spent if refuted => Exit::Bug,
        End::Spent if report.unknown > 0 => Exit::Undecided,
        End::Spent => Exit::Success,
        End::Failed(spec, error) => {
            session.error(&format!("{}: {error}", spec.title()));
            report.failed = Some(spec.reproduce());
            Exit::HarnessFailure
        }
        End::Found(spec) => {
            // Found is found, also where the hunt was interrupted then.
            let outcome = judge::execute(&spec, &Silent, &Interrupt::default())?;
            let exit = if session.interrupt.is_set() { Exit::Interrupted } else { Exit::Violation };
            return Ok((exit, vec![outcome]));
        }
    };
    Ok((exit, Vec::new()))
}

/// Of the run that failed in its folder, else of the hunt alone as `file`.
fn leave_page(found: Option<&RunOutcome>, hunt: &HuntReport, file: &Path, session: &Session) {
    if let Some(outcome) = found {
        return super::report::leave_found(outcome, hunt, session);
    }
    super::report::write_hunt(file, hunt, session);
    session.say(&format!("what it looked at: {}", file.display()));
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn first_seed(options: &Options) -> u64 {
    match (&options.seed, &options.seeds) {
        (Some(seed), _) => seed.0,
        (None, Some(Seeds::These(seeds))) => seeds.first().copied().unwrap_or(1),
        (None, _) => draw_seed(),
    }
}

fn seeds_max(options: &Options) -> Result<Option<u64>, Failure> {
    match &options.seeds {
        None => Ok(None),
        Some(Seeds::Count(count)) => Ok(Some(u64::from(*count))),
        Some(Seeds::These(seeds)) if seeds.windows(2).all(|pair| pair[0] + 1 == pair[1]) => {
            Ok(Some(seeds.len() as u64))
        }
        Some(Seeds::These(_)) => {
            Err(Failure::usage("a hunt takes a count or a range of seeds, --seeds 10000 or 1..10000"))
        }
    }
}

/// What is hunted, whoever hunts it how long.
fn digest(swarm: &Swarm) -> String {
    let texts: Vec<String> = swarm.bases.iter().map(RunSpec::digest).collect();
    hexadecimal(format!("{texts:?} {} {:?}", swarm.mix_faults, swarm.fixed).as_bytes())
}

fn again(args: &HuntArgs, options: &Options, first: u64) -> String {
    let mut words = vec!["partita hunt".to_owned()];
    words.extend(args.suite.iter().map(|suite| shell_quote(suite)));
    words.extend(flags(&Options { stage: None, ..options.clone() }));
    words.extend(args.promises.then(|| "--promises".to_owned()));
    words.extend(args.shard.map(|shard| format!("--shard {}/{}", shard.index, shard.count)));
    format!("seeds from {first}; again: {} --seed {first}", words.join(" "))
}

fn report_of(tally: &Tally, first_seed: u64) -> HuntReport {
    let Coverage { faults, states, anomalies } = tally.coverage.clone();
    HuntReport {
        first_seed,
        runs: tally.runs,
        operations: tally.operations,
        simulated_ms: tally.simulated_ms,
        spent_ms: tally.spent_ms,
        inconclusive: tally.inconclusive,
        unknown: tally.unknown,
        thin: tally.thin.clone(),
        doubts: tally.doubts.iter().cloned().collect(),
        coverage: CoverageReport { faults, states, anomalies },
        failed: None,
    }
}

/// Tells how a hunt goes on, once in a while, and keeps it on disk.
struct Teller<'a> {
    session: &'a Session,
    saving: &'a Saving<'a>,
    /// By the sessions before this one.
    spent_before: Duration,
    began: Instant,
    last: Mutex<Instant>,
}

impl<'a> Teller<'a> {
    const EVERY: Duration = Duration::from_secs(5);

    fn new(session: &'a Session, spent_before: Duration, saving: &'a Saving<'a>) -> Self {
        Self { session, saving, spent_before, began: Instant::now(), last: Mutex::new(Instant::now()) }
    }

    /// As long as the runs of the tally took, whoever ran them.
    fn spent(&self) -> Duration {
        self.spent_before + self.began.elapsed()
    }

    fn tell(&self, tally: &Tally) {
        let Ok(mut last) = self.last.try_lock() else { return };
        if last.elapsed() >= Self::EVERY {
            *last = Instant::now();
            let mut tally = tally.clone();
            tally.spent_ms = self.spent().as_millis() as u64;
            if let Err(failure) = self.saving.save(&tally) {
                self.session.warn(&failure.to_string());
            }
            self.session.say(&terminal::hunt_summary(&report_of(&tally, self.saving.first)));
        }
    }
}

/// The run that a hunt draws for a seed.
pub(crate) fn drawn(
    seed: u64,
    suite_name: Option<&str>,
    own: &Options,
    config: Options,
    catalogue: &Catalogue,
) -> Result<RunSpec, Failure> {
    let (swarm, _) = swarm(suite_name, own, config, catalogue)?;
    Ok(swarm.draw(seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_hunt_is_live() {
        let catalogue = Catalogue::with(PathBuf::from("partita"), &[]);
        let hunted = |stage| {
            let own = Options { stage: Some(stage), ..Options::default() };
            swarm(None, &own, Options::default(), &catalogue).map(|(swarm, _)| swarm.bases.len())
        };
        assert!(matches!(hunted(StageName::Live), Err(Failure::Usage(why)) if why.contains("simulation")));
        assert!(hunted(StageName::Sim).unwrap() > 0);
    }

    #[test]
    fn a_shard_is_one_of_so_many() {
        assert_eq!("2/8".parse(), Ok(Shard { index: 2, count: 8 }));
        for wrong in ["0/3", "4/3", "2", "a/b"] {
            assert!(wrong.parse::<Shard>().unwrap_err().contains("2/8"));
        }
    }
}
