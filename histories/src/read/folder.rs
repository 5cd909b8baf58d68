//! A folder as a history: of a run its history, or a log a session, or the operations of each client.
//!
//! It never takes other files of the folder for logs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::Diagnostic;
use crate::raw::Sink;
use crate::read::etcd::Gathered;
use crate::read::intake::Intake;
use crate::read::sessions::Sessions;
use crate::read::transactions::Transactions;
use crate::read::{Format, Options, cobra, viper};

/// The history in the folder of a run: ours, a Jepsen's, which has the same history in several files, or dbcop's.
pub fn history_in(folder: &Path) -> Option<PathBuf> {
    let has = |name: &str| folder.join(name).is_file();
    let of_jepsen = ["test.jepsen", "results.edn", "jepsen.log"].into_iter().any(has);
    let names: &[&str] = if of_jepsen {
        &["history.jsonl", "history.edn", "history.txt", "jepsen.log"]
    } else {
        &["history.jsonl", "history.edn", "history.bincode"]
    };
    names.iter().find(|name| has(name)).map(|name| folder.join(name))
}

/// The format of a folder that holds one history in several files; `None` for any other folder.
pub(crate) fn format(folder: &Path, name: &str) -> Result<Option<Format>, Diagnostic> {
    if !operations(folder, name)?.is_empty() {
        return Ok(Some(Format::Etcd));
    }
    let mut found = None;
    for log in &logs(folder, name)? {
        let format = match super::detect(log)? {
            Some(Format::Edn) if is_called_as_vipers(log) => Some(Format::Viper),
            other => other,
        };
        match format {
            Some(Format::Cobra | Format::Viper) if found.is_none() || found == format => found = format,
            // A session may have done nothing.
            None if log.metadata().is_ok_and(|about| about.len() == 0) => {}
            _ => return Ok(None),
        }
    }
    Ok(found)
}

/// Whether a log is called `J24.log`, as Viper's are.
fn is_called_as_vipers(log: &Path) -> bool {
    let name = log.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let number = name.strip_prefix('J').unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn entries(folder: &Path, name: &str) -> Result<Vec<PathBuf>, Diagnostic> {
    let unreadable = |error: std::io::Error| Diagnostic::whole_file(name, format!("cannot be read: {error}"));
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    Ok(entries)
}

/// The logs of a folder, by name.
fn logs(folder: &Path, name: &str) -> Result<Vec<PathBuf>, Diagnostic> {
    let is_log = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "log");
    Ok(entries(folder, name)?.into_iter().filter(is_log).collect())
}

/// The operations of each client of a run of etcd's robustness tests.
fn operations(folder: &Path, name: &str) -> Result<Vec<PathBuf>, Diagnostic> {
    let is_client = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("client-"))
    };
    let files = entries(folder, name)?.into_iter().filter(is_client).map(|path| path.join("operations.json"));
    Ok(files.filter(|path| path.is_file()).collect())
}

/// Reads every log of a folder, and says of which format they were.
pub(crate) fn read(
    folder: &Path,
    name: &str,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<Format, Diagnostic> {
    let asked = match options.format {
        Some(format) => Some(format),
        None => format(folder, name)?,
    };
    let files = match asked {
        Some(Format::Etcd) => operations(folder, name)?,
        Some(Format::Cobra | Format::Viper) => logs(folder, name)?,
        _ => Vec::new(),
    };
    let Some(format) = asked.filter(|_| !files.is_empty()) else {
        return Err(Diagnostic::whole_file(name, "is a folder without a history")
            .help("a run's history is the file history.jsonl in its folder, a Jepsen's history.edn"));
    };
    super::applies(options, format, name)?;
    let open = |path: &PathBuf| {
        let name = path.display().to_string();
        let file = File::open(path)
            .map_err(|error| Diagnostic::whole_file(&name, format!("cannot be opened: {error}")))?;
        super::open(options.meter.around(file), &name)
    };
    match format {
        Format::Etcd => {
            let mut gathered = Gathered::new(options.memory_bytes_max);
            for path in &files {
                gathered.read(&mut open(path)?)?;
            }
            gathered.in_many_files().send(name, options, sink)?;
        }
        Format::Viper => {
            let mut sessions = Sessions::new(Intake::sessions(name, sink));
            for (session, path) in (0..).zip(&files) {
                viper::read(&mut open(path)?, session, &mut sessions)?;
            }
            sessions.finish()?;
        }
        _ => {
            let mut transactions = Transactions::new(Intake::sessions(name, sink));
            for (session, path) in (0..).zip(&files) {
                cobra::read(&mut open(path)?, session, &mut transactions)?;
            }
            transactions.finish(None)?;
        }
    }
    Ok(format)
}
