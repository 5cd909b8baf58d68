//! `partita replay`: the same run again, exactly in simulation, by the same schedule of faults live.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use nemesis::ScriptedFault;

use super::Session;
use super::hunt::drawn;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::options::Options;
use crate::cli::output::OutputFormat;
use crate::cli::quantity::Seed;
use crate::judge;
use crate::judge::outcome::{Outcome, RunOutcome};
use crate::load::script::Script;
use crate::plan::catalogue::Catalogue;
use crate::plan::recipe;
use crate::plan::recipe::hexadecimal;
use crate::plan::spec::{RunSpec, StageName};
use crate::report::Report;
use crate::report::replayed::{Compared, Difference, Replayed, Trace};
use crate::run::executable_digest;

#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// A run's folder, or the seed of a hunt.
    #[arg(value_name = "RUN|SEED")]
    pub(crate) what: String,

    /// The suite that was hunted, where a seed is given.
    #[arg(value_name = "SUITE")]
    pub(crate) suite: Option<String>,

    /// Writes a log of every message, timer, write and fault, and a sequence diagram of the last moments (SVG).
    #[arg(long)]
    pub(crate) trace: bool,

    /// For a person, or one JSON object.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: OutputFormat,

    #[command(flatten)]
    pub(crate) options: Options,
}

pub(crate) fn replay(
    args: &ReplayArgs,
    config: Options,
    catalogue: &Catalogue,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    super::place::check(&args.options)?;
    let before = Path::new(&args.what);
    let spec = if before.exists() {
        let folder = args.options.out.clone().unwrap_or_else(|| PathBuf::from("runs"));
        recipe::load(before, catalogue, folder).map_err(Failure::Harness)?
    } else {
        let seed: Seed = args.what.parse().map_err(|why: String| {
            Failure::usage(format!("{:?} is not the folder of a run, and as a seed: {why}", args.what))
        })?;
        drawn(seed.0, args.suite.as_deref(), &args.options, config, catalogue)?
    };
    if let Some(exit) = super::apart::enter(std::iter::once(&spec), session)? {
        return Ok(exit);
    }
    let trace = args.trace && spec.stage == StageName::Sim;
    if args.trace && !trace {
        session.warn("nobody sees every message of a live run: there is no trace of it");
    }
    let spec = RunSpec { trace, ..spec };
    let spec = if spec.stage == StageName::Live { by_schedule(spec, before, session)? } else { spec };
    let outcome = judge::execute(&spec, &crate::run::progress::Silent, &session.interrupt)?;
    super::report::leave(&outcome, session);
    let dir = Path::new(&outcome.dir);
    let now = read_history(dir).map_err(|error| Failure::Harness(error.to_string()))?;
    let earlier = (spec.stage == StageName::Sim && before.exists() && outcome.finished)
        .then(|| if before.is_dir() { before } else { before.parent().unwrap_or(Path::new(".")) });
    let replayed = Replayed {
        exit: exit_of(&outcome),
        outcome: &outcome,
        history_sha256: hexadecimal(&now),
        compared: earlier.map(|folder| compared(folder, &now, &spec)),
        trace: trace.then(|| Trace { log: dir.join("trace.log"), drawing: dir.join("sequence.svg") }),
    };
    session.print(&Report::Replayed(&replayed), args.format.is_json(), out)?;
    Ok(replayed.exit)
}

fn exit_of(outcome: &RunOutcome) -> Exit {
    let bug = if outcome.has_refuted_proof() { Exit::Bug } else { Exit::Success };
    let interrupted = if outcome.finished { Exit::Success } else { Exit::Interrupted };
    bug.merge(interrupted).merge(match outcome.outcome {
        Outcome::Violation => Exit::Violation,
        Outcome::Pass => Exit::Success,
        Outcome::Unknown | Outcome::Inconclusive => Exit::Undecided,
        Outcome::HarnessFailure => Exit::HarnessFailure,
    })
}

/// The faults of a live run at the times at which they were carried out.
fn by_schedule(spec: RunSpec, folder: &Path, session: &Session) -> Result<RunSpec, Failure> {
    session
        .warn("a live run is never the same twice: this is the same schedule of faults, and another history");
    if spec.script.is_some() {
        return Ok(spec);
    }
    let file = folder.join("schedule.json");
    let wrong = |why: String| Failure::Harness(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
    let whole: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let faults: Vec<ScriptedFault> =
        serde_json::from_value(whole["faults"].clone()).map_err(|error| wrong(error.to_string()))?;
    Ok(RunSpec { script: Some(Arc::new(Script { faults, operations: None })), ..spec })
}

fn read_history(folder: &Path) -> std::io::Result<Vec<u8>> {
    let file = folder.join("history.jsonl");
    std::fs::read(&file).map_err(|error| std::io::Error::other(format!("{}: {error}", file.display())))
}

/// How the history is related to that of the earlier run, and why where it is another.
fn compared(earlier: &Path, now: &[u8], spec: &RunSpec) -> Compared {
    let then = match read_history(earlier) {
        Ok(then) => then,
        Err(error) => return Compared::Nothing(error.to_string()),
    };
    if then == now {
        return Compared::Same;
    }
    let (before, after) = (then.split(|&byte| byte == b'\n'), now.split(|&byte| byte == b'\n'));
    let line = 1 + before.zip(after).take_while(|(before, after)| before == after).count();
    Compared::Another { line, why: difference(earlier, spec) }
}

fn difference(earlier: &Path, spec: &RunSpec) -> Difference {
    let env = recipe::environment(earlier).unwrap_or_default();
    let said = |key: &str| env[key].as_str().unwrap_or("?").to_owned();
    if said("configuration_sha256") != spec.digest_of(&said("partita")) {
        Difference::Configuration
    } else if said("partita") != env!("CARGO_PKG_VERSION") {
        Difference::Version(said("partita"))
    } else if said("sha256") != executable_digest() {
        Difference::Build
    } else {
        Difference::Unexplained
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::hunt::swarm;

    #[test]
    fn a_history_is_compared_with_that_of_the_earlier_run() {
        let catalogue = Catalogue::with(PathBuf::from("partita"), &[]);
        let (swarm, _) = swarm(None, &Options::default(), Options::default(), &catalogue).unwrap();
        let spec = swarm.draw(7);
        let folder = tempfile::tempdir().unwrap();
        let told = |env: Option<serde_json::Value>| {
            if let Some(env) = env {
                std::fs::write(folder.path().join("env.json"), env.to_string()).unwrap();
            }
            compared(folder.path(), b"one\ntwo\nfour\n", &spec)
        };
        assert!(matches!(told(None), Compared::Nothing(_)));
        std::fs::write(folder.path().join("history.jsonl"), b"one\ntwo\nfour\n").unwrap();
        assert_eq!(told(None), Compared::Same);
        std::fs::write(folder.path().join("history.jsonl"), b"one\ntwo\nthree\n").unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let env = |version: &str, digest: String, build: &str| {
            Some(serde_json::json!({
                "partita": version, "configuration_sha256": digest, "sha256": build,
            }))
        };
        let told = [
            told(env(version, "changed".to_owned(), "")),
            told(env("0.0.1", spec.digest_of("0.0.1"), "")),
            told(env(version, spec.digest(), "other")),
            told(env(version, spec.digest(), &executable_digest())),
        ];
        let why = [
            Difference::Configuration,
            Difference::Version("0.0.1".to_owned()),
            Difference::Build,
            Difference::Unexplained,
        ];
        assert_eq!(told, why.map(|why| Compared::Another { line: 3, why }));
    }
}
