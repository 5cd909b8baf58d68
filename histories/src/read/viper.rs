//! Viper's logs, a session a file and a transaction a line, in JSON or in EDN: `{"value":[["w",1,7,true],["r",2,0,false]]}`.
//!
//! After key and value a write says whether it found a row, and without one it wrote nothing; a read says whether the row
//! that it saw had been deleted. Deletions (`d`) write a value of their own, and with insertions (`i`) first read the
//! row: `[d key value read deleted succeeded]`. A `range` reads the rows that it shows, and nothing is made of the others.

use crate::micros::{Row, Verb};
use crate::raw::{RawProcess, Sink};
use crate::read::form::{Dialect, Scanner, Trouble};
use crate::read::intake::Intake;
use crate::read::sessions::{Sessions, Transaction};
use crate::read::source::{Line, Source};
use crate::{Diagnostic, Kind, Value};

/// How a line begins that tells nothing but what its transaction did.
pub(super) fn is_viper(first: &str) -> bool {
    let value = first.strip_prefix('{').and_then(|rest| rest.trim_start().strip_prefix("\"value\""));
    let value = value.and_then(|rest| rest.trim_start().strip_prefix(':')).map(str::trim_start);
    let value = value.and_then(|rest| rest.strip_prefix('['));
    value.is_some() && !first.contains("\"type\"") && !first.contains("\"f\"")
}

/// Reads the log of one session.
pub(super) fn read(
    source: &mut Source<'_>,
    session: u32,
    sessions: &mut Sessions<'_>,
) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    while let Some(line) = source.next_line()? {
        match transaction(&line) {
            Ok(None) => {}
            Ok(Some((kind, rows))) => {
                let session = RawProcess::Number(session);
                let transaction = Transaction { session, rows, kind, version: None };
                sessions.push(transaction, (line.number, 0))?;
            }
            Err((at, _)) if !line.whole && at >= line.bytes.len() => {
                let message = "the file breaks off here, inside a transaction";
                sessions.cut_off_at(Diagnostic::at(&name, line.number, at as u64, message));
                return Ok(());
            }
            Err((at, message)) => return Err(Diagnostic::at(&name, line.number, at as u64 + 1, message)),
        }
    }
    Ok(())
}

/// Reads one log.
pub(super) fn single(source: &mut Source<'_>, sink: &mut dyn Sink) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    let mut sessions = Sessions::new(Intake::sessions(&name, sink));
    read(source, 0, &mut sessions)?;
    sessions.finish()
}

/// How a transaction ended and what it did; `None` where a line tells nothing.
type Told = Option<(Kind, Vec<Row>)>;

/// What a line tells, or the offset of what is wrong. An invocation tells nothing that its completion does not.
fn transaction(line: &Line<'_>) -> Result<Told, (usize, String)> {
    let start = line.bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let inner = line.bytes[start + 1..].iter().find(|byte| !byte.is_ascii_whitespace());
    let dialect = if inner == Some(&b'"') { Dialect::Json } else { Dialect::Edn };
    let mut scanner = Scanner::new(line.bytes, dialect, true);
    let value = scanner.value().and_then(|value| match scanner.peek()? {
        None => Ok(value),
        Some(_) => scanner.wrong("expected nothing after the transaction"),
    });
    let value = value.map_err(|trouble| match trouble {
        Trouble::More => (line.bytes.len(), "this line ends inside a transaction".to_owned()),
        Trouble::At(at, message) => (at, message),
    })?;
    of_value(&value).map_err(|message| (start, message))
}

fn of_value(value: &Value) -> Result<Told, String> {
    let expected = || format!("expected a transaction such as {{\"value\":[[\"w\",1,7,true]]}}, not {value}");
    let fields = value.as_map().ok_or_else(expected)?;
    let kind = match fields.get("type").map(Value::as_text) {
        None | Some(Some("ok")) => Kind::Ok,
        Some(Some("fail")) => Kind::Fail,
        Some(Some("info")) => Kind::Info,
        Some(Some("invoke")) => return Ok(None),
        Some(_) => return Err(expected()),
    };
    let micros = fields.get("value").and_then(Value::as_list).ok_or_else(expected)?;
    let mut rows = Vec::with_capacity(micros.len());
    for micro in micros {
        let done = rows_of(micro, &mut rows);
        done.ok_or_else(|| format!("expected a micro-operation such as [\"w\",1,7,true], not {micro}"))?;
    }
    Ok(Some((kind, rows)))
}

fn rows_of(micro: &Value, rows: &mut Vec<Row>) -> Option<()> {
    let parts = micro.as_list()?;
    let (name, key) = (parts.first()?.as_text()?, parts.get(1)?);
    let at = |place: usize| parts.get(place).unwrap_or(&Value::Null);
    let mut push = |verb: Verb, key: &Value, value: &Value| {
        let value = if value.as_text() == Some("nil") { Value::Null } else { value.clone() };
        rows.push(Row { verb, key: key.clone(), value });
    };
    let refused = Value::Bool(false);
    match name {
        "r" if parts.len() > 2 => push(Verb::Read, key, at(2)),
        "append" if parts.len() > 2 => push(Verb::Append, key, at(2)),
        "w" if *at(3) == refused => {}
        "w" if parts.len() > 2 => push(Verb::Write, key, at(2)),
        "i" | "d" if parts.len() > 2 => {
            if parts.len() > 3 {
                push(Verb::Read, key, at(3));
            }
            if *at(5) != refused {
                push(Verb::Write, key, at(2));
            }
        }
        "range" => {
            for row in at(3).as_list()?.iter().chain(at(4).as_list().unwrap_or_default()) {
                let row = row.as_map()?;
                push(Verb::Read, row.get("id")?, row.get("val")?);
            }
        }
        _ => return None,
    }
    Some(())
}
