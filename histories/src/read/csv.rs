//! Tables with named columns, separated by commas, semicolons or tabs. A row is an event where there is a column
//! `type`, and a whole operation where there are columns for its beginning and its end.
//!
//! It never guesses what a column means: one that it needs and does not find is named. Operations at the same time are
//! concurrent.

mod columns;
mod row;

use std::borrow::Cow;
use std::cell::Cell;

use columns::Header;
pub(crate) use columns::is_header;
use row::Row;

use crate::Diagnostic;
use crate::raw::Sink;
use crate::read::Options;
use crate::read::intake::Intake;
use crate::read::ordered::Ordered;
use crate::read::source::Source;
use crate::sequence::Order;

pub(crate) fn read(
    source: &mut Source<'_>,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    let Some(first) = source.next_line()? else { return Err(Diagnostic::whole_file(&name, "is empty")) };
    let number = first.number;
    let header = Header::parse(&String::from_utf8_lossy(first.bytes));
    let header =
        header.called(&options.columns).map_err(|message| Diagnostic::at(&name, number, 1, message))?;
    let warnings = header.check(&name, number)?;
    let table = Table { header, independent: options.independent, seconds: Cell::new(None) };
    if table.header.has_operations() && options.order == Some(Order::Place) {
        let message = "a row is a whole operation here, so that its place in the file is no order";
        return Err(Diagnostic::at(&name, number, 1, message).help("--order place is for files of events"));
    }
    let mut intake = Intake::foreign(&name, options.order, None, sink);
    for warning in warnings {
        intake.warn(warning);
    }
    if table.header.has_operations() {
        operations(source, &table, &mut intake, options.memory_bytes_max)?;
    } else {
        rows(source, &table, |row, line| {
            let mut event = row.event()?;
            intake.event(&mut event, line, 0)
        })?;
    }
    intake.end()
}

/// How to understand rows.
struct Table {
    header: Header,
    /// Values are tuples of a key and a value.
    independent: bool,
    /// Whether times are in seconds, once one has come.
    seconds: Cell<Option<bool>>,
}

/// Operations wait for the end of the file, because their beginnings and ends have to be put in order.
fn operations(
    source: &mut Source<'_>,
    table: &Table,
    intake: &mut Intake<'_>,
    memory_bytes_max: u64,
) -> Result<(), Diagnostic> {
    let mut ordered = Ordered::new(memory_bytes_max);
    rows(source, table, |row, line| {
        let (begin, end) = row.times()?;
        let (call, reply) = row.operation()?;
        ordered.add(begin, line, call, end.zip(reply))
    })?;
    ordered.send(intake)
}

fn rows(
    source: &mut Source<'_>,
    table: &Table,
    mut take: impl FnMut(&Row<'_>, u64) -> Result<(), String>,
) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    while let Some(line) = source.next_line()? {
        let at = |message: String| Diagnostic::at(&name, line.number, 1, message);
        let text = std::str::from_utf8(line.bytes).map_err(|error| {
            Diagnostic::at(&name, line.number, error.valid_up_to() as u64 + 1, "these bytes are not UTF-8")
        })?;
        let cells = split(text, table.header.separator).map_err(at)?;
        if cells.len() != table.header.width() {
            let (found, expected) = (cells.len(), table.header.width());
            return Err(at(format!(
                "this row has {found} cells, but the first line names {expected} columns"
            )));
        }
        take(&Row { table, cells }, line.number).map_err(at)?;
    }
    Ok(())
}

/// The cells of a row; a cell in quotes may hold separators, and a quote as two.
fn split(line: &str, separator: char) -> Result<Vec<Cow<'_, str>>, String> {
    let mut rest = line.strip_suffix('\r').unwrap_or(line);
    let mut cells = Vec::new();
    loop {
        let (cell, after) = if let Some(quoted) = rest.strip_prefix('"') {
            unquote(quoted)?
        } else {
            let end = rest.find(separator).unwrap_or(rest.len());
            (Cow::Borrowed(&rest[..end]), &rest[end..])
        };
        cells.push(cell);
        if after.is_empty() {
            return Ok(cells);
        }
        rest = after.strip_prefix(separator).ok_or("expected a separator after a cell in quotes")?;
    }
}

fn unquote(quoted: &str) -> Result<(Cow<'_, str>, &str), String> {
    let mut from = 0;
    while let Some(quote) = quoted[from..].find('"').map(|at| from + at) {
        if !quoted[quote + 1..].starts_with('"') {
            let cell = &quoted[..quote];
            let cell = if from == 0 { Cow::Borrowed(cell) } else { Cow::Owned(cell.replace("\"\"", "\"")) };
            return Ok((cell, &quoted[quote + 1..]));
        }
        from = quote + 2;
    }
    Err("a cell in quotes does not end on its line".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_split_at_separators_outside_of_quotes() {
        assert_eq!(split("a,\"b,\"\"c\",,d\r", ',').unwrap(), ["a", "b,\"c", "", "d"]);
        assert_eq!(split("", ',').unwrap(), [""]);
        assert!(split("\"a", ',').is_err());
        assert!(split("\"a\"b", ',').is_err());
    }
}
