//! `partita report`: runs and stored histories as one page.

use std::io::Write;
use std::path::{Path, PathBuf};

use checkers::Budget;
use clap::Args;
use histories::{ModelName, printable, read};

use super::{Session, files, pictures};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::{address_of, shell_quote};
use crate::cli::quantity::{BudgetLimits, List};
use crate::cli::reading::{ReadingArgs, ViewArgs};
use crate::judge::outcome::RunOutcome;
use crate::judge::stored;
use crate::report::hunt::HuntReport;
use crate::report::page::{Page, Source};

#[derive(Args, Debug)]
pub(crate) struct ReportArgs {
    /// Folders of runs, folders of them, history files, or patterns such as `'runs/*/*'`.
    #[arg(value_name = "DIR|FILE", required = true)]
    files: Vec<PathBuf>,

    /// Where the page goes [default: report.html, in the run's folder where it is of one run, else in this folder].
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Of a history that no run made: demand these models, and check no other.
    #[arg(long, value_name = "MODEL,…")]
    model: Option<List>,

    /// What a history's check may use: `60s,4GiB`.
    #[arg(long, value_name = "TIME,SIZE", env = "PARTITA_BUDGET")]
    budget: Option<BudgetLimits>,

    #[command(flatten, next_help_heading = "How a file is read")]
    reading: ReadingArgs,

    #[command(flatten, next_help_heading = "What is looked at")]
    view: ViewArgs,
}

/// The name of a page in its run's folder.
pub(super) const PAGE: &str = "report.html";

pub(crate) fn report(
    args: &ReportArgs,
    configured: Option<BudgetLimits>,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let models = args.model.as_ref().map(super::check::models).transpose()?;
    let files = files::find(&args.files)?;
    for skipped in &files.skipped {
        session.say(skipped);
    }
    let loading = session.loading(&files.histories);
    let job = Job { args, models, limits: args.budget.or(configured).unwrap_or_default() };
    let mut page = Page::new(String::new());
    let mut runs = Vec::new();
    for (number, file) in (1..).zip(&files.histories) {
        loading.say(format!("{number} of {}", files.histories.len()));
        let options = read::Options {
            memory_bytes_max: job.limits.memory_bytes as u64,
            ..args.reading.options(loading.meter())
        };
        let source = job.source(file, &options)?;
        runs.push(source.title());
        page.add(source);
    }
    drop(loading);
    page.title = match runs.as_slice() {
        [one] => one.clone(),
        many => format!("{} runs", many.len()),
    };
    let target = args.output.clone().unwrap_or_else(|| default_target(&files.histories));
    write(&target, &page)?;
    writeln!(out, "{}", printable(&target.display().to_string()))?;
    Ok(Exit::Success)
}

struct Job<'a> {
    args: &'a ReportArgs,
    models: Option<Vec<ModelName>>,
    limits: BudgetLimits,
}

impl Job<'_> {
    /// What a run left, or a history that is checked for it.
    fn source(&self, file: &Path, options: &read::Options) -> Result<Source, Failure> {
        let folder = run_of(file).filter(|_| self.models.is_none());
        if let Some(run) = folder.map(Source::folder).transpose()?.flatten() {
            return Ok(run);
        }
        let history =
            read::file_with(file, options).map_err(|diagnostic| Failure::Harness(diagnostic.to_string()))?;
        let name = file.display().to_string();
        let history = self.args.view.view().of(history);
        let history = history.map_err(|error| Failure::usage(format!("{name}: {error}")))?;
        let budget = Budget::new(self.limits.time, self.limits.memory_bytes);
        let models = self
            .args
            .model
            .as_ref()
            .map_or_else(String::new, |models| format!(" --model {}", models.0.join(",")));
        let again = format!("partita check {}{models}", shell_quote(&name));
        let outcome = stored::examine(&history, &name, self.models.as_deref(), &budget, again);
        // Our types have string keys only, so they always serialise.
        Ok(Source::checked(serde_json::to_value(outcome).unwrap_or_default(), file, history))
    }
}

/// The folder of the run whose history this is.
fn run_of(history: &Path) -> Option<&Path> {
    let folder = history.parent()?;
    folder.join("results.json").is_file().then_some(folder)
}

fn default_target(histories: &[PathBuf]) -> PathBuf {
    match histories {
        [one] => run_of(one).map_or_else(|| PathBuf::from(PAGE), |folder| folder.join(PAGE)),
        _ => PathBuf::from(PAGE),
    }
}

/// Writes a page, whole or not at all.
pub(super) fn write(target: &Path, page: &Page) -> Result<(), Failure> {
    let failed =
        |error| Failure::Harness(format!("{}: the page cannot be written: {error}", target.display()));
    crate::run::replace(target, &page.render()).map_err(failed)
}

/// Leaves the page of a run and its pictures in its folder. What cannot be written is told, and fails nothing.
pub(super) fn leave(outcome: &RunOutcome, session: &Session) {
    if let Err(failure) = write_run(outcome, None) {
        session.warn(&failure.to_string());
    }
}

/// The same of a run that a hunt found, whose page tells of the hunt, too.
pub(super) fn leave_found(outcome: &RunOutcome, hunt: &HuntReport, session: &Session) {
    if let Err(failure) = write_run(outcome, Some(hunt)) {
        session.warn(&failure.to_string());
    }
}

fn write_run(run: &RunOutcome, hunt: Option<&HuntReport>) -> Result<(), Failure> {
    let folder = Path::new(&run.dir);
    let Some(source) = Source::folder(folder)? else { return Ok(()) };
    pictures::write(run, &source)?;
    let mut page = Page::new(source.title());
    page.hunt = hunt.cloned();
    page.add(source);
    write(&folder.join(PAGE), &page)
}

/// The page of a hunt that found nothing, beside its state.
pub(super) fn write_hunt(file: &Path, hunt: &HuntReport, session: &Session) {
    let mut page = Page::new("A hunt");
    page.hunt = Some(hunt.clone());
    if let Err(failure) = write(file, &page) {
        session.warn(&failure.to_string());
    }
}

/// The page of a comparison, beside the folders of its runs. What cannot be written is told, and fails nothing.
pub(super) fn write_comparison(runs: &[RunOutcome], session: &Session) -> Option<PathBuf> {
    let mut page = Page::side_by_side("Replication modes side by side");
    let beside = Path::new(&runs.first()?.dir).parent()?;
    let mut folders = runs.iter().map(|run| Path::new(&run.dir)).filter(|folder| folder.is_dir());
    let written = folders.try_for_each(|folder| {
        if let Some(mut source) = Source::folder(folder)? {
            source.page = own_page(folder, beside);
            page.add(source);
        }
        Ok(())
    });
    let target = beside.join(PAGE);
    match written.and_then(|()| write(&target, &page)) {
        Ok(()) => Some(target),
        Err(failure) => {
            session.warn(&failure.to_string());
            None
        }
    }
}

/// The address of a run's own page, from a page in the folder `beside`.
fn own_page(folder: &Path, beside: &Path) -> Option<String> {
    let file = folder.join(PAGE);
    let path = file.strip_prefix(beside).ok().filter(|_| file.is_file())?;
    Some(address_of(path.to_str()?))
}
