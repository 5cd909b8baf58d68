//! TimeKiller's histories, of which Chronos and Aion are the checkers: a list of transactions in JSON, on registers or on
//! lists, each with the database's own times of its start and commit:
//! `{"tid":1,"sid":1,"sts":{"p":10,"l":0},"cts":{"p":20,"l":0},"ops":[{"t":"w","k":7,"v":2}]}`.
//!
//! It never takes the database's times for real time: sessions are concurrent, and their transactions stand in their order.
//! The time of the commit goes along as a hint.

use crate::micros::{Row, Verb};
use crate::raw::Sink;
use crate::read::form::{Dialect, Formed, Scanner, Trouble};
use crate::read::intake::Intake;
use crate::read::sessions::{Sessions, Transaction, session};
use crate::read::source::Source;
use crate::{Diagnostic, Kind, Value};

/// The fields of a transaction, by which a file is known.
pub(super) const FIELDS: [&str; 6] = ["tid", "sid", "sts", "cts", "ops", "rtts"];

pub(super) fn read(source: &mut Source<'_>, sink: &mut dyn Sink) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    let mut sessions = Sessions::new(Intake::sessions(&name, sink));
    let mut place = Place::Before;
    loop {
        let mut scanner = Scanner::new(source.rest(), Dialect::Json, source.ended());
        let step = step(&mut scanner, place);
        let end = scanner.offset();
        match step {
            Ok(Step::Transaction(value, start)) => {
                let at = source.place(start);
                let transaction =
                    transaction(&value).map_err(|message| Diagnostic::at(&name, at.0, at.1, message))?;
                sessions.push(transaction, at)?;
                source.consume(end);
            }
            Ok(Step::Bracket(next)) => {
                place = next;
                source.consume(end);
            }
            Ok(Step::End) => return sessions.finish(),
            Err(Trouble::More) if source.ended() => {
                let message = "the file breaks off here, before the end of its list";
                sessions.cut_off_at(source.at(source.rest().len(), message));
                return sessions.finish();
            }
            Err(Trouble::More) => source.fill()?,
            Err(Trouble::At(offset, message)) => return Err(source.at(offset, message)),
        }
    }
}

/// Where the reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Before,
    Inside,
    After,
}

enum Step {
    /// A transaction, and where it starts.
    Transaction(Value, usize),
    /// The list begins or ends.
    Bracket(Place),
    End,
}

fn step(scanner: &mut Scanner<'_>, place: Place) -> Formed<Step> {
    let Some(next) = scanner.peek()? else {
        return if place == Place::After { Ok(Step::End) } else { Err(Trouble::More) };
    };
    match (place, next) {
        (Place::Before, b'[') => {
            scanner.advance();
            Ok(Step::Bracket(Place::Inside))
        }
        (Place::Inside, b']') => {
            scanner.advance();
            Ok(Step::Bracket(Place::After))
        }
        (Place::Inside, b'{') => {
            let start = scanner.offset();
            Ok(Step::Transaction(scanner.value()?, start))
        }
        (Place::After, _) => scanner.wrong("expected nothing after the list of transactions"),
        _ => scanner.wrong("expected a transaction, an object such as {\"tid\":1,\"sid\":1,\"ops\":[]}"),
    }
}

fn transaction(value: &Value) -> Result<Transaction<'static>, String> {
    let fields = value.as_map().ok_or("expected a transaction, an object")?;
    if let Some(unknown) = fields.keys().find(|field| !FIELDS.contains(&&***field)) {
        return Err(format!("a transaction has no field {unknown:?}; its fields are {}", FIELDS.join(", ")));
    }
    let sid = fields.get("sid").filter(|sid| !sid.is_null());
    let sid = sid.ok_or("this transaction has no `sid`, the session that ran it")?;
    let operations = fields.get("ops").and_then(Value::as_list);
    let operations = operations.ok_or("this transaction has no list `ops` of operations")?;
    let [_, committed] = ["sts", "cts"].map(|field| fields.get(field).map(|time| physical(field, time)));
    Ok(Transaction {
        session: session(sid),
        rows: operations.iter().map(operation).collect::<Result<_, _>>()?,
        kind: Kind::Ok,
        version: committed.transpose()?,
    })
}

/// The physical part of a hybrid time, a number or its digits.
fn physical(field: &str, time: &Value) -> Result<u64, String> {
    let wrong = || format!("expected a time such as {{\"p\":10,\"l\":0}} as `{field}`, not {time}");
    let part = |name: &str| {
        let part = time.as_map()?.get(name)?;
        part.as_int().and_then(|int| u64::try_from(int).ok()).or_else(|| part.as_text()?.parse().ok())
    };
    part("l").and(part("p")).ok_or_else(wrong)
}

/// `{"t":"r","k":6,"v":[4,5]}`: of a read a value that is missing is null.
fn operation(value: &Value) -> Result<Row, String> {
    let wrong = || format!("expected an operation such as {{\"t\":\"w\",\"k\":7,\"v\":2}}, not {value}");
    let fields = value.as_map().ok_or_else(wrong)?;
    let verb = match fields.get("t").and_then(Value::as_text).map(str::to_ascii_lowercase).as_deref() {
        Some("r" | "read") => Verb::Read,
        Some("w" | "write") => Verb::Write,
        Some("a" | "append") => Verb::Append,
        _ => return Err(wrong()),
    };
    let key = fields.get("k").filter(|key| !key.is_null()).ok_or_else(wrong)?.clone();
    let value = fields.get("v").cloned().unwrap_or_default();
    if verb == Verb::Append && value.is_null() {
        return Err(wrong());
    }
    Ok(Row { verb, key, value })
}
