//! Histories of dbcop in JSON: sessions of transactions of events, bare or under `data`. An event is
//! `{"write":true,"variable":0,"value":1,"success":true}`, or `{"Write":{"variable":0,"version":1}}` in its newer
//! form, where a read without a version saw the initial state. Its binary form is told by its beginning
//! ([`super::bincode`]).
//!
//! See [`super::transactions`] for what is claimed of order. A transaction without success was rolled back.

use crate::raw::Sink;
use crate::read::HEAD_BYTES;
use crate::read::bincode;
use crate::read::form::{Dialect, Formed, Scanner, Trouble};
use crate::read::intake::Intake;
use crate::read::source::Source;
use crate::read::transactions::{Micro, Transactions};
use crate::{Diagnostic, Kind, Value};

pub(crate) fn read(source: &mut Source<'_>, sink: &mut dyn Sink) -> Result<(), Diagnostic> {
    if bincode::is_bincode(source.peek(HEAD_BYTES)?) {
        return bincode::read(source, sink);
    }
    let name = source.name().to_owned();
    let mut transactions = Transactions::new(Intake::sessions(&name, sink));
    let mut reader = Reader { session: 0, transaction: 0, level: Level::Top, named: false };
    loop {
        let mut scanner = Scanner::new(source.rest(), Dialect::Json, source.ended());
        let mut found = None;
        let step = reader.step(&mut scanner, &mut found);
        match step {
            Ok(level) => {
                let end = scanner.offset();
                if let Some(found) = found {
                    let place = source.place(found.start);
                    emit(&mut transactions, &reader, found, place)?;
                    reader.transaction += 1;
                }
                reader.moves(level);
                source.consume(end);
                if reader.level == Level::End {
                    return transactions.finish(None);
                }
            }
            Err(Trouble::More) if source.ended() => {
                let message = "the file breaks off here, before the end of its sessions";
                transactions.cut_off_at(source.at(source.rest().len(), message));
                return transactions.finish(None);
            }
            Err(Trouble::More) => source.fill()?,
            Err(Trouble::At(offset, message)) => return Err(source.at(offset, message)),
        }
    }
}

/// Where the reader is in the nest of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Top,
    /// In the object that has `data`.
    Object,
    Sessions,
    Session,
    End,
}

struct Reader {
    session: u32,
    transaction: u64,
    level: Level,
    /// Whether the sessions are under `data`.
    named: bool,
}

/// A whole transaction.
struct Found {
    events: Vec<Micro>,
    success: bool,
    /// Offset of its beginning.
    start: usize,
}

impl Reader {
    /// Reads a bracket, a field or a transaction, and says where that leads.
    fn step(&mut self, scanner: &mut Scanner<'_>, found: &mut Option<Found>) -> Formed<Level> {
        let Some(next) = scanner.peek()? else {
            return if self.level == Level::End { Ok(Level::End) } else { Err(Trouble::More) };
        };
        match (self.level, next) {
            (Level::Top, b'{') => {
                scanner.advance();
                Ok(Level::Object)
            }
            (Level::Object, b'}') => {
                scanner.advance();
                Ok(Level::End)
            }
            (Level::Object, _) => self.field(scanner),
            (Level::Sessions, b'[') => {
                scanner.advance();
                Ok(Level::Session)
            }
            (Level::Sessions, b']') => {
                scanner.advance();
                Ok(if self.named { Level::Object } else { Level::End })
            }
            (Level::Top, b'[') | (Level::Session, b']') => {
                scanner.advance();
                Ok(Level::Sessions)
            }
            (Level::Session, b'{') => {
                let start = scanner.offset();
                let value = scanner.value()?;
                *found = Some(transaction(&value, start).map_err(|message| Trouble::At(start, message))?);
                Ok(Level::Session)
            }
            (Level::Session, _) => scanner.wrong("expected a transaction, an object with `events`"),
            _ => scanner.wrong("expected a list of sessions, each a list of transactions"),
        }
    }

    fn field(&mut self, scanner: &mut Scanner<'_>) -> Formed<Level> {
        let name = scanner.name()?;
        scanner.separator()?;
        if name.as_deref() != Some("data") {
            scanner.skip()?;
            return Ok(Level::Object);
        }
        if scanner.expect()? != b'[' {
            return scanner.wrong("expected the list of sessions");
        }
        scanner.advance();
        self.named = true;
        Ok(Level::Sessions)
    }

    fn moves(&mut self, level: Level) {
        if self.level == Level::Session && level == Level::Sessions {
            self.session += 1;
        }
        self.level = level;
    }
}

fn emit(
    transactions: &mut Transactions<'_>,
    reader: &Reader,
    found: Found,
    (line, column): (u64, u64),
) -> Result<(), Diagnostic> {
    // Transactions have no numbers in this format; their order gives each its own.
    let number = reader.transaction;
    transactions.begin(reader.session, number, line)?;
    transactions.begins_at(reader.session, column);
    for micro in found.events {
        transactions.operation(reader.session, number, micro, line)?;
    }
    if !found.success {
        transactions.ends_as(reader.session, Kind::Fail);
    }
    transactions.close(reader.session)
}

fn transaction(value: &Value, start: usize) -> Result<Found, String> {
    let entries = value.as_map().ok_or("expected a transaction, an object with `events`")?;
    let events = entries
        .get("events")
        .and_then(Value::as_list)
        .ok_or("expected the list `events` of a transaction")?;
    let success = entries.get("success").or_else(|| entries.get("committed")) != Some(&Value::Bool(false));
    let mut micros = Vec::with_capacity(events.len());
    for event in events {
        micros.extend(micro(event, success)?);
    }
    Ok(Found { events: micros, success, start })
}

/// An event; one that failed in a transaction that did not has no effect and shows nothing.
fn micro(event: &Value, committed: bool) -> Result<Option<Micro>, String> {
    let expected = "expected an event such as {\"write\":true,\"variable\":0,\"value\":1}";
    let entries = event.as_map().ok_or(expected)?;
    let int = |entries: &std::collections::BTreeMap<String, Value>, name: &str| {
        entries.get(name).and_then(Value::as_int)
    };
    for (name, write) in [("Read", false), ("Write", true)] {
        let Some(inner) = entries.get(name).and_then(Value::as_map) else { continue };
        let key = int(inner, "variable").ok_or(expected)?;
        return match int(inner, "version").or_else(|| int(inner, "value")) {
            Some(value) if write => Ok(Some(Micro::Write(key, value))),
            Some(value) => Ok(Some(Micro::Read(key, value))),
            None if write => Err(expected.into()),
            None => Ok(Some(Micro::ReadInitial(key))),
        };
    }
    let Some(Value::Bool(write)) = entries.get("write") else { return Err(expected.into()) };
    let (key, value) = (int(entries, "variable").ok_or(expected)?, int(entries, "value").ok_or(expected)?);
    if committed && entries.get("success") == Some(&Value::Bool(false)) {
        return Ok(None);
    }
    Ok(Some(if *write { Micro::Write(key, value) } else { Micro::Read(key, value) }))
}
