//! `partita check`: stored histories against models.
//!
//! Demands what `--model` names, else what a file's header promises; with neither it describes.

mod args;
mod checked;
mod graph;
mod judge;
mod linearizations;
mod proofs;
pub(super) mod report;
mod table;
mod text;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use checkers::{Budget, Finding, Verdict};
use histories::read::{Format, Options};
use histories::view::{View, hints};
use histories::{History, ModelName, printable};
use table::Row;

pub(crate) use self::args::{CheckArgs, CheckFormat};
use self::checked::Checked;
use super::session::Loading;
use super::{Session, files, verify};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::unknown;
use crate::cli::quantity::{BudgetLimits, List};
use crate::judge::checking;
use crate::judge::outcome::StoredRun;

/// What is left of a file once its history is let go.
struct Answer {
    /// What a person reads of this file, or a machine.
    text: String,
    row: Row,
    warnings: Vec<String>,
    hints: Vec<String>,
    exit: Exit,
}

/// How every file is checked.
struct Job<'a> {
    options: Options,
    view: View,
    models: Option<Vec<ModelName>>,
    limits: BudgetLimits,
    args: &'a CheckArgs,
    session: &'a Session,
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
    let job = Job { options, view: args.view.view(), models, limits, args, session };
    let answers = job.check_all(&files.histories, &loading);
    drop(loading);
    let mut exit = Exit::Success;
    let mut rows = Vec::new();
    for (position, (file, answer)) in files.histories.iter().zip(answers).enumerate() {
        let answer = answer.unwrap_or_else(|failure| {
            session.error(&failure.to_string());
            let row = table::unreadable(&file.display().to_string(), session.paint);
            let (warnings, hints) = (Vec::new(), Vec::new());
            Answer { text: String::new(), row, warnings, hints, exit: failure.exit() }
        });
        for warning in &answer.warnings {
            session.warn(warning);
        }
        for hint in &answer.hints {
            session.hint(&format!("{}: {hint}", file.display()));
        }
        let gap = if position > 0 && args.format == CheckFormat::Text && !answer.text.is_empty() {
            "\n"
        } else {
            ""
        };
        write!(out, "{gap}{}", answer.text)?;
        rows.push(answer.row);
        exit = exit.merge(answer.exit);
    }
    if args.format == CheckFormat::Text && rows.len() > 1 {
        let gap = if job.in_full(rows.len()) { "\n" } else { "" };
        writeln!(out, "{gap}{}", table::render(rows, session.width))?;
    }
    Ok(exit)
}

pub(super) fn models(list: &List) -> Result<Vec<ModelName>, Failure> {
    let known: Vec<_> = ModelName::ALL.iter().map(|model| model.name()).collect();
    let parse = |name: &String| name.parse().map_err(|_| Failure::usage(unknown("model", name, &known)));
    list.0.iter().map(parse).collect()
}

impl Job<'_> {
    /// Every file, in the order given, on as many threads as the machine has cores.
    fn check_all(&self, files: &[PathBuf], loading: &Loading) -> Vec<Result<Answer, Failure>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(files.len());
        let next = AtomicUsize::new(0);
        let answers = Mutex::new(Vec::with_capacity(files.len()));
        let work = || {
            while let Some((position, file)) = take(&next, files) {
                let say = |doing: &str| match files.len() {
                    1 => loading.say(doing.to_owned()),
                    count => loading.say(format!("{} of {count}", position + 1)),
                };
                let answer =
                    self.check_file(file, say).and_then(|checked| self.answer(&checked, files.len()));
                // A thread that panicked has ended the whole command already.
                if let Ok(mut answers) = answers.lock() {
                    answers.push((position, answer));
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        let mut answers = answers.into_inner().unwrap_or_default();
        answers.sort_by_key(|&(position, _)| position);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    fn check_file(&self, file: &Path, say: impl Fn(&str)) -> Result<Checked, Failure> {
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
            if self.args.witness { linearizations::of(&history, &findings, &budget) } else { Vec::new() };
        if let Some(target) = &self.args.certificate {
            self.certify(file, target, &history, &findings, &budget)?;
        }
        let guarantees = checking::guarantees(&history, &findings, &budget);
        let reproduce = reproduce(file);
        let hints = self.hints(&history, &findings);
        let file = file_name;
        Ok(Checked { file, history, findings, demands, linearizations, guarantees, hints, reproduce })
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

    fn answer(&self, checked: &Checked, files: usize) -> Result<Answer, Failure> {
        let (args, session) = (self.args, self.session);
        let graphs = match &args.graph {
            Some(folder) => graph::write(checked, folder)?,
            None => Vec::new(),
        };
        let mut text = match args.format {
            CheckFormat::Json => format!("{}\n", report::json(checked)),
            CheckFormat::Text if self.in_full(files) => {
                text::render(checked, session.screen(), args.witness || session.verbose, args.explain)
            }
            CheckFormat::Text => String::new(),
        };
        if !text.is_empty() && args.format == CheckFormat::Text {
            for file in graphs {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "graph: {}", printable(&file.display().to_string()));
            }
        }
        let cut = checked.history.cut_off().map(|cut| format!("{cut}; checked to its last whole event"));
        let warnings = checked.history.warnings().iter().map(ToString::to_string);
        Ok(Answer {
            text,
            row: table::row(checked, session.paint),
            warnings: cut.into_iter().chain(warnings).collect(),
            hints: checked.hints.clone(),
            exit: judge::exit(&checked.demands, &checked.findings, &checked.history)
                .merge(judge::of_own(&checked.history)),
        })
    }

    /// Whether each file is shown with its proofs: of many only where it is asked for.
    fn in_full(&self, files: usize) -> bool {
        files == 1 || self.args.witness || self.args.explain || self.session.verbose
    }
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
