//! Tables with named columns, separated by commas, semicolons or tabs. A row is an event where there is a column
//! `type`, and a whole operation where there are columns for its beginning and its end.
//!
//! It never guesses what a column means: one whose name it does not know is passed over, one that it needs and does
//! not find is named. Operations at the same time are concurrent.

use std::borrow::Cow;

use crate::pairing::Held;
use crate::raw::{RawEvent, RawProcess, Sink};
use crate::read::Options;
use crate::read::form::weigh_json;
use crate::read::intake::Intake;
use crate::read::jepsen::function;
use crate::read::source::Source;
use crate::sequence::Order;
use crate::{Diagnostic, Kind, Value};

const COLUMNS: [(Column, &[&str]); 12] = [
    (Column::Process, &["process", "session", "client", "thread"]),
    (Column::Type, &["type"]),
    (Column::Function, &["f", "op", "operation", "function"]),
    (Column::Key, &["key"]),
    (Column::Value, &["value", "input", "argument"]),
    (Column::Reply, &["reply", "output", "result"]),
    (Column::Time, &["time"]),
    (Column::Begin, &["begin", "start", "invoked", "call_time"]),
    (Column::End, &["end", "finish", "completed", "return_time"]),
    (Column::Outcome, &["outcome", "status"]),
    (Column::Node, &["node"]),
    (Column::Error, &["error"]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Process,
    Type,
    Function,
    Key,
    Value,
    Reply,
    Time,
    Begin,
    End,
    Outcome,
    Node,
    Error,
}

/// Whether a first line names the columns of a history.
pub(crate) fn is_header(line: &str) -> bool {
    let names = Header::parse(line);
    names.has(Column::Process)
        && (names.has(Column::Type) || names.has(Column::Begin) && names.has(Column::End))
}

pub(crate) fn read(
    source: &mut Source<'_>,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    let Some(first) = source.next_line()? else { return Err(Diagnostic::whole_file(&name, "is empty")) };
    let header = Header::parse(&String::from_utf8_lossy(first.bytes));
    for (needed, alternative) in
        [(Column::Process, None), (Column::Type, Some(Column::Begin)), (Column::Function, None)]
    {
        if !header.has(needed) && !alternative.is_some_and(|other| header.has(other)) {
            let (_, names) = COLUMNS.iter().find(|(column, _)| *column == needed).unwrap_or(&COLUMNS[0]);
            let message = format!("has no column named {}", names.join(" or "));
            return Err(Diagnostic::at(&name, first.number, 1, message));
        }
    }
    if header.has(Column::Type) {
        let mut intake = Intake::foreign(options.order(), None, sink);
        return rows(source, &header, |row, line| {
            let mut event = row.event()?;
            intake.event(&mut event, line)
        });
    }
    let intake = Intake::foreign(Order::Times, None, sink);
    operations(source, &header, intake, options.memory_bytes_max)
}

/// When an event happened, when its operation began, its line, whether it completes the operation, and itself.
type Waiting = (u64, u64, u64, bool, RawEvent<'static>);

/// Operations wait for the end of the file, because their beginnings and ends have to be put in order.
fn operations(
    source: &mut Source<'_>,
    header: &Header,
    mut intake: Intake<'_>,
    memory_bytes_max: u64,
) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    let (mut events, mut held) = (Vec::<Waiting>::new(), Held::new(memory_bytes_max));
    rows(source, header, |row, line| {
        let (call, reply) = row.operation()?;
        let (begin, end) = (row.time(Column::Begin)?, row.time(Column::End)?);
        let begin = begin.ok_or("this operation has no beginning")?;
        if end.is_some_and(|end| end < begin) {
            return Err(format!("this operation ends at {} before it begins at {begin}", end.unwrap_or(0)));
        }
        let text = |text: Option<&str>| text.map_or(0, str::len);
        let texts =
            2 * text(call.key.as_deref()) + text(call.node.as_deref()) + text(row.cell(Column::Error));
        let values = call.value.heap_bytes() + reply.as_ref().map_or(0, |reply| reply.value.heap_bytes());
        held.add(2 * size_of::<Waiting>() as u64 + texts as u64 + values)?;
        // At one time an operation that began earlier comes first, so that its process is free for the next.
        events.push((begin, begin, line, false, call));
        if let (Some(end), Some(reply)) = (end, reply) {
            events.push((end, begin, line, true, reply));
        }
        Ok(())
    })?;
    events.sort_by_key(|(time, begin, line, completion, _)| (*time, *begin, *line, *completion));
    for (time, _, line, _, event) in &mut events {
        event.time = Some(*time);
        intake.event_on(event, *line, &name)?;
    }
    Ok(())
}

fn rows(
    source: &mut Source<'_>,
    header: &Header,
    mut take: impl FnMut(&Row<'_>, u64) -> Result<(), String>,
) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    while let Some(line) = source.next_line()? {
        let at = |message: String| Diagnostic::at(&name, line.number, 1, message);
        let text = std::str::from_utf8(line.bytes).map_err(|error| {
            Diagnostic::at(&name, line.number, error.valid_up_to() as u64 + 1, "these bytes are not UTF-8")
        })?;
        let cells = split(text, header.separator).map_err(at)?;
        if cells.len() != header.columns.len() {
            let (found, expected) = (cells.len(), header.columns.len());
            return Err(at(format!(
                "this row has {found} cells, but the first line names {expected} columns"
            )));
        }
        take(&Row { header, cells }, line.number).map_err(at)?;
    }
    Ok(())
}

struct Header {
    separator: char,
    columns: Vec<Option<Column>>,
}

impl Header {
    fn parse(line: &str) -> Self {
        let line = line.trim_start_matches('\u{feff}');
        let separator =
            [',', '\t', ';'].into_iter().find(|separator| line.contains(*separator)).unwrap_or(',');
        let cells = split(line, separator).unwrap_or_default();
        let column = |cell: &Cow<'_, str>| {
            let name = cell.trim().to_ascii_lowercase();
            COLUMNS.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(column, _)| *column)
        };
        Self { separator, columns: cells.iter().map(column).collect() }
    }

    fn has(&self, column: Column) -> bool {
        self.columns.contains(&Some(column))
    }
}

struct Row<'a> {
    header: &'a Header,
    cells: Vec<Cow<'a, str>>,
}

impl Row<'_> {
    /// The cell of a column, if there is one and it is not empty.
    fn cell(&self, column: Column) -> Option<&str> {
        let place = self.header.columns.iter().position(|found| *found == Some(column))?;
        self.cells.get(place).map(|cell| cell.trim()).filter(|cell| !cell.is_empty())
    }

    fn event(&self) -> Result<RawEvent<'static>, String> {
        let kind = match self.cell(Column::Type) {
            Some("invoke") => Kind::Invoke,
            Some("ok") => Kind::Ok,
            Some("fail") => Kind::Fail,
            Some("info") => Kind::Info,
            other => {
                return Err(format!(
                    "type is {:?}; expected invoke, ok, fail or info",
                    other.unwrap_or_default()
                ));
            }
        };
        Ok(RawEvent { time: self.time(Column::Time)?, ..self.base(kind, Column::Value)? })
    }

    /// An invocation, and the completion if there was one.
    fn operation(&self) -> Result<(RawEvent<'static>, Option<RawEvent<'static>>), String> {
        let kind = match self.cell(Column::Outcome) {
            None | Some("ok") => Kind::Ok,
            Some("fail") => Kind::Fail,
            Some("info") => Kind::Info,
            Some(other) => return Err(format!("outcome is {other:?}; expected ok, fail or info")),
        };
        let mut call = self.base(Kind::Invoke, Column::Value)?;
        let mut reply =
            self.base(kind, if self.header.has(Column::Reply) { Column::Reply } else { Column::Value })?;
        let reads = matches!(call.function, crate::Function::Read | crate::Function::ReadAll);
        if !self.header.has(Column::Reply) && reads {
            call.value = Value::Null;
        }
        if self.header.has(Column::Reply) && !reads && reply.value.is_null() {
            reply.value = call.value.clone();
        }
        reply.error = self.cell(Column::Error).map(str::to_owned);
        Ok((call, self.cell(Column::End).is_some().then_some(reply)))
    }

    fn base(&self, kind: Kind, column: Column) -> Result<RawEvent<'static>, String> {
        let process = match self.cell(Column::Process) {
            None => RawProcess::Absent,
            Some("nemesis") => RawProcess::Nemesis,
            Some(name) => match name.parse() {
                Ok(number) => RawProcess::Number(number),
                Err(_) => RawProcess::Named(Cow::Owned(name.to_owned())),
            },
        };
        let value = self.cell(column).map_or(Ok(Value::Null), cell_value)?;
        let function = function(self.cell(Column::Function), &value, false)?;
        let owned = |column| self.cell(column).map(str::to_owned);
        Ok(RawEvent {
            key: owned(Column::Key).map(Cow::Owned),
            node: owned(Column::Node).map(Cow::Owned),
            error: if kind == Kind::Invoke { None } else { owned(Column::Error) },
            ..RawEvent::new(process, kind, function, value)
        })
    }

    fn time(&self, column: Column) -> Result<Option<u64>, String> {
        let parse = |cell: &str| {
            cell.parse().map_err(|_| format!("expected whole nanoseconds as a time, not {cell:?}"))
        };
        self.cell(column).map(parse).transpose()
    }
}

/// JSON where it is JSON, text where it is not.
fn cell_value(cell: &str) -> Result<Value, String> {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let too_large = |_| format!("{cell} is larger than a 64-bit integer holds");
        return cell.parse().map(Value::Int).map_err(too_large);
    }
    if cell == "nil" {
        return Ok(Value::Null);
    }
    weigh_json(cell.as_bytes())?;
    Ok(serde_json::from_str(cell).unwrap_or_else(|_| Value::text(cell)))
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

    #[test]
    fn a_header_is_known_by_its_names() {
        assert!(is_header("index,process,type,f,value"));
        assert!(is_header("Client;start;end;op"));
        assert!(!is_header("a,b,c"));
    }
}
