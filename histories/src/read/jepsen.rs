//! Histories as Jepsen, Knossos and Elle keep them: a map an event, in EDN or in JSON, one after another or in one
//! vector.
//!
//! It never trusts a field to be there: index, time, process and function may all be missing.

use std::borrow::Cow;

use crate::raw::{RawEvent, RawProcess, Sink};
use crate::read::form::{Dialect, Formed, Scanner, Trouble, key_text};
use crate::read::intake::Intake;
use crate::read::source::Source;
use crate::read::{Options, comment_header, names, tuple};
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
    let name = source.name().to_owned();
    let mut intake = Intake::foreign(&name, options.order, ours.map(|ours| ours.header), sink);
    let mut closing = None;
    loop {
        let mut scanner = Scanner::new(source.rest(), dialect, source.ended());
        let step = step(&mut scanner, &mut closing);
        let end = scanner.offset();
        match step {
            Ok(Step::Event(fields, start)) => {
                take(&mut intake, *fields, style, source.place(start))?;
                source.consume(end);
            }
            Ok(Step::Entered) => source.consume(end),
            Ok(Step::End) => break,
            Err(Trouble::More) if source.ended() => {
                intake.cut_off(source, "inside an event or before the end of the list");
                break;
            }
            Err(Trouble::More) => source.fill()?,
            Err(Trouble::At(offset, message)) => return Err(source.at(offset, message)),
        }
    }
    intake.end()
}

/// Hands on an event that begins at a line and a column.
fn take(
    intake: &mut Intake<'_>,
    fields: Fields<'_>,
    style: Style,
    place: (u64, u64),
) -> Result<(), Diagnostic> {
    if fields.kind.is_none()
        && let Some(what) = fields.unknown.iter().find_map(|name| not_a_history(name))
    {
        return Err(intake.wrong(place.0, place.1, format!("is {}, not a history", what.0)).help(what.1));
    }
    for name in &fields.unknown {
        intake.unknown_field(name, |field| fields.lacks(field), place)?;
    }
    let event = fields.into_event(style);
    let told = event.and_then(|mut event| intake.event(&mut event, place.0, place.1));
    told.map_err(|message| intake.wrong(place.0, place.1, message))
}

/// What a map without a type is that has a field of this name, and where the history is.
fn not_a_history(field: &str) -> Option<(&'static str, &'static str)> {
    match field {
        "valid?" => {
            Some(("the results of a Jepsen run", "the history of the run is history.edn in the same folder"))
        }
        "reproduce" => {
            Some(("the outcome of a run", "the history of the run is history.jsonl in the same folder"))
        }
        _ => None,
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
    Event(Box<Fields<'a>>, usize),
    /// Into the vector, or out of it.
    Entered,
    End,
}

/// The next event, or the bracket before or after all of them.
fn step<'a>(scanner: &mut Scanner<'a>, closing: &mut Option<u8>) -> Formed<Step<'a>> {
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
            Ok(Step::Event(Box::new(fields(scanner)?), start))
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
    value: Option<Value>,
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
    /// Names of fields that are not known.
    unknown: Vec<Cow<'a, str>>,
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
        field(scanner, name, &mut fields)?;
    }
    scanner.advance();
    Ok(fields)
}

fn field<'a>(scanner: &mut Scanner<'a>, name: Cow<'a, str>, fields: &mut Fields<'a>) -> Formed<()> {
    match &*name {
        "index" => fields.index = count(scanner, "index")?,
        "time" => fields.time = time(scanner)?,
        "process" => fields.process = Some(process(scanner)?),
        "type" => fields.kind = Some(kind(scanner)?),
        "f" => fields.function = scanner.name()?,
        "key" => fields.key = Some(scanner.value()?),
        "value" => {
            scanner.made_set = false;
            let (tuple, value) = value(scanner)?;
            (fields.tuple, fields.value, fields.set) = (tuple, Some(value), scanner.made_set);
        }
        "node" => fields.node = scanner.value().map(text)?,
        "error" => fields.error = Some(scanner.value()?),
        "seen" => fields.seen = Some(scanner.value()?),
        "version" => fields.version = count(scanner, "version")?,
        "term" => fields.term = count(scanner, "term")?,
        "served-by" => fields.served_by = scanner.value().map(text)?,
        "whole" => fields.whole = scanner.value()? == Value::Bool(true),
        _ => {
            scanner.skip()?;
            fields.unknown.push(name);
        }
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

/// Jepsen writes whole nanoseconds, and -1 where a time has not been given; a time before the start is the start.
fn time(scanner: &mut Scanner<'_>) -> Formed<Option<u64>> {
    let start = scanner.offset();
    match scanner.value()? {
        Value::Null | Value::Int(-1) => Ok(None),
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
    /// Whether an event lacks a field, or says nothing with it. What the nemesis does may lack any.
    fn lacks(&self, field: &str) -> bool {
        let lacks = match field {
            "index" => self.index.is_none(),
            "time" => self.time.is_none(),
            "process" => self.process.is_none(),
            "type" => self.kind.is_none(),
            "f" => self.function.is_none(),
            "key" => self.key.is_none() && !self.tuple,
            "value" => self.value.as_ref().is_none_or(Value::is_null),
            _ => false,
        };
        lacks && self.process != Some(RawProcess::Nemesis)
    }

    fn into_event(self, style: Style) -> Result<RawEvent<'a>, String> {
        let Some(kind) = self.kind else { return Err("this event has no type".into()) };
        let process = self.process.unwrap_or(RawProcess::Absent);
        let of_client = process != RawProcess::Nemesis;
        let mut key = self.key.filter(|key| !key.is_null()).map(|key| Cow::Owned(key_text(key)));
        let (has_value, mut value) = (self.value.is_some(), self.value.unwrap_or_default());
        let name = self.function.as_deref();
        if (self.tuple || style.independent && of_client)
            && let Some((of, inner)) = tuple::apart(kind, name, &value)?
        {
            (key, value) = (Some(Cow::Owned(of)), inner);
        }
        let object = match name {
            Some("get" | "put") => Some(Object::Kv),
            Some("read") if self.set && kind == Kind::Ok => Some(Object::Set),
            _ => None,
        };
        let function = match name {
            Some(name) if style.ours && !self.whole => {
                Function::named(name).map_err(|error| error.to_string())?
            }
            name => function(name, &value, self.whole)?,
        };
        if function == Function::Txn {
            value = short_verbs(value);
        }
        if !has_value && kind == Kind::Invoke && of_client && function.is_update() {
            return Err(names::without_value(&function));
        }
        let mut error = self.error.filter(|error| !error.is_null()).map(key_text);
        if matches!(kind, Kind::Fail | Kind::Info)
            && of_client
            && !style.ours
            && error.is_none()
            && let Value::Text(reason) = &value
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
            ..RawEvent::new(process, kind, function, value)
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
        // Jepsen's causal register calls each key's first read so.
        Some("get" | "read-init") => Function::Read,
        Some("put") => Function::Write,
        Some("inc") => Function::Increment,
        Some("dec") => Function::Decrement,
        // Maelstrom's broadcast: a set that every node is to have.
        Some("broadcast") => Function::Add,
        Some(name) => Function::named(name).map_err(|error| error.to_string())?,
    })
}

pub(crate) fn is_transaction(value: &Value) -> bool {
    let micro = |item: &Value| match item.as_list() {
        Some([f, _, _]) => f.as_text().is_some_and(|f| matches!(f, "r" | "w" | "append" | "read" | "write")),
        _ => false,
    };
    match value {
        Value::Txn(_) => true,
        value => value.as_list().is_some_and(|items| !items.is_empty() && items.iter().all(micro)),
    }
}

/// Micro-operations by our names: some tools write `read` and `write` in full.
fn short_verbs(value: Value) -> Value {
    let long = |item: &Value| match item.as_list() {
        Some([f, _, _]) => f.as_text().is_some_and(|f| matches!(f, "read" | "write")),
        _ => false,
    };
    let Value::List(items) = &value else { return value };
    if !items.iter().any(long) {
        return value;
    }
    let short = |item: &Value| match item.as_list() {
        Some([f, key, value]) if long(item) => {
            let verb = if f.as_text() == Some("read") { "r" } else { "w" };
            Value::list([Value::word(verb), key.clone(), value.clone()])
        }
        _ => item.clone(),
    };
    Value::list(items.iter().map(short))
}
