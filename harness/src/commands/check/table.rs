//! Many files at a glance: a row each.
//!
//! Proofs are for who looks at one file.

use histories::{ModelName, printable};

use super::checked::Checked;
use super::judge;
use crate::cli::layout::Width;
use crate::cli::paint::Paint;
use crate::judge::checking;
use crate::report::grid::Grid;

const HEADER: [&str; 6] =
    ["file", "format", "operations", "strongest that held", "weakest violated", "undecided"];
const DEMANDED: &str = "demanded";

pub(super) type Row = Vec<String>;

pub(super) fn row(checked: &Checked, paint: Paint) -> Row {
    let summary = checking::summary(&checked.history, &checked.findings);
    let names = |models: &[ModelName]| match models {
        [] => "-".to_owned(),
        models => models.iter().map(|model| model.name()).collect::<Vec<_>>().join(", "),
    };
    let undecided = match summary.undecided.len() {
        0 => "-".to_owned(),
        1 => summary.undecided[0].name().to_owned(),
        count => format!("{count} models"),
    };
    vec![
        printable(&checked.file).into_owned(),
        checked.format().to_owned(),
        checked.history.operations().len().to_string(),
        names(&summary.strongest),
        names(&summary.weakest_violated),
        undecided,
        demanded(checked, paint),
    ]
}

/// How what was demanded came out, empty where nothing was.
fn demanded(checked: &Checked, paint: Paint) -> String {
    if checked.demands.is_empty() {
        return String::new();
    }
    judge::word(&checked.demands, &checked.findings, &checked.history, paint)
}

/// A file that was not checked; why is told on standard error.
pub(super) fn unreadable(file: &str, paint: Paint) -> Row {
    let dash = || "-".to_owned();
    vec![printable(file).into_owned(), dash(), dash(), paint.bad("not read"), dash(), dash(), String::new()]
}

/// The table; what was demanded is a column where something was.
pub(super) fn render(rows: Vec<Row>, width: Width) -> String {
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
