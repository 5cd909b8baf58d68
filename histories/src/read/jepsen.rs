//! Histories as Jepsen, Knossos and Elle keep them: a map an event, in EDN or in JSON, one after another or in one
//! vector.
//!
//! It never trusts a field to be there: index, time, process and function may all be missing.

use std::borrow::Cow;

use crate::raw::{RawEvent, RawProcess, Sink};
use crate::read::form::{Dialect, Formed, Scanner, Trouble, key_text};
use crate::read::intake::Intake;
use crate::read::source::Source;
use crate::read::{Options, comment_header};
use crate::sequence::Order;
use crate::view::Object;
use crate::{Diagnostic, Function, Kind, Value};

/// Reads all events. A file that breaks off in mid-form is read to its last whole event.
pub(crate) fn read(
    source: &mut Source<'_>,
    dialect: Dialect,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<(), Diagnostic> {
    let ours = comment_header::take(source)?;
    let style = Style {
        independent: options.independent || ours.as_ref().is_some_and(|ours| ours.independent),
        ours: ours.is_some(),
    };
    // What we wrote has our times, in which equal means concurrent.
    let order = if style.ours && !options.ignore_times { Order::Times } else { options.order() };
    let mut intake = Intake::foreign(order, ours.map(|ours| ours.header), sink);
    let mut closing = None;
    let name = source.name().to_owned();
    loop {
        let mut scanner = Scanner::new(source.rest(), dialect, source.ended());
        let step = step(&mut scanner, &mut closing, style);
        let end = scanner.offset();
        match step {
            Ok(Step::Event(mut event, start)) => {
                let (line, column) = source.place(start);
                intake
                    .event(&mut event, line)
                    .map_err(|message| Diagnostic::at(&name, line, column, message))?;
                drop(event);
                source.consume(end);
            }
            Ok(Step::Entered) => source.consume(end),
            Ok(Step::End) => return Ok(()),
            Err(Trouble::More) if source.ended() => {
                intake.cut_off(source, "inside an event or before the end of the list");
                return Ok(());
            }
            Err(Trouble::More) => source.fill()?,
            Err(Trouble::At(offset, message)) => return Err(source.at(offset, message)),
        }
    }
}

/// How to understand the events of a file.
#[derive(Clone, Copy)]
struct Style {
    /// Values are tuples of a key and a value.
    independent: bool,
    /// The file was written by us, and says exactly what it says.
    ours: bool,
}

enum Step<'a> {
    /// An event, and where it starts.
    Event(Box<RawEvent<'a>>, usize),
    /// Into the vector, or out of it.
    Entered,
    End,
}

/// The next event, or the bracket before or after all of them.
fn step<'a>(scanner: &mut Scanner<'a>, closing: &mut Option<u8>, style: Style) -> Formed<Step<'a>> {
    let next = match (scanner.peek()?, *closing) {
        (None, None | Some(AFTER)) => return Ok(Step::End),
        (None, Some(_)) => return Err(Trouble::More),
        (Some(next), _) => next,
    };
    match (next, *closing) {
        (_, Some(AFTER)) => scanner.wrong("expected nothing after the end of the list of events"),
        (b'[' | b'(', None) => {
            *closing = Some(if next == b'[' { b']' } else { b')' });
            scanner.advance();
            Ok(Step::Entered)
        }
        (_, Some(bracket)) if next == bracket => {
            *closing = Some(AFTER);
            scanner.advance();
            Ok(Step::Entered)
        }
        (b'{' | b'#', _) => {
            let start = scanner.offset();
            let event = fields(scanner)?.into_event(style).map_err(|message| Trouble::At(start, message))?;
            Ok(Step::Event(Box::new(event), start))
        }
        _ => scanner
            .wrong("expected an event, a map such as {:process 0, :type :invoke, :f :read, :value nil}"),
    }
}

/// Stands for the closing bracket once it has come.
const AFTER: u8 = 0;

#[derive(Default)]
struct Fields<'a> {
    index: Option<u64>,
    time: Option<u64>,
    process: Option<RawProcess<'a>>,
    kind: Option<Kind>,
    function: Option<Cow<'a, str>>,
    key: Option<Value>,
    value: Value,
    node: Option<Cow<'a, str>>,
    error: Option<Value>,
    seen: Option<Value>,
    version: Option<u64>,
    term: Option<u64>,
    served_by: Option<Cow<'a, str>>,
    /// The value is a tuple of an independent key, and says so itself.
    tuple: bool,
    /// A read of a whole list or set.
    whole: bool,
    /// The value is a set, or holds one.
    set: bool,
}

fn fields<'a>(scanner: &mut Scanner<'a>) -> Formed<Fields<'a>> {
    if scanner.expect()? == b'#' {
        scanner.tag()?;
        if scanner.expect()? != b'{' {
            return scanner.wrong("expected the map of an event after its tag");
        }
    }
    let mut fields = Fields::default();
    scanner.advance();
    while scanner.expect()? != b'}' {
        let name = scanner.name()?.unwrap_or_default();
        scanner.separator()?;
        scanner.expect()?;
        field(scanner, &name, &mut fields)?;
    }
    scanner.advance();
    Ok(fields)
}

fn field<'a>(scanner: &mut Scanner<'a>, name: &str, fields: &mut Fields<'a>) -> Formed<()> {
    match name {
        "index" => fields.index = count(scanner, "index")?,
        "time" => fields.time = time(scanner)?,
        "process" => fields.process = Some(process(scanner)?),
        "type" => fields.kind = Some(kind(scanner)?),
        "f" => fields.function = scanner.name()?,
        "key" => fields.key = Some(scanner.value()?),
        "value" => {
            scanner.made_set = false;
            (fields.tuple, fields.value) = value(scanner)?;
            fields.set = scanner.made_set;
        }
        "node" => fields.node = scanner.value().map(text)?,
        "error" => fields.error = Some(scanner.value()?),
        "seen" => fields.seen = Some(scanner.value()?),
        "version" => fields.version = count(scanner, "version")?,
        "term" => fields.term = count(scanner, "term")?,
        "served-by" => fields.served_by = scanner.value().map(text)?,
        "whole" => fields.whole = scanner.value()? == Value::Bool(true),
        _ => scanner.skip()?,
    }
    Ok(())
}

fn text(value: Value) -> Option<Cow<'static, str>> {
    (!value.is_null()).then(|| Cow::Owned(key_text(value)))
}

/// A value, and whether its tag calls it a tuple.
fn value(scanner: &mut Scanner<'_>) -> Formed<(bool, Value)> {
    if scanner.expect()? != b'#' {
        return Ok((false, scanner.transaction()?));
    }
    let mut ahead = scanner.fork();
    let tuple = ahead.tag()?.to_ascii_lowercase().ends_with(b"tuple");
    Ok((tuple, scanner.value()?))
}

fn count(scanner: &mut Scanner<'_>, what: &str) -> Formed<Option<u64>> {
    let start = scanner.offset();
    let token = scanner.token()?;
    match token.parse() {
        Ok(count) => Ok(Some(count)),
        // Jepsen writes -1 where an index has not been given yet.
        Err(_) if matches!(token, "nil" | "null" | "-1") => Ok(None),
        Err(_) => Err(Trouble::At(start, format!("expected a whole number as the {what}, not {token:?}"))),
    }
}

/// Jepsen writes whole nanoseconds; a time before the start is the start.
fn time(scanner: &mut Scanner<'_>) -> Formed<Option<u64>> {
    let start = scanner.offset();
    match scanner.value()? {
        Value::Null => Ok(None),
        Value::Int(int) => Ok(Some(int.max(0) as u64)),
        other => Err(Trouble::At(start, format!("expected nanoseconds as the time, not {other}"))),
    }
}

fn process<'a>(scanner: &mut Scanner<'a>) -> Formed<RawProcess<'a>> {
    Ok(match scanner.value()? {
        Value::Null => RawProcess::Absent,
        Value::Int(int) => match u32::try_from(int) {
            Ok(number) => RawProcess::Number(number),
            Err(_) => RawProcess::Named(Cow::Owned(int.to_string())),
        },
        Value::Text(name) if *name == "nemesis" => RawProcess::Nemesis,
        other => RawProcess::Named(Cow::Owned(key_text(other))),
    })
}

fn kind(scanner: &mut Scanner<'_>) -> Formed<Kind> {
    let start = scanner.offset();
    let name = scanner.name()?;
    match name.as_deref() {
        Some("invoke") => Ok(Kind::Invoke),
        Some("ok") => Ok(Kind::Ok),
        Some("fail") => Ok(Kind::Fail),
        Some("info") => Ok(Kind::Info),
        other => {
            let other = other.unwrap_or("nil");
            Err(Trouble::At(start, format!("type is {other:?}; expected invoke, ok, fail or info")))
        }
    }
}

impl<'a> Fields<'a> {
    fn into_event(mut self, style: Style) -> Result<RawEvent<'a>, String> {
        let Some(kind) = self.kind else { return Err("this event has no type".into()) };
        let process = self.process.unwrap_or(RawProcess::Absent);
        let mut key = self.key.filter(|key| !key.is_null()).map(|key| Cow::Owned(key_text(key)));
        if (self.tuple || style.independent && process != RawProcess::Nemesis)
            && let Some((of, inner)) = self.value.as_pair()
        {
            (key, self.value) = (Some(Cow::Owned(key_text(of.clone()))), inner.clone());
        }
        let object = match self.function.as_deref() {
            Some("get" | "put") => Some(Object::Kv),
            Some("read") if self.set && kind == Kind::Ok => Some(Object::Set),
            _ => None,
        };
        let function = match self.function.as_deref() {
            Some(name) if style.ours && !self.whole => {
                Function::named(name).map_err(|error| error.to_string())?
            }
            name => function(name, &self.value, self.whole)?,
        };
        let mut error = self.error.filter(|error| !error.is_null()).map(key_text);
        if matches!(kind, Kind::Fail | Kind::Info)
            && process != RawProcess::Nemesis
            && !style.ours
            && error.is_none()
            && let Value::Text(reason) = &self.value
        {
            error = Some((**reason).clone());
        }
        Ok(RawEvent {
            index: self.index,
            time: self.time,
            key,
            node: self.node,
            error,
            seen: self.seen,
            version: self.version,
            term: self.term,
            served_by: self.served_by,
            object,
            ..RawEvent::new(process, kind, function, self.value)
        })
    }
}

/// Our name for a function of Jepsen's. A list of micro-operations makes a transaction, whatever it is called.
pub(crate) fn function(name: Option<&str>, value: &Value, whole: bool) -> Result<Function, String> {
    if matches!(name, None | Some("read" | "write")) && is_transaction(value) {
        return Ok(Function::Txn);
    }
    Ok(match name {
        None => return Err("this event has no function".into()),
        Some("read") if whole => Function::ReadAll,
        Some("get") => Function::Read,
        Some("put") => Function::Write,
        Some("inc") => Function::Increment,
        Some("dec") => Function::Decrement,
        Some(name) => Function::named(name).map_err(|error| error.to_string())?,
    })
}

fn is_transaction(value: &Value) -> bool {
    let micro = |item: &Value| match item.as_list() {
        Some([f, _, _]) => f.as_text().is_some_and(|f| matches!(f, "r" | "w" | "append")),
        _ => false,
    };
    match value {
        Value::Txn(_) => true,
        value => value.as_list().is_some_and(|items| !items.is_empty() && items.iter().all(micro)),
    }
}
