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
use crate::judge;
use crate::judge::outcome::Outcome;
use crate::load::script::Script;
use crate::plan::catalogue::Catalogue;
use crate::plan::recipe;
use crate::plan::recipe::hexadecimal;
use crate::plan::spec::{RunSpec, StageName};
use crate::report::terminal;

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
        let seed: crate::cli::quantity::Seed = args.what.parse().map_err(|_| {
            Failure::usage(format!("{:?} is neither the folder of a run nor a seed", args.what))
        })?;
        drawn(seed.0, args.suite.as_deref(), &args.options, config, catalogue)?
    };
    let trace = args.trace && spec.stage == StageName::Sim;
    if args.trace && !trace {
        session.warn("nobody sees every message of a live run: there is no trace of it");
    }
    let spec = RunSpec { trace, ..spec };
    let spec = if spec.stage == StageName::Live { by_schedule(spec, before, session)? } else { spec };
    let outcome = judge::execute(&spec, &crate::run::progress::Silent, &session.interrupt);
    let outcome = outcome?;
    writeln!(out, "{}", terminal::run(&outcome, session.paint, session.verbose))?;
    let dir = Path::new(&outcome.dir);
    let now = digest(dir)?;
    writeln!(out, "history.jsonl {now}")?;
    if spec.stage == StageName::Sim && before.is_dir() {
        let same = digest(before).is_ok_and(|then| then == now);
        writeln!(
            out,
            "{}",
            if same { "the same history, to the byte" } else { "ANOTHER history than before" }
        )?;
        if !same {
            session.warn("a simulated run is the same only with the same version of partita");
        }
    }
    if trace {
        let drawing = dir.join("sequence.svg");
        writeln!(out, "trace: {}, {}", dir.join("trace.log").display(), drawing.display())?;
    }
    Ok(match outcome.outcome {
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

fn digest(folder: &Path) -> Result<String, Failure> {
    let file = folder.join("history.jsonl");
    let bytes =
        std::fs::read(&file).map_err(|error| Failure::Harness(format!("{}: {error}", file.display())))?;
    Ok(hexadecimal(&bytes))
}
