//! The console log of a Jepsen run, as Porcupine's collection of etcd runs has it and as newer Jepsens write it, and
//! Jepsen's `history.txt`, which has the same events without a logger before them.
//!
//! It never takes a line of another logger for an event, and never passes over a line that has no logger.

use std::borrow::Cow;

use crate::raw::{RawEvent, RawProcess, Sink};
use crate::read::form::{Dialect, Scanner, Trouble, key_text};
use crate::read::intake::Intake;
use crate::read::jepsen::function;
use crate::read::source::Source;
use crate::read::{Options, tuple};
use crate::{Diagnostic, Kind, Value};

/// What stands before an event's process, in older logs.
const LOGGER: &str = "jepsen.util - ";

/// The same in newer ones, after the thread: `INFO [2026-02-03 10:11:12,345] jepsen worker 0 - jepsen.util 0`.
const LOGGER_OF_THREAD: &str = " - jepsen.util ";

const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

const KINDS: [&str; 4] = [":invoke", ":ok", ":fail", ":info"];

/// Whether a file that begins with these lines is a log, or a `history.txt`.
pub(crate) fn is_log(text: &str) -> bool {
    let logs = |line: &str| line.contains(LOGGER) || line.contains(LOGGER_OF_THREAD);
    text.lines().next().is_some_and(is_event) || text.lines().any(logs)
}

/// Whether a text begins as an event does: a process and a type.
fn is_event(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    words.next().is_some() && words.next().is_some_and(|kind| KINDS.contains(&kind))
}

/// Where the event on a line begins, if it has one.
fn event_at(line: &str) -> Option<usize> {
    let after = |logger: &str| line.find(logger).map(|at| at + logger.len());
    after(LOGGER)
        .or_else(|| after(LOGGER_OF_THREAD).filter(|at| is_event(&line[*at..])))
        .or_else(|| is_event(line).then_some(0))
}

pub(crate) fn read(
    source: &mut Source<'_>,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    let mut intake = Intake::foreign(&name, options.order, None, sink);
    let mut events = 0_u64;
    while let Some(line) = source.next_line()? {
        let at =
            |column: usize, message: String| Diagnostic::at(&name, line.number, column as u64 + 1, message);
        let text = std::str::from_utf8(line.bytes)
            .map_err(|error| at(error.valid_up_to(), "these bytes are not UTF-8".into()))?;
        let Some(start) = event_at(text) else {
            if LEVELS.iter().any(|level| text.contains(level)) {
                continue;
            }
            return Err(at(
                0,
                format!("expected a line of the log, such as `INFO  {LOGGER}0 :invoke :read nil`"),
            ));
        };
        match event_of(&text[start..], options.independent) {
            Ok(mut event) => intake.event_on(&mut event, line.number)?,
            Err(Trouble::More) if !line.whole => {
                intake.cut_off_at(at(text.len(), "the file breaks off here, inside an event".into()));
                break;
            }
            Err(Trouble::More) => {
                return Err(at(text.len(), "expected process, type, function and value".into()));
            }
            Err(Trouble::At(offset, message)) => return Err(at(start + offset, message)),
        }
        events += 1;
    }
    if events == 0 {
        let message = format!("no line of this log is an event, such as `INFO  {LOGGER}0 :invoke :read nil`");
        return Err(Diagnostic::whole_file(&name, message));
    }
    intake.end()
}

/// `0 :invoke :cas [1 2]`
pub(super) fn event(text: &str) -> Result<RawEvent<'static>, Trouble> {
    event_of(text, false)
}

/// An event whose value is a tuple of a key and a value, if they are of independent keys.
fn event_of(text: &str, independent: bool) -> Result<RawEvent<'static>, Trouble> {
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
    let mut value = scanner.value()?;
    let wrong = |message| Trouble::At(kind_at, message);
    let mut key = None;
    if independent
        && process != RawProcess::Nemesis
        && let Some((of, inner)) = tuple::apart(kind, name.as_deref(), &value).map_err(wrong)?
    {
        (key, value) = (Some(Cow::Owned(of)), inner);
    }
    let function = function(name.as_deref(), &value, false).map_err(wrong)?;
    let failed = matches!(kind, Kind::Fail | Kind::Info) && process != RawProcess::Nemesis;
    let mut error = failed.then(|| value.as_text().map(str::to_owned)).flatten();
    if scanner.peek()?.is_some() {
        if !failed {
            return scanner.wrong("expected nothing after the value");
        }
        error = Some(reason(&mut scanner, text)?);
    }
    Ok(RawEvent { key, error, ..RawEvent::new(process, kind, function, value) })
}

/// Why an operation failed, which stands after its value: a form, or words.
fn reason(scanner: &mut Scanner<'_>, text: &str) -> Result<String, Trouble> {
    let words = text[scanner.offset()..].trim();
    let form = scanner.value()?;
    Ok(if scanner.peek()?.is_some() { words.to_owned() } else { key_text(form) })
}
