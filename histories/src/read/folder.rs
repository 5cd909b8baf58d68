//! A folder as a history: Cobra writes a log a session.
//!
//! It never takes other files of the folder for logs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::Diagnostic;
use crate::raw::Sink;
use crate::read::cobra;
use crate::read::intake::Intake;
use crate::read::source::Source;
use crate::read::transactions::Transactions;
use crate::read::{Format, Meter};

/// The history in the folder of a run: ours, or a Jepsen's, which has the same history in several files.
pub fn history_in(folder: &Path) -> Option<PathBuf> {
    let has = |name: &str| folder.join(name).is_file();
    let of_jepsen = ["test.jepsen", "results.edn", "jepsen.log"].into_iter().any(has);
    let names: &[&str] = if of_jepsen {
        &["history.jsonl", "history.edn", "history.txt", "jepsen.log"]
    } else {
        &["history.jsonl", "history.edn"]
    };
    names.iter().find(|name| has(name)).map(|name| folder.join(name))
}

/// Whether a folder holds logs of Cobra, and no log of anybody else.
pub(crate) fn is_cobra(folder: &Path, name: &str) -> Result<bool, Diagnostic> {
    let logs = logs(folder, name)?;
    for log in &logs {
        if super::detect(log)? != Some(Format::Cobra) {
            return Ok(false);
        }
    }
    Ok(!logs.is_empty())
}

/// The logs of a folder, by name.
fn logs(folder: &Path, name: &str) -> Result<Vec<PathBuf>, Diagnostic> {
    let unreadable = |error: std::io::Error| Diagnostic::whole_file(name, format!("cannot be read: {error}"));
    let mut logs = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            logs.push(path);
        }
    }
    logs.sort();
    Ok(logs)
}

/// Reads every log of a folder, each as a session.
pub(crate) fn read(folder: &Path, name: &str, meter: &Meter, sink: &mut dyn Sink) -> Result<(), Diagnostic> {
    let logs = logs(folder, name)?;
    if logs.is_empty() {
        return Err(Diagnostic::whole_file(name, "is a folder without a history")
            .help("a run's history is the file history.jsonl in its folder, a Jepsen's history.edn"));
    }
    let mut transactions = Transactions::new(Intake::sessions(name, sink));
    for (session, path) in (0..).zip(&logs) {
        let name = path.display().to_string();
        let file = File::open(path)
            .map_err(|error| Diagnostic::whole_file(&name, format!("cannot be opened: {error}")))?;
        cobra::read(&mut Source::new(meter.around(file), &name), session, &mut transactions)?;
    }
    transactions.finish(None)
}

/// Reads one log.
pub(crate) fn single(source: &mut Source<'_>, sink: &mut dyn Sink) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    let mut transactions = Transactions::new(Intake::sessions(&name, sink));
    cobra::read(source, 0, &mut transactions)?;
    transactions.finish(None)
}
