//! The console log of a Jepsen run, as Porcupine's collection of etcd runs has it.
//!
//! It never takes a line of another logger for an event, and never passes over a line that has no logger.

use std::borrow::Cow;

use crate::raw::{RawEvent, RawProcess, Sink};
use crate::read::Options;
use crate::read::form::{Dialect, Scanner, Trouble};
use crate::read::intake::Intake;
use crate::read::jepsen::function;
use crate::read::source::Source;
use crate::{Diagnostic, Kind, Value};

/// What stands before an event's process.
const LOGGER: &str = "jepsen.util - ";

const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

pub(crate) fn read(
    source: &mut Source<'_>,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<(), Diagnostic> {
    let mut intake = Intake::foreign(options.order(), None, sink);
    let name = source.name().to_owned();
    while let Some(line) = source.next_line()? {
        let at =
            |column: usize, message: String| Diagnostic::at(&name, line.number, column as u64 + 1, message);
        let text = std::str::from_utf8(line.bytes)
            .map_err(|error| at(error.valid_up_to(), "these bytes are not UTF-8".into()))?;
        let Some(start) = text.find(LOGGER).map(|at| at + LOGGER.len()) else {
            if LEVELS.iter().any(|level| text.contains(level)) {
                continue;
            }
            return Err(at(
                0,
                format!("expected a line of the log, such as `INFO  {LOGGER}0 :invoke :read nil`"),
            ));
        };
        match event(&text[start..]) {
            Ok(mut event) => intake.event_on(&mut event, line.number, &name)?,
            Err(Trouble::More) if !line.whole => {
                intake.cut_off_at(at(text.len(), "the file breaks off here, inside an event".into()));
                return Ok(());
            }
            Err(Trouble::More) => {
                return Err(at(text.len(), "expected process, type, function and value".into()));
            }
            Err(Trouble::At(offset, message)) => return Err(at(start + offset, message)),
        }
    }
    Ok(())
}

/// `0 :invoke :cas [1 2]`
pub(super) fn event(text: &str) -> Result<RawEvent<'static>, Trouble> {
    let mut scanner = Scanner::new(text.as_bytes(), Dialect::Edn, true);
    let process = match scanner.value()? {
        Value::Int(number) if u32::try_from(number).is_ok() => RawProcess::Number(number as u32),
        Value::Text(name) if *name == "nemesis" => RawProcess::Nemesis,
        other => RawProcess::Named(Cow::Owned(other.to_string())),
    };
    scanner.expect()?;
    let kind_at = scanner.offset();
    let kind = match scanner.name()?.as_deref() {
        Some("invoke") => Kind::Invoke,
        Some("ok") => Kind::Ok,
        Some("fail") => Kind::Fail,
        Some("info") => Kind::Info,
        other => {
            let other = other.unwrap_or("nil");
            return Err(Trouble::At(
                kind_at,
                format!("type is {other:?}; expected invoke, ok, fail or info"),
            ));
        }
    };
    let name = scanner.name()?;
    let value = scanner.value()?;
    let function =
        function(name.as_deref(), &value, false).map_err(|message| Trouble::At(kind_at, message))?;
    let error = match (&value, kind) {
        (Value::Text(reason), Kind::Fail | Kind::Info) if process != RawProcess::Nemesis => {
            Some((**reason).clone())
        }
        _ => None,
    };
    Ok(RawEvent { error, ..RawEvent::new(process, kind, function, value) })
}
