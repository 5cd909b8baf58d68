//! Histories from files. Anything wrong is one [`Diagnostic`]; nothing is skipped.

pub mod jsonl;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crate::{Diagnostic, History};

/// Reads a history from a file, or from standard input where the name is `-`.
pub fn file(path: &Path) -> Result<History, Diagnostic> {
    let name = path.display().to_string();
    if name == "-" {
        return jsonl::read(io::stdin().lock(), "-");
    }
    let file = File::open(path).map_err(|error| Diagnostic::whole_file(&name, open_error(&error)))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Diagnostic::whole_file(&name, "is a folder, not a history")
            .help("a run's history is the file history.jsonl in its folder"));
    }
    read(BufReader::with_capacity(1 << 20, file), &name)
}

/// Reads a history whose format its content tells.
pub fn read(input: impl BufRead, name: &str) -> Result<History, Diagnostic> {
    jsonl::read(input, name)
}

fn open_error(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        _ => format!("cannot be opened: {error}"),
    }
}
