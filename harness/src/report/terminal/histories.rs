//! The histories of one `check`, as a person reads them: each with its proofs, and of many a table with a row each.

use std::fmt::Write as _;

use histories::{ModelName, printable};

use super::history;
use crate::cli::layout::{Screen, Width};
use crate::cli::paint::Paint;
use crate::judge::checked::Checked;
use crate::report::grid::Grid;
use crate::report::{HistoryFile, HistoryFiles};

const HEADER: [&str; 6] =
    ["file", "format", "operations", "strongest that held", "weakest violated", "undecided"];
const DEMANDED: &str = "demanded";

/// Each file in full, where it is told so, and of several the table.
pub(super) fn render(report: &HistoryFiles<'_>, screen: Screen) -> String {
    let mut parts = Vec::new();
    if let Some(depth) = report.in_full {
        for file in report.files {
            let HistoryFile::Checked { checked, drawings } = file else { continue };
            let mut text = history::render(checked, depth, screen);
            for drawing in drawings {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "graph: {}", printable(&drawing.display().to_string()));
            }
            parts.push(text);
        }
    }
    if report.files.len() > 1 {
        parts.push(table(report.files, screen.paint, screen.width) + "\n");
    }
    parts.join("\n")
}

/// The table; what was demanded is a column where something was.
fn table(files: &[HistoryFile], paint: Paint, width: Width) -> String {
    let rows: Vec<Vec<String>> = files.iter().map(|file| row(file, paint)).collect();
    let demands = rows.iter().any(|row| row.last().is_some_and(|cell| !cell.is_empty()));
    let mut header = HEADER.to_vec();
    header.extend(demands.then_some(DEMANDED));
    let mut grid = Grid::new(&header);
    for mut row in rows {
        row.truncate(header.len());
        grid.push(row);
    }
    grid.terminal(0, width)
}

fn row(file: &HistoryFile, paint: Paint) -> Vec<String> {
    match file {
        HistoryFile::Checked { checked, .. } => of_checked(checked, paint),
        // Why it was not checked is told on standard error.
        HistoryFile::Unreadable(file) => {
            let dash = || "-".to_owned();
            let not_read = paint.bad("not read");
            vec![printable(file).into_owned(), dash(), dash(), not_read, dash(), dash(), String::new()]
        }
    }
}

fn of_checked(checked: &Checked, paint: Paint) -> Vec<String> {
    let names = |models: &[ModelName]| match models {
        [] => "-".to_owned(),
        models => models.iter().map(|model| model.name()).collect::<Vec<_>>().join(", "),
    };
    let undecided = match checked.summary.undecided.as_slice() {
        [] => "-".to_owned(),
        [one] => one.name().to_owned(),
        many => format!("{} models", many.len()),
    };
    vec![
        printable(&checked.file).into_owned(),
        checked.format.to_owned(),
        checked.operations.to_string(),
        names(&checked.summary.strongest),
        names(&checked.summary.weakest_violated),
        undecided,
        history::demanded(checked.demanded, paint).unwrap_or_default(),
    ]
}
