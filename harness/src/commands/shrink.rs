//! `partita shrink`: the smallest run, or stored history, that still fails the same check.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use checkers::Budget;
use clap::Args;
use histories::{Header, Tape};

use super::Session;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names;
use crate::cli::output::OutputFormat;
use crate::cli::quantity::{BudgetLimits, Time};
use crate::explore::shrink::Shrinking;
use crate::explore::shrink::history::{Smaller, Start};
use crate::judge;
use crate::plan::catalogue::Catalogue;
use crate::plan::recipe;
use crate::plan::spec::StageName;
use crate::report::Report;
use crate::report::shrunk::{Shrunk, SmallerHistory, SmallerRun};
use crate::run::progress::Silent;

#[derive(Args, Debug)]
pub(crate) struct ShrinkArgs {
    /// A run's folder, which is run again smaller and smaller in simulation, or a history's file, which is checked again.
    #[arg(value_name = "RUN|HISTORY")]
    pub(crate) what: PathBuf,

    /// Of a history: the model that it has to go on violating [default: one that its header demands, else the first].
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,

    /// For how long to try.
    #[arg(long, value_name = "T", default_value = "60s")]
    pub(crate) time: Time,

    /// For a person, or one JSON object.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: OutputFormat,
}

pub(crate) fn shrink(
    args: &ShrinkArgs,
    catalogue: &Catalogue,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    if !args.what.exists() {
        return Err(Failure::Usage(format!("{}: there is no such run or file", args.what.display())));
    }
    if args.what.is_dir() { of_run(args, catalogue, session, out) } else { of_history(args, session, out) }
}

fn of_run(
    args: &ShrinkArgs,
    catalogue: &Catalogue,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let spec = recipe::load(&args.what, catalogue, args.what.clone()).map_err(Failure::Harness)?;
    if spec.stage == StageName::Live {
        let why = "it is of a live run, and only simulated ones can be run again; shrink its history.jsonl";
        return Err(Failure::Usage(format!("{}: {why}", args.what.display())));
    }
    let Some(mut shrinking) = Shrinking::start(&spec, &session.interrupt, args.time.0)? else {
        return tell(&Shrunk::RunHolds(&args.what), args, session, out);
    };
    let before = shrinking.size();
    shrinking.run();
    let minimal = resolved(&args.what).join("minimal");
    let outcome = judge::execute_at(&minimal, &shrinking.spec(), &Silent, &session.interrupt)?.whole()?;
    if !shrinking.target().is_hit(&outcome) {
        return Err(Failure::Harness("the smaller run does not fail when it is run again: a bug".to_owned()));
    }
    super::report::leave(&outcome, session);
    let command = format!("partita replay {} --trace", names::shell_quote(&minimal.display().to_string()));
    put(&minimal.join("command"), format!("{command}\n").as_bytes())?;
    let target = shrinking.target();
    let smaller = SmallerRun {
        outcome: &outcome,
        subject: target.subject,
        violation: target.kind,
        before,
        after: shrinking.size(),
        trials: shrinking.trials,
        command: &command,
    };
    tell(&Shrunk::Run(smaller), args, session, out)
}

fn tell(
    shrunk: &Shrunk<'_>,
    args: &ShrinkArgs,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    session.print(&Report::Shrunk(shrunk), args.format.is_json(), out)?;
    Ok(shrunk.exit())
}

/// The folder itself, where it is named by a link such as `latest`, which soon points elsewhere.
fn resolved(folder: &Path) -> PathBuf {
    let Ok(found) = fs::canonicalize(folder) else { return folder.to_owned() };
    let here = std::env::current_dir().and_then(fs::canonicalize);
    match here {
        Ok(here) => found.strip_prefix(here).map_or_else(|_| found.clone(), Path::to_owned),
        Err(_) => found,
    }
}

fn of_history(args: &ShrinkArgs, session: &Session, out: &mut dyn Write) -> Result<Exit, Failure> {
    let history = histories::read::file(&args.what).map_err(|error| Failure::Harness(error.to_string()))?;
    let model = args.model.as_ref().map(|name| name.parse()).transpose();
    let model = model.map_err(|error: histories::UnknownModel| Failure::Usage(error.to_string()))?;
    let budget = Budget::new(args.time.0, BudgetLimits::default().memory_bytes);
    let nodes = (1..=history.node_count()).map(|number| format!("n{number}")).collect();
    let header = Header { nodes, ..history.header.clone() };
    let events = histories::write::events(&history).collect();
    let smaller = match Smaller::of(header.clone(), events, model, &budget) {
        Start::Fails(smaller) => smaller,
        Start::Holds => return tell(&Shrunk::HistoryHolds(&args.what), args, session, out),
        Start::Undecided(why) => {
            return tell(&Shrunk::Undecided { history: &args.what, why: &why }, args, session, out);
        }
    };
    let kept = smaller.run(&budget);
    let mut tape = Tape::default();
    let operations = kept.iter().filter(|event| event.kind == histories::Kind::Invoke).count();
    for event in kept {
        tape.append(event);
    }
    let file = beside(&args.what);
    put(&file, &tape.to_bytes(&header))?;
    let part = SmallerHistory {
        model: smaller.model,
        anomaly: smaller.kind,
        before: smaller.operations(),
        after: operations,
        file: &file,
    };
    tell(&Shrunk::History(part), args, session, out)
}

/// `run.jsonl` becomes `run.minimal.jsonl`.
fn beside(file: &Path) -> PathBuf {
    let stem = file.file_stem().map_or_else(|| "history".into(), |stem| stem.to_string_lossy());
    file.with_file_name(format!("{stem}.minimal.jsonl"))
}

fn put(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(file, bytes)
        .map_err(|error| Failure::Harness(format!("cannot write {}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_a_run_is_told_as_the_run() {
        let out = tempfile::tempdir().unwrap();
        let run = out.path().join("20260101T000000Z-1");
        fs::create_dir(&run).unwrap();
        std::os::unix::fs::symlink(&run, out.path().join("latest")).unwrap();
        assert_eq!(resolved(&out.path().join("latest")), fs::canonicalize(&run).unwrap());
        assert_eq!(resolved(Path::new("src/shrink")), Path::new("src/shrink"));
        assert_eq!(resolved(Path::new("nowhere")), Path::new("nowhere"));
    }
}
