//! Our own format, back from the file.

use std::borrow::Cow;
use std::fmt;
use std::io::BufRead;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use crate::raw::{RawEvent, RawProcess, Sink};
use crate::read::form::weigh_json;
use crate::read::intake::Intake;
use crate::read::source::{Line, Source};
use crate::read::{names, parallel, scan};
use crate::{Diagnostic, Function, Header, History, Kind, Order, Pairing, Value};

pub use crate::read::source::LINE_BYTES_MAX;

/// Reads a header line and the events after it. A file that breaks off in mid-line is read to its last whole
/// event, and [`History::cut_off`] says where.
pub fn read(input: impl BufRead, name: &str) -> Result<History, Diagnostic> {
    let mut pairing = Pairing::default();
    let mut source = Source::new(Box::new(input), name);
    source.skip_mark()?;
    read_in(&mut source, None, &mut pairing)?;
    Ok(pairing.finish())
}

/// Reads a file whose real-time order is taken from what `order` says.
pub(crate) fn read_in(
    source: &mut Source<'_>,
    order: Option<Order>,
    sink: &mut dyn Sink,
) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    let header = header(source, &name)?;
    let mut intake = Intake::ours(&name, order, header, sink);
    while let Some(block) = source.next_block(parallel::BLOCK_BYTES)? {
        for (number, parsed) in parallel::lines(&block, |line| parse(line, &name)) {
            match parsed? {
                Parsed::Event(mut event) => intake.event_on(&mut event, number)?,
                Parsed::Strange(parsed) => {
                    let (mut event, strange) = *parsed;
                    let lacks = |field: &str| strange.lacks.contains(&field);
                    for name in &strange.unknown {
                        intake.unknown_field(name, lacks, (number, 1))?;
                    }
                    if event.kind == Kind::Invoke
                        && event.function.is_update()
                        && strange.lacks.contains(&"value")
                    {
                        return Err(intake.wrong(number, 1, names::without_value(&event.function)));
                    }
                    intake.event_on(&mut event, number)?;
                }
                Parsed::CutOff(at) => intake.cut_off_at(at),
            }
        }
    }
    intake.end()
}

enum Parsed<'a> {
    Event(RawEvent<'a>),
    /// An event that has fields which are not known, or lacks a value that it needs.
    Strange(Box<(RawEvent<'a>, Strange)>),
    /// The file breaks off in this line, which is its last.
    CutOff(Diagnostic),
}

struct Strange {
    unknown: Vec<String>,
    /// Fields that unknown ones may stand for: those that are missing or null.
    lacks: Vec<&'static str>,
}

fn parse<'a>(line: &Line<'a>, name: &str) -> Result<Parsed<'a>, Diagnostic> {
    weigh_json(line.bytes).map_err(|message| Diagnostic::at(name, line.number, 1, message))?;
    if let Some(event) = scan::event(line.bytes) {
        return Ok(Parsed::Event(event));
    }
    let Some(parsed) = general(line, name)? else {
        let length = line.bytes.len();
        let message = format!("the file breaks off here, after {length} bytes of a line");
        return Ok(Parsed::CutOff(Diagnostic::at(name, line.number, length as u64, message)));
    };
    let strange = parsed.strange(line.bytes);
    let event = parsed.into_raw().map_err(|message| Diagnostic::at(name, line.number, 1, message))?;
    Ok(match strange {
        Some(strange) => Parsed::Strange(Box::new((event, strange))),
        None => Parsed::Event(event),
    })
}

/// The event on a whole line, by the general parser.
#[cfg(test)]
pub(crate) fn general_event<'a>(line: &'a [u8], name: &str) -> Result<RawEvent<'a>, Diagnostic> {
    let parsed = general(&Line { bytes: line, number: 1, whole: true }, name)?;
    let parsed = parsed.ok_or_else(|| Diagnostic::at(name, 1, 0, "breaks off"))?;
    parsed.into_raw().map_err(|message| Diagnostic::at(name, 1, 0, message))
}

/// The event on a line of any shape, `None` where the file breaks off in it.
fn general<'a>(line: &Line<'a>, name: &str) -> Result<Option<ParsedEvent<'a>>, Diagnostic> {
    if !line.bytes.trim_ascii_start().starts_with(b"{") {
        let message = "expected an event, a JSON object on a line of its own";
        return Err(Diagnostic::at(name, line.number, 1, message));
    }
    let parsed = serde_json::from_slice::<ParsedEvent<'_>>(line.bytes);
    if !line.whole && parsed.as_ref().is_err_and(serde_json::Error::is_eof) {
        return Ok(None);
    }
    parsed.map(Some).map_err(|error| {
        let diagnostic = syntax(&error, name, line.number);
        let missing =
            diagnostic.message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
        let stands_for = |name: &&String| names::of_event(name).iter().any(|meant| Some(*meant) == missing);
        match unknown_fields(line.bytes).iter().find(stands_for) {
            Some(unknown) => diagnostic.help(format!("{unknown:?} is none of its fields")),
            None => diagnostic,
        }
    })
}

fn unknown_fields(line: &[u8]) -> Vec<String> {
    names::keys(line).into_iter().filter(|name| !FIELDS.contains(&&**name)).collect()
}

fn header(source: &mut Source<'_>, name: &str) -> Result<Header, Diagnostic> {
    let Some(line) = source.next_line()? else {
        return Err(Diagnostic::whole_file(name, "is empty")
            .help("a history begins with a header line: {\"partita\":1}"));
    };
    let header: Header = serde_json::from_slice(line.bytes).map_err(|error| {
        if error.is_data() && line.bytes.starts_with(b"{\"partita\"") {
            return syntax(&error, name, line.number);
        }
        let message = "is not a history: the first line is no header";
        Diagnostic::at(name, line.number, error.column() as u64, message)
            .help("a history begins with a line such as {\"partita\":1,\"nodes\":[\"n1\",\"n2\",\"n3\"]}")
    })?;
    if let Some((unknown, near)) = names::unknown_key(names::keys(line.bytes), Header::FIELDS) {
        let message =
            format!("a header has no field {unknown:?}; its fields are {}", Header::FIELDS.join(", "));
        let column = names::column(line.bytes, &unknown);
        return Err(Diagnostic::at(name, line.number, column, message).help_near(near));
    }
    if header.partita != Header::VERSION {
        let (found, known) = (header.partita, Header::VERSION);
        let message = format!("is a history of format {found}; this version reads format {known}");
        return Err(Diagnostic::at(name, line.number, 1, message));
    }
    Ok(header)
}

fn syntax(error: &serde_json::Error, name: &str, line: u64) -> Diagnostic {
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    Diagnostic::at(name, line, error.column() as u64, message)
}

#[derive(Deserialize)]
struct ParsedEvent<'a> {
    index: u64,
    time: u64,
    process: ParsedProcess,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    f: Cow<'a, str>,
    #[serde(borrow, default)]
    key: Option<ParsedKey<'a>>,
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
    #[serde(borrow, default)]
    node: Option<Cow<'a, str>>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default, deserialize_with = "present")]
    seen: Option<Value>,
    #[serde(default)]
    version: Option<u64>,
    #[serde(default)]
    term: Option<u64>,
    #[serde(borrow, default)]
    served_by: Option<Cow<'a, str>>,
}

/// A `null` that stands there is a value; a field that does not is none.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The fields of an event.
const FIELDS: [&str; 13] = [
    "index",
    "time",
    "process",
    "type",
    "f",
    "key",
    "value",
    "node",
    "error",
    "seen",
    "version",
    "term",
    "served_by",
];

impl<'a> ParsedEvent<'a> {
    /// What is strange about an event that was read from a line.
    fn strange(&self, line: &[u8]) -> Option<Strange> {
        let unknown = unknown_fields(line);
        if unknown.is_empty() && self.value.is_some() {
            return None;
        }
        let no_value = self.value.as_ref().is_none_or(Value::is_null).then_some("value");
        let no_key = self.key.is_none().then_some("key");
        Some(Strange { unknown, lacks: no_value.into_iter().chain(no_key).collect() })
    }

    fn into_raw(self) -> Result<RawEvent<'a>, String> {
        let kind = match &*self.kind {
            "invoke" => Kind::Invoke,
            "ok" => Kind::Ok,
            "fail" => Kind::Fail,
            "info" => Kind::Info,
            other => return Err(format!("type is {other:?}; expected invoke, ok, fail or info")),
        };
        let function = Function::named(&self.f).map_err(|error| error.to_string())?;
        Ok(RawEvent {
            index: Some(self.index),
            time: Some(self.time),
            key: self.key.map(|key| key.0),
            node: self.node,
            error: self.error,
            seen: self.seen,
            version: self.version,
            term: self.term,
            served_by: self.served_by,
            ..RawEvent::new(self.process.0, kind, function, self.value.unwrap_or_default())
        })
    }
}

/// A client's number, or `"nemesis"`.
struct ParsedProcess(RawProcess<'static>);

impl<'de> Deserialize<'de> for ParsedProcess {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ProcessVisitor;
        impl Visitor<'_> for ProcessVisitor {
            type Value = ParsedProcess;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a client's number or \"nemesis\"")
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<ParsedProcess, E> {
                u32::try_from(number)
                    .map(|number| ParsedProcess(RawProcess::Number(number)))
                    .map_err(|_| E::custom(format!("{number} is too large for a client's number")))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ParsedProcess, E> {
                match text {
                    "nemesis" => Ok(ParsedProcess(RawProcess::Nemesis)),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(ProcessVisitor)
    }
}

/// A key's name; a number is read as its digits.
struct ParsedKey<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for ParsedKey<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key: a string or an integer")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
                Ok(Cow::Owned(text.to_owned()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Cow<'de, str>, E> {
                Ok(Cow::Owned(number.to_string()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Cow<'de, str>, E> {
                Ok(Cow::Owned(number.to_string()))
            }
        }
        deserializer.deserialize_any(KeyVisitor).map(ParsedKey)
    }
}
