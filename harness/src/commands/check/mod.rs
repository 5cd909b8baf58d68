//! `partita check`: stored histories against models.
//!
//! Demands what `--model` names, else what a file's header promises; with neither it describes.

mod args;
mod graph;

use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use checkers::{Budget, Finding, Linear, Linearization, Verdict};
use histories::read::{Format, Options};
use histories::view::{View, hints};
use histories::{History, ModelName};

pub(crate) use self::args::CheckArgs;
use super::session::Loading;
use super::{Session, files, verify};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::unknown;
use crate::cli::quantity::{BudgetLimits, List};
use crate::judge::checked::{Checked, Examined};
use crate::judge::checking;
use crate::judge::outcome::StoredRun;
use crate::report::terminal::Depth;
use crate::report::{HistoryFile, HistoryFiles, Report};

/// How every file is checked.
struct Job<'a> {
    options: Options,
    view: View,
    models: Option<Vec<ModelName>>,
    limits: BudgetLimits,
    args: &'a CheckArgs,
}

/// `configured` is the budget of the configuration, which `--budget` outranks.
pub(crate) fn check(
    args: &CheckArgs,
    configured: Option<BudgetLimits>,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let models = args.model.as_ref().map(models).transpose()?;
    let files = files::find(&args.files)?;
    for skipped in &files.skipped {
        session.say(skipped);
    }
    if args.certificate.is_some() && files.histories.len() != 1 {
        return Err(Failure::usage("a certificate is of one history: name one file"));
    }
    let loading = session.loading(&files.histories);
    let limits = args.budget.or(configured).unwrap_or_default();
    let options =
        Options { memory_bytes_max: limits.memory_bytes as u64, ..args.reading.options(loading.meter()) };
    let job = Job { options, view: args.view.view(), models, limits, args };
    let found = job.check_all(&files.histories, &loading);
    drop(loading);
    let mut exit = Exit::Success;
    let mut told = Vec::new();
    for (file, found) in files.histories.iter().zip(found) {
        let file = match found {
            Ok(file) => file,
            Err(failure) => {
                session.error(&failure.to_string());
                exit = exit.merge(failure.exit());
                HistoryFile::Unreadable(file.display().to_string())
            }
        };
        if let HistoryFile::Checked { checked, .. } = &file {
            complain(checked, session);
            exit = exit.merge(checked.exit_with_own());
        }
        told.push(file);
    }
    let in_full = told.len() == 1 || args.witness || args.explain || session.verbose;
    let depth = Depth { every_anomaly: args.witness || session.verbose, explain: args.explain };
    let report = HistoryFiles { files: &told, in_full: in_full.then_some(depth) };
    session.print(&Report::Histories(report), args.format.is_json(), out)?;
    Ok(exit)
}

/// What has to be known of how a file was read, and what may have been forgotten.
fn complain(checked: &Checked, session: &Session) {
    let cut = checked.cut_off.iter().map(|cut| format!("{cut}; checked to its last whole event"));
    for warning in cut.chain(checked.warnings.iter().cloned()) {
        session.warn(&warning);
    }
    for hint in &checked.hints {
        session.hint(&format!("{}: {hint}", checked.file));
    }
}

pub(super) fn models(list: &List) -> Result<Vec<ModelName>, Failure> {
    let known: Vec<_> = ModelName::ALL.iter().map(|model| model.name()).collect();
    let parse = |name: &String| name.parse().map_err(|_| Failure::usage(unknown("model", name, &known)));
    list.0.iter().map(parse).collect()
}

impl Job<'_> {
    /// Every file, in the order given, on as many threads as the machine has cores.
    fn check_all(&self, files: &[PathBuf], loading: &Loading) -> Vec<Result<HistoryFile, Failure>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(files.len());
        let next = AtomicUsize::new(0);
        let found = Mutex::new(Vec::with_capacity(files.len()));
        let work = || {
            while let Some((position, file)) = take(&next, files) {
                let say = |doing: &str| match files.len() {
                    1 => loading.say(doing.to_owned()),
                    count => loading.say(format!("{} of {count}", position + 1)),
                };
                let checked = self.check_file(file, say);
                // A thread that panicked has ended the whole command already.
                if let Ok(mut found) = found.lock() {
                    found.push((position, checked));
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        let mut found = found.into_inner().unwrap_or_default();
        found.sort_by_key(|&(position, _)| position);
        found.into_iter().map(|(_, file)| file).collect()
    }

    fn check_file(&self, file: &Path, say: impl Fn(&str)) -> Result<HistoryFile, Failure> {
        say("reading");
        let history = histories::read::file_with(file, &self.options)
            .map_err(|diagnostic| Failure::Harness(diagnostic.to_string()))?;
        say("checking");
        let file_name = file.display().to_string();
        let history =
            self.view.of(history).map_err(|error| Failure::usage(format!("{file_name}: {error}")))?;
        let budget = Budget::new(self.limits.time, self.limits.memory_bytes);
        let models = self.models.as_deref();
        let findings = checking::check(&history, models, &budget);
        let demands = models.map_or_else(|| history.header.demands.clone(), <[_]>::to_vec);
        let linearizations =
            if self.args.witness { linearizations(&history, &findings, &budget) } else { Vec::new() };
        if let Some(target) = &self.args.certificate {
            self.certify(file, target, &history, &findings, &budget)?;
        }
        let drawings = match &self.args.graph {
            Some(folder) => graph::write(file, &history, &findings, folder)?,
            None => Vec::new(),
        };
        let checked = Box::new(Checked::from(Examined {
            file: file_name,
            history: &history,
            findings: &findings,
            demands,
            linearizations,
            guarantees: checking::guarantees(&history, &findings, &budget),
            hints: self.hints(&history, &findings),
            reproduce: reproduce(file),
        }));
        Ok(HistoryFile::Checked { checked, drawings })
    }

    /// A certificate names operations of the file as it stands, so that what reads it needs no options.
    fn certify(
        &self,
        file: &Path,
        target: &Path,
        history: &History,
        findings: &[Finding],
        budget: &Budget,
    ) -> Result<(), Failure> {
        if file == Path::new("-") || history.format() != Some(Format::Jsonl) {
            let help = "`partita convert` writes one of any format";
            return Err(Failure::usage(format!("a certificate is of a file of our own JSON Lines: {help}")));
        }
        if self.view != View::default()
            || self.options.order.is_some()
            || self.options.independent
            || matches!(histories::view::settled(history), Cow::Owned(_))
        {
            let help = "convert it without options that say what its keys hold";
            return Err(Failure::usage(format!("a certificate is of a file as it stands: {help}")));
        }
        verify::write(file, target, history, findings, budget)
    }

    /// Options that would change everything, as far as the history shows. What holds needs none, but for values that are
    /// pairs: taken for the values of one register, they may hold where the register of each key does not.
    fn hints(&self, history: &History, findings: &[Finding]) -> Vec<String> {
        let mut found = Vec::new();
        if history.format() != Some(Format::Jsonl) && !self.options.independent {
            found.extend(hints::independent(history));
        }
        if findings.iter().any(|finding| !matches!(finding.verdict, Verdict::Valid)) && found.is_empty() {
            found.extend(hints::of_doubtful(history));
        }
        found
    }
}

/// Orders that explain a history that is linearizable; none where it is not, or was not asked about.
fn linearizations(history: &History, findings: &[Finding], budget: &Budget) -> Vec<Linearization> {
    let held = |f: &Finding| f.model == ModelName::Linearizable && f.verdict == Verdict::Valid;
    if findings.iter().any(held) { Linear::default().linearizations(history, budget) } else { Vec::new() }
}

fn take<'a>(next: &AtomicUsize, files: &'a [PathBuf]) -> Option<(usize, &'a PathBuf)> {
    let position = next.fetch_add(1, Ordering::Relaxed);
    files.get(position).map(|file| (position, file))
}

/// A run's folder holds its outcome beside its history, and that the command that made both.
fn reproduce(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file.parent()?.join("results.json")).ok()?;
    let outcome: StoredRun = serde_json::from_str(&text).ok()?;
    Some(outcome.reproduce).filter(|command| !command.is_empty())
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
