//! `partita run`: suites, one run after the other, then what it came to.

use std::io::Write;

use clap::Args;

use super::{Session, apart, report};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::flags::flags;
use crate::cli::names::shell_quote;
use crate::cli::options::Options;
use crate::judge::expect::{Judgement, judge_runs};
use crate::judge::outcome::RunOutcome;
use crate::judge::{self, outcome};
use crate::plan;
use crate::plan::catalogue::Catalogue;
use crate::plan::expect::{self, Expectation};
use crate::plan::spec::{OnViolation, RunSpec, StageName};
use crate::plan::suite::{self, Suite};
use crate::report::{Purpose, RunsReport, Targets, terminal};
use crate::run::{RunError, rehearsal};

/// The runs that are meant: of suites, and of options that go before theirs.
#[derive(Args, Debug)]
pub(crate) struct Meant {
    /// Built-in suites (see `partita list suites`) or files [default: quick].
    #[arg(value_name = "SUITE")]
    pub(crate) suites: Vec<String>,
    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) meant: Meant,
    /// Ends a live run at the first violation that nothing later can mend (linearizable, strict-serializable, bank,
    /// unique-ids), without final reads.
    #[arg(long, help_heading = "On a violation")]
    stop_on_violation: bool,
    /// Then leaves cluster and faults as they are, for you to look at, until Ctrl-C.
    #[arg(long, requires = "stop_on_violation", help_heading = "On a violation")]
    freeze: bool,
}

impl RunArgs {
    fn on_violation(&self) -> OnViolation {
        match (self.stop_on_violation, self.freeze) {
            (false, _) => OnViolation::GoOn,
            (true, false) => OnViolation::Stop,
            (true, true) => OnViolation::Freeze,
        }
    }
}

/// A suite with its runs resolved.
pub(crate) struct Planned {
    pub(crate) suite: Suite,
    pub(crate) specs: Vec<RunSpec>,
    /// What it asks for and no run does, in words.
    pub(crate) left_out: Vec<String>,
}

/// Whether each run's folder gets its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pages {
    Written,
    LeftOut,
}

impl Pages {
    pub(crate) fn wanted(options: &Options) -> Self {
        if options.no_html == Some(true) { Self::LeftOut } else { Self::Written }
    }
}

/// Runs that were carried out, and how that ended.
#[derive(Default)]
pub(crate) struct Carried {
    pub(crate) runs: Vec<RunOutcome>,
    pub(crate) interrupted: bool,
}

pub(crate) fn run(
    args: &RunArgs,
    config: Options,
    catalogue: &Catalogue,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let options = args.meant.options.clone().over(config);
    let targets = Targets::parse(options.report.as_ref())?;
    super::place::check(&options)?;
    let seed_drawn = draw_seed();
    let mut planned = plan_all(&args.meant, &options, catalogue, seed_drawn)?;
    for spec in planned.iter_mut().flat_map(|planned| &mut planned.specs) {
        spec.on_violation = args.on_violation();
        if spec.stage == StageName::Sim && spec.on_violation != OnViolation::GoOn {
            let why =
                "--stop-on-violation is for live runs: a simulated one has ended before anybody can look";
            return Err(Failure::Usage(why.to_owned()));
        }
    }
    if let Some(exit) = apart::enter(planned.iter().flat_map(|planned| &planned.specs), session)? {
        return Ok(exit);
    }
    for left_out in planned.iter().flat_map(|planned| &planned.left_out) {
        session.warn(left_out);
    }
    let again = again(&args.meant, &options, &planned);
    session.say(&again);
    let mut stderr = std::io::stderr();
    let people: &mut dyn Write = if targets.take_stdout() { &mut stderr } else { out };
    let mut carried = Carried::default();
    let mut judgement = Judgement::default();
    let mut expectations: Vec<Expectation> = Vec::new();
    for Planned { suite, specs, .. } in planned {
        if carried.interrupted {
            break;
        }
        let first = carried.runs.len();
        carry_out(&specs, &suite.expectations, Pages::wanted(&options), session, people, &mut carried)?;
        let runs: Vec<&RunOutcome> = carried.runs[first..].iter().collect();
        judgement.extend(judge_runs(&suite.expectations, &runs));
        expectations.extend(suite.expectations);
    }
    let exit = exit(&carried, &judgement);
    let (runs, missed) = (carried.runs.as_slice(), judgement.missed.as_slice());
    let (expectations, again) = (expectations.as_slice(), again.as_str());
    session.tell(
        RunsReport { exit, runs, missed, expectations, again, purpose: Purpose::Suites },
        &targets,
        out,
    )
}

pub(crate) fn plan_all(
    meant: &Meant,
    options: &Options,
    catalogue: &Catalogue,
    seed_drawn: u64,
) -> Result<Vec<Planned>, Failure> {
    let default = [suite::DEFAULT.to_owned()];
    let names = if meant.suites.is_empty() { &default[..] } else { &meant.suites };
    let plan_one = |name: &String| {
        let suite = suite::load(name)?;
        let told = suite.options.clone().told_for(options.system.as_ref(), catalogue.default_name());
        let own = Options { system: options.system.clone(), stage: options.stage, ..told.clone() };
        let options = options.clone().over(told);
        let specs = plan::specs(&suite.name, &options, catalogue, seed_drawn, &|_| Vec::new())
            .map_err(Failure::Usage)?;
        let own = plan::specs(&suite.name, &own, catalogue, seed_drawn, &|_| Vec::new()).unwrap_or_default();
        if let Some(why) = expect::refusal(&suite.expectations, &specs, &own) {
            return Err(Failure::Usage(format!("{}: {why}", suite.source)));
        }
        let left_out = plan::left_out(&options, &specs);
        Ok(Planned { suite, specs, left_out })
    };
    names.iter().map(plan_one).collect()
}

/// Short enough to be copied by hand, drawn from the clock: only the harness may.
pub(crate) fn draw_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |since| nemesis::Dice::new(since.as_nanos() as u64).between(1, 999_999))
}

/// `seed 7; again: partita run quick --mode 'single/*' --seed 7`.
fn again(meant: &Meant, options: &Options, planned: &[Planned]) -> String {
    let mut seeds: Vec<u64> = planned.iter().flat_map(|p| &p.specs).map(|spec| spec.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let mut words: Vec<String> = vec!["partita run".into()];
    words.extend(meant.suites.iter().map(|suite| shell_quote(suite)));
    words.extend(flags(options));
    let texts: Vec<_> = seeds.iter().map(ToString::to_string).collect();
    match texts.as_slice() {
        [one] => format!("seed {one}; again: {} --seed {one}", words.join(" ")),
        [first, .., last] if seeds.windows(2).all(|pair| pair[0] + 1 == pair[1]) => {
            format!("seeds {first}..{last}; again: {} --seeds {first}..{last}", words.join(" "))
        }
        many => format!("seeds {0}; again: {1} --seeds {0}", many.join(","), words.join(" ")),
    }
}

/// Carries runs out one by one and tells of each. A harness failure is an outcome too: the others still run.
pub(crate) fn carry_out(
    specs: &[RunSpec],
    expectations: &[Expectation],
    pages: Pages,
    session: &Session,
    people: &mut dyn Write,
    carried: &mut Carried,
) -> Result<(), Failure> {
    for why in rehearsal::all_too_short(specs) {
        session.warn(&why);
    }
    for (number, spec) in specs.iter().enumerate() {
        let title = format!("[{}/{}] {}", number + 1, specs.len(), spec.title());
        let progress = session.progress(&title, spec.time);
        let result = judge::execute(spec, progress.as_ref(), &session.interrupt);
        drop(progress);
        match result {
            Ok(outcome) => {
                if pages == Pages::Written {
                    report::leave(&outcome, session);
                }
                if !session.quiet || outcome.outcome != outcome::Outcome::Pass {
                    writeln!(people, "{}", terminal::run(&outcome, session.screen(), expectations))?;
                }
                carried.interrupted = !outcome.finished;
                let recorded = outcome.dir.clone();
                carried.runs.push(outcome);
                if carried.interrupted {
                    session.warn(&format!("interrupted; what was recorded is in {recorded}"));
                    return Ok(());
                }
            }
            Err(RunError::Harness(why)) => {
                session.error(&format!("{}: {why}", spec.title()));
                carried.runs.push(RunOutcome::harness_failure(spec, why));
            }
            Err(RunError::Interrupted) => {
                carried.interrupted = true;
                return Ok(());
            }
        }
    }
    Ok(())
}

pub(crate) fn exit(carried: &Carried, judgement: &Judgement) -> Exit {
    let ran = if carried.runs.is_empty() { Exit::NothingRan } else { Exit::Success };
    let interrupted = if carried.interrupted { Exit::Interrupted } else { Exit::Success };
    let refuted = carried.runs.iter().any(RunOutcome::has_refuted_proof);
    let bug = if refuted { Exit::Bug } else { Exit::Success };
    ran.merge(judgement.exit()).merge(interrupted).merge(bug)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::commands::line::{Cli, Command};
    use crate::testing::catalogue;

    fn args(line: &str) -> RunArgs {
        let words = ["partita", "run"].into_iter().chain(line.split_whitespace());
        let Command::Run(args) = Cli::try_parse_from(words).unwrap().command else { panic!("not run") };
        args
    }

    fn run_paper(line: &str) -> (Result<Exit, Failure>, String) {
        let mut out = Vec::new();
        let exit = run(&args(line), Options::default(), &catalogue(), &Session::silent(), &mut out);
        (exit, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_system_that_does_not_start_is_a_harness_failure_of_every_run_and_never_a_pass() {
        let folder = tempfile::tempdir().unwrap();
        let (exit, out) = run_paper(&format!("--out {} --report json --seed 7", folder.path().display()));
        assert_eq!(exit.unwrap(), Exit::HarnessFailure);
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json["exit"], 3);
        let outcomes: Vec<_> = json["runs"].as_array().unwrap().iter().map(|run| &run["outcome"]).collect();
        assert_eq!(outcomes, ["harness-failure", "harness-failure"]);
        assert_eq!(json["runs"][0]["notes"][0], "start: this system is of paper");
    }

    #[test]
    fn mistakes_stop_a_command_before_anything_runs() {
        for line in
            ["quik", "--mode single/quorun", "--report jsn", "--report json,csv", "--seed 1 --seeds 1..2"]
        {
            let (exit, out) = run_paper(line);
            assert!(matches!(exit, Err(Failure::Usage(_))), "{line}: {exit:?}");
            assert_eq!(out, "");
        }
    }

    #[test]
    fn an_expectation_that_no_run_can_meet_stops_a_command_before_anything_runs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.toml");
        let suite = |more: &str| {
            let suite = "mode = \"single/quorum,single/async\"\nworkload = \"set\"\nseeds = 2\n";
            std::fs::write(&file, format!("{suite}[[expect]]\ndurability = \"invalid\"\n{more}\n")).unwrap();
        };
        let run = |flags: &str| {
            run_paper(&format!("{} --out {} {flags}", file.display(), folder.path().display())).0
        };
        let refusals = [
            "mode = \"single/asnc\"",
            "mode = [\"single/lease\", \"multi/*\"]",
            "workload = \"register\"",
            "min-seeds = 5",
        ];
        let refusals = refusals.map(|more| {
            suite(more);
            let Err(Failure::Usage(why)) = run("") else { panic!("{more} runs") };
            why.replace(&file.display().to_string(), "own.toml")
        });
        insta::assert_snapshot!(refusals.join("\n"));
        suite("mode = \"single/async\"");
        assert_eq!(run("--mode single/quorum").unwrap(), Exit::HarnessFailure, "a part of the suite is run");
    }

    #[test]
    fn the_line_to_copy_holds_what_was_asked_for_and_the_seed() {
        let line = |text: &str| {
            let args = args(text);
            let planned = plan_all(&args.meant, &args.meant.options, &catalogue(), 40).unwrap();
            again(&args.meant, &args.meant.options, &planned)
        };
        let lines = [
            line(""),
            line("smoke --time 5s --keep --report json"),
            line("--mode single/* --seeds 3"),
            line("--seeds 3,9,4"),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn an_interruption_outranks_what_was_found_and_nothing_is_no_success() {
        let mut carried = Carried::default();
        assert_eq!(exit(&carried, &Judgement::default()), Exit::NothingRan);
        carried.runs.push(RunOutcome::complete_example());
        assert_eq!(exit(&carried, &Judgement::default()), Exit::Success);
        carried.interrupted = true;
        assert_eq!(exit(&carried, &Judgement::default()), Exit::Interrupted);
    }
}
