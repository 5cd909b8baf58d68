//! Our own format, back from the file.

use std::borrow::Cow;
use std::fmt;
use std::io::BufRead;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use crate::{Diagnostic, Event, Function, Header, Hints, History, Kind, Nanos, Op, Pairing, Process, Value};

/// A line longer than this is refused rather than held.
pub const LINE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Reads a header line and the events after it. A file that breaks off in mid-line is read to its last whole
/// event, and [`History::cut_off`] says where.
pub fn read(mut input: impl BufRead, name: &str) -> Result<History, Diagnostic> {
    let mut line = Vec::with_capacity(512);
    let mut number = 0;
    let header = header(&mut input, &mut line, &mut number, name)?;
    let mut pairing = Pairing::new(header);
    while next_line(&mut input, &mut line, &mut number, name)? {
        let whole = line.last() == Some(&b'\n');
        if !line.trim_ascii_start().starts_with(b"{") {
            return Err(Diagnostic::at(
                name,
                number,
                1,
                "expected an event, a JSON object on a line of its own",
            ));
        }
        let parsed = serde_json::from_slice::<RawEvent<'_>>(&line);
        if !whole && parsed.as_ref().is_err_and(serde_json::Error::is_eof) {
            let message = format!("the file breaks off here, after {} bytes of a line", line.len());
            pairing.cut_off(Diagnostic::at(name, number, line.len() as u64, message));
            break;
        }
        let raw = parsed.map_err(|error| syntax(&error, name, number))?;
        let in_line = |message: String| Diagnostic::at(name, number, 0, message);
        let event = raw.into_event(&mut pairing).map_err(in_line)?;
        pairing.push(event, u32::try_from(number).ok()).map_err(in_line)?;
    }
    Ok(pairing.finish())
}

fn header(
    input: &mut impl BufRead,
    line: &mut Vec<u8>,
    number: &mut u64,
    name: &str,
) -> Result<Header, Diagnostic> {
    if !next_line(input, line, number, name)? {
        return Err(Diagnostic::whole_file(name, "is empty")
            .help("a history begins with a header line: {\"partita\":1}"));
    }
    let header: Header = serde_json::from_slice(line).map_err(|error| {
        if error.is_data() && line.starts_with(b"{\"partita\"") {
            return syntax(&error, name, *number);
        }
        Diagnostic::at(name, 1, error.column() as u64, "is not a history: the first line is no header")
            .help("a history begins with a line such as {\"partita\":1,\"nodes\":[\"n1\",\"n2\",\"n3\"]}")
    })?;
    if header.partita != Header::VERSION {
        return Err(Diagnostic::at(
            name,
            1,
            0,
            format!(
                "is a history of format {}; this version reads format {}",
                header.partita,
                Header::VERSION
            ),
        ));
    }
    Ok(header)
}

/// The next line that is not blank, with its line break; false at the end.
fn next_line(
    input: &mut impl BufRead,
    line: &mut Vec<u8>,
    number: &mut u64,
    name: &str,
) -> Result<bool, Diagnostic> {
    loop {
        line.clear();
        *number += 1;
        let mut limited = std::io::Read::take(&mut *input, LINE_BYTES_MAX as u64);
        let read = limited
            .read_until(b'\n', line)
            .map_err(|error| Diagnostic::at(name, *number, 0, format!("cannot be read: {error}")))?;
        if read == LINE_BYTES_MAX {
            return Err(Diagnostic::at(
                name,
                *number,
                0,
                format!("a line of more than {LINE_BYTES_MAX} bytes"),
            ));
        }
        if read == 0 {
            return Ok(false);
        }
        if !line.iter().all(u8::is_ascii_whitespace) {
            return Ok(true);
        }
    }
}

fn syntax(error: &serde_json::Error, name: &str, line: u64) -> Diagnostic {
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    Diagnostic::at(name, line, error.column() as u64, message)
}

#[derive(Deserialize)]
struct RawEvent<'a> {
    index: u64,
    time: u64,
    process: RawProcess,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    f: Cow<'a, str>,
    #[serde(borrow, default)]
    key: Option<RawKey<'a>>,
    #[serde(default)]
    value: Value,
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

impl RawEvent<'_> {
    fn into_event(self, pairing: &mut Pairing) -> Result<Event, String> {
        let kind = match &*self.kind {
            "invoke" => Kind::Invoke,
            "ok" => Kind::Ok,
            "fail" => Kind::Fail,
            "info" => Kind::Info,
            other => return Err(format!("type is {other:?}; expected invoke, ok, fail or info")),
        };
        let mut node = |name: Option<Cow<'_, str>>| name.map(|name| pairing.node(&name)).transpose();
        Ok(Event {
            index: self.index,
            time: Nanos(self.time),
            process: self.process.0,
            kind,
            op: Op {
                function: Function::from(&*self.f),
                key: self.key.map(|key| (&*key.0).into()),
                value: self.value,
            },
            node: node(self.node)?,
            error: self.error,
            seen: self.seen,
            hints: Hints { version: self.version, term: self.term, served_by: node(self.served_by)? },
        })
    }
}

/// A client's number, or `"nemesis"`.
struct RawProcess(Process);

impl<'de> Deserialize<'de> for RawProcess {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ProcessVisitor;
        impl Visitor<'_> for ProcessVisitor {
            type Value = RawProcess;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a client's number or \"nemesis\"")
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<RawProcess, E> {
                u32::try_from(number)
                    .map(|number| RawProcess(Process::Client(number)))
                    .map_err(|_| E::custom(format!("{number} is too large for a client's number")))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RawProcess, E> {
                match text {
                    "nemesis" => Ok(RawProcess(Process::Nemesis)),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(ProcessVisitor)
    }
}

/// A key's name; a number is read as its digits.
struct RawKey<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for RawKey<'a> {
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
        deserializer.deserialize_any(KeyVisitor).map(RawKey)
    }
}
