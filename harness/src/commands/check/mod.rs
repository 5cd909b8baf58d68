//! `partita check`: stored histories against models.
//!
//! Demands what `--model` names, else what a file's header promises; with neither it describes.

mod graph;
mod judge;
mod report;
mod text;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use checkers::{Budget, Finding};
use histories::{Diagnostic, History, ModelName};

use super::Session;
use crate::checking;
use crate::cli::{CheckArgs, CheckFormat};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::names::{nearest, unknown};
use crate::outcome::RunOutcome;
use crate::quantity::{BudgetLimits, List};

/// A file that was read and checked.
struct Checked {
    file: String,
    history: History,
    findings: Vec<Finding>,
    /// Models that must hold; empty to describe only.
    demands: Vec<ModelName>,
    /// The command that made the history, where its folder knows.
    reproduce: Option<String>,
}

/// `configured` is the budget of the configuration, which `--budget` outranks.
pub(crate) fn check(
    args: &CheckArgs,
    configured: Option<BudgetLimits>,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let models = args.model.as_ref().map(models).transpose()?;
    for file in &args.files {
        exists(file)?;
    }
    if args.files.iter().filter(|file| is_stdin(file)).count() > 1 {
        return Err(Failure::usage("standard input can be read once only; - is given more than once"));
    }
    let limits = args.budget.or(configured).unwrap_or_default();
    let results = check_all(&args.files, models.as_deref(), limits);
    let mut exit = Exit::Success;
    let mut overview = text::Overview::default();
    for (position, result) in results.into_iter().enumerate() {
        exit = exit.merge(match result {
            Err(diagnostic) => {
                session.error(&diagnostic.to_string());
                Exit::HarnessFailure
            }
            Ok(checked) => {
                let graphs = match &args.graph {
                    Some(folder) => graph::write(&checked, folder)?,
                    None => Vec::new(),
                };
                if let Some(cut) = checked.history.cut_off() {
                    session.warn(&format!("{cut}; checked to its last whole event"));
                }
                match args.format {
                    CheckFormat::Json => writeln!(out, "{}", report::json(&checked))?,
                    CheckFormat::Text => {
                        let gap = if position > 0 { "\n" } else { "" };
                        let all = args.witness || session.verbose;
                        write!(out, "{gap}{}", text::render(&checked, session.paint, all, args.explain))?;
                        overview.push(&checked);
                        for file in graphs {
                            writeln!(out, "graph: {}", file.display())?;
                        }
                    }
                }
                judge::exit(&checked.demands, &checked.findings, &checked.history)
            }
        });
    }
    write!(out, "{}", overview.render())?;
    Ok(exit)
}

fn models(list: &List) -> Result<Vec<ModelName>, Failure> {
    let known: Vec<_> = ModelName::ALL.iter().map(|model| model.name()).collect();
    let parse = |name: &String| name.parse().map_err(|_| Failure::usage(unknown("model", name, &known)));
    list.0.iter().map(parse).collect()
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// A name that is not there is a mistake of the command line, answered with the nearest that is.
fn exists(file: &Path) -> Result<(), Failure> {
    if is_stdin(file) || file.exists() {
        return Ok(());
    }
    let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let siblings: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| {
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        })
        .unwrap_or_default();
    let wanted = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let near = nearest(&wanted, siblings.iter().map(String::as_str));
    let hint =
        near.map_or_else(String::new, |near| format!("; did you mean {}?", folder.join(near).display()));
    Err(Failure::usage(format!("{}: there is no such file{hint}", file.display())))
}

/// Every file, in the order given, on as many threads as the machine has cores.
fn check_all(
    files: &[PathBuf],
    models: Option<&[ModelName]>,
    limits: BudgetLimits,
) -> Vec<Result<Checked, Diagnostic>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(files.len());
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(files.len()));
    let work = || {
        while let Some((position, file)) = take(&next, files) {
            let result = check_file(file, models, limits);
            // A thread that panicked has ended the whole command already.
            if let Ok(mut results) = results.lock() {
                results.push((position, result));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_by_key(|&(position, _)| position);
    results.into_iter().map(|(_, result)| result).collect()
}

fn take<'a>(next: &AtomicUsize, files: &'a [PathBuf]) -> Option<(usize, &'a PathBuf)> {
    let position = next.fetch_add(1, Ordering::Relaxed);
    files.get(position).map(|file| (position, file))
}

fn check_file(
    file: &Path,
    models: Option<&[ModelName]>,
    limits: BudgetLimits,
) -> Result<Checked, Diagnostic> {
    let history = histories::read::file(file)?;
    let budget = Budget::new(limits.time, limits.memory_bytes);
    let findings = checking::check(&history, models, &budget);
    let demands = models.map_or_else(|| history.header.demands.clone(), <[_]>::to_vec);
    Ok(Checked { file: file.display().to_string(), findings, demands, reproduce: reproduce(file), history })
}

/// A run's folder holds its outcome beside its history, and that the command that made both.
fn reproduce(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file.parent()?.join("results.json")).ok()?;
    let outcome: RunOutcome = serde_json::from_str(&text).ok()?;
    Some(outcome.reproduce).filter(|command| !command.is_empty())
}

#[cfg(test)]
mod tests;
