//! The operations that etcd's robustness tests record, `operations.json`: a JSON object an operation, with the client, the
//! request, the response, and when both were, in nanoseconds.
//!
//! A range of one key is a read, a put a write, a deletion a write of null, and what does several of these at once a
//! transaction. Of a conditional transaction it counts which branch was taken; of its conditions only that a key is absent.
//! Nothing is made of reads of an earlier revision and of what changes no key (leases granted, compaction, defragmentation),
//! and a warning says how many there are. A lease that is revoked may delete each key that was ever put with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::held::Held;
use crate::micros::{Micros, Row, Verb};
use crate::raw::{RawEvent, RawProcess, Sink};
use crate::read::Options;
use crate::read::form::{Dialect, Scanner, Trouble};
use crate::read::intake::Intake;
use crate::read::ordered::Ordered;
use crate::read::source::Source;
use crate::sequence::{Order, TIME_END};
use crate::{Diagnostic, Function, Kind, Value};

type Fields = BTreeMap<String, Value>;

/// Reads the operations of one file.
pub(super) fn single(
    source: &mut Source<'_>,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    let mut gathered = Gathered::new(options.memory_bytes_max);
    gathered.read(source)?;
    gathered.send(&name, options, sink)
}

/// What the files of a run hold together.
pub(super) struct Gathered {
    requests: Vec<Request>,
    left_out: u64,
    cut_off: Option<Diagnostic>,
    held: Held,
}

/// A request, or one of the two branches that it may have taken.
struct Request {
    client: u32,
    begin: u64,
    end: u64,
    line: u64,
    kind: Kind,
    does: Vec<Access>,
    revision: Option<u64>,
}

/// What a request does to keys.
enum Access {
    Read {
        key: String,
        seen: Value,
    },
    Write {
        key: String,
        value: Value,
        lease: i64,
    },
    /// The rows from a key to another, as far as they are shown.
    Range {
        range: Range,
        shown: BTreeMap<String, Value>,
    },
    Revoke {
        lease: i64,
    },
}

struct Range {
    start: String,
    end: String,
    prefix: bool,
    limited: bool,
}

impl Range {
    fn of(fields: &Fields) -> Self {
        let (start, end) = (text(fields, &["Start", "Key"]), text(fields, &["End", "RangeEnd"]));
        let limited = int(fields, "Limit") > 0;
        Self { start, end, prefix: fields.get("WithPrefix") == Some(&Value::Bool(true)), limited }
    }

    fn is_one_key(&self) -> bool {
        self.end.is_empty() && !self.prefix
    }

    fn holds(&self, key: &str) -> bool {
        if self.prefix {
            return key.starts_with(&self.start);
        }
        key >= &*self.start && (self.end == "\0" || key < &*self.end)
    }
}

impl Gathered {
    pub(super) fn new(memory_bytes_max: u64) -> Self {
        Self { requests: Vec::new(), left_out: 0, cut_off: None, held: Held::new(memory_bytes_max) }
    }

    /// Adds the operations of a file.
    pub(super) fn read(&mut self, source: &mut Source<'_>) -> Result<(), Diagnostic> {
        loop {
            let mut scanner = Scanner::new(source.rest(), Dialect::Json, source.ended());
            let value = match scanner.peek() {
                Ok(None) => return Ok(()),
                Ok(Some(_)) => scanner.value().map(|value| (value, scanner.offset())),
                Err(trouble) => Err(trouble),
            };
            match value {
                Ok((value, end)) => {
                    let begin = end - source.rest()[..end].trim_ascii_start().len();
                    let (line, column) = source.place(begin);
                    self.operation(&value, line)
                        .map_err(|message| Diagnostic::at(source.name(), line, column, message))?;
                    source.consume(end);
                }
                Err(Trouble::More) if source.ended() => {
                    let message = "the file breaks off here, inside an operation";
                    self.cut_off = Some(source.at(source.rest().len(), message));
                    return Ok(());
                }
                Err(Trouble::More) => source.fill()?,
                Err(Trouble::At(offset, message)) => return Err(source.at(offset, message)),
            }
        }
    }

    /// Forgets lines, which number the operations of one file alone.
    pub(super) fn in_many_files(mut self) -> Self {
        self.requests.iter_mut().for_each(|request| request.line = 0);
        self
    }

    fn operation(&mut self, value: &Value, line: u64) -> Result<(), String> {
        let expected = "expected an operation with `ClientId`, `Input`, `Call`, `Output` and `Return`";
        let fields = value.as_map().ok_or(expected)?;
        let number = |name: &str| {
            let int = fields.get(name).and_then(Value::as_int).and_then(|int| u64::try_from(int).ok());
            int.ok_or_else(|| format!("{expected}: `{name}` is no whole number from 0"))
        };
        let (client, begin, end) = (number("ClientId")?, number("Call")?, number("Return")?);
        let client = u32::try_from(client).map_err(|_| format!("{client} is no client's number"))?;
        let input = map(fields, "Input").ok_or(expected)?;
        self.held.add(size_of::<Request>() as u64 + value.heap_bytes())?;
        let response = Response::of(map(fields, "Output"));
        if response.outcome == Kind::Ok && end < begin {
            return Err(format!("this operation ends at {end} ns before it begins at {begin} ns"));
        }
        let branches = branches(input, &response)?;
        self.left_out += u64::from(branches.is_empty());
        for (place, (kind, does)) in branches.into_iter().enumerate() {
            // Of two branches that may have been taken each is an operation of its own.
            let client = client.wrapping_add(OTHER_BRANCH * place as u32);
            let revision = response.revision.filter(|_| kind == Kind::Ok);
            self.requests.push(Request { client, begin, end, line, kind, does, revision });
        }
        Ok(())
    }

    /// Sends everything on, in the order of time. The file, or the folder, is called `name`.
    pub(super) fn send(self, name: &str, options: &Options, sink: &mut dyn Sink) -> Result<(), Diagnostic> {
        let whole = |message: &str| Diagnostic::whole_file(name, message);
        if options.order == Some(Order::Place) {
            let message = "holds whole operations, so that their place in the file is no order";
            return Err(whole(message).help("--order place is for files of events"));
        }
        let mut intake = Intake::foreign(name, options.order, None, sink);
        if self.left_out > 0 {
            let count = self.left_out;
            let message = format!(
                "{count} operations are left out, which read an earlier revision or change no key (leases granted, compaction, defragmentation)"
            );
            intake.warn(whole(&message));
        }
        if let Some(at) = self.cut_off.clone() {
            intake.cut_off_at(at);
        }
        let ordered = self.ordered(options.memory_bytes_max).map_err(|message| whole(&message))?;
        ordered.send(&mut intake)?;
        intake.end()
    }

    fn ordered(self, memory_bytes_max: u64) -> Result<Ordered, String> {
        let (mut keys, mut leases) = (BTreeSet::new(), BTreeMap::<i64, BTreeSet<String>>::new());
        for access in self.requests.iter().flat_map(|request| &request.does) {
            match access {
                Access::Write { key, lease, .. } => {
                    keys.insert(key.clone());
                    if *lease != 0 {
                        leases.entry(*lease).or_default().insert(key.clone());
                    }
                }
                Access::Read { key, .. } => drop(keys.insert(key.clone())),
                Access::Range { shown, .. } => keys.extend(shown.keys().cloned()),
                Access::Revoke { .. } => {}
            }
        }
        let mut ordered = Ordered::new(memory_bytes_max);
        for (number, request) in self.requests.iter().enumerate() {
            if let [Access::Revoke { lease }] = request.does[..] {
                for key in leases.get(&lease).into_iter().flatten() {
                    let process = RawProcess::Named(format!("revoke {number} {key}").into());
                    let mut call = RawEvent::new(process, Kind::Invoke, Function::Write, Value::Null);
                    call.key = Some(key.clone().into());
                    ordered.add(request.begin, request.line, call, None)?;
                }
                continue;
            }
            let rows = request.rows(&keys);
            if !rows.is_empty() {
                let (call, reply) = request.events(rows);
                // An end beyond all times says that there was none.
                let end = Some(request.end.max(request.begin)).filter(|end| *end < TIME_END.0);
                ordered.add(request.begin, request.line, call, end.map(|end| (end, reply)))?;
            }
        }
        Ok(ordered)
    }
}

/// Clients have small numbers.
const OTHER_BRANCH: u32 = 1 << 31;

impl Request {
    /// What it did, key by key, where these are all keys of the history.
    fn rows(&self, keys: &BTreeSet<String>) -> Vec<Row> {
        let row =
            |verb: Verb, key: &str, value: &Value| Row { verb, key: Value::text(key), value: value.clone() };
        let mut rows = Vec::new();
        for access in &self.does {
            match access {
                Access::Read { key, seen } => rows.push(row(Verb::Read, key, seen)),
                Access::Write { key, value, .. } => rows.push(row(Verb::Write, key, value)),
                Access::Range { range, shown } => {
                    rows.extend(shown.iter().map(|(key, value)| row(Verb::Read, key, value)));
                    let absent = keys.iter().filter(|key| range.holds(key) && !shown.contains_key(*key));
                    let absent = absent.filter(|_| !range.limited);
                    rows.extend(absent.map(|key| row(Verb::Read, key, &Value::Null)));
                }
                Access::Revoke { .. } => {}
            }
        }
        rows
    }

    /// A row by itself is an operation on its key, several are a transaction.
    fn events(&self, mut rows: Vec<Row>) -> (RawEvent<'static>, RawEvent<'static>) {
        let event =
            |kind, function, value| RawEvent::new(RawProcess::Number(self.client), kind, function, value);
        let (call, mut reply) = if rows.len() == 1 {
            let Row { verb, key, value } = rows.remove(0);
            let function = if verb == Verb::Read { Function::Read } else { Function::Write };
            let asked = if verb == Verb::Read { Value::Null } else { value.clone() };
            let call = event(Kind::Invoke, function.clone(), asked);
            let reply = event(self.kind, function, value);
            let key = key.as_text().map(|key| key.to_owned().into());
            (RawEvent { key: key.clone(), ..call }, RawEvent { key, ..reply })
        } else {
            let answer = Micros::new(rows);
            let call = event(Kind::Invoke, Function::Txn, answer.question().clone());
            (call, event(self.kind, Function::Txn, Value::Txn(answer.into())))
        };
        reply.version = self.revision;
        (call, reply)
    }
}

/// What a client saw of its request.
struct Response<'a> {
    /// `Info` where it does not know.
    outcome: Kind,
    fields: Option<&'a Fields>,
    /// The database's, where the answer is of the present.
    revision: Option<u64>,
    of_the_present: bool,
}

impl<'a> Response<'a> {
    fn of(fields: Option<&'a Fields>) -> Self {
        let says = |name: &str| fields.is_some_and(|fields| !text(fields, &[name]).is_empty());
        let persisted = fields.is_some_and(|fields| fields.get("Persisted") == Some(&Value::Bool(true)));
        let unknown = fields.is_none() || persisted || says("Error") || says("ClientError");
        let revision = fields.map_or(0, |fields| int(fields, "Revision"));
        Self {
            outcome: if unknown { Kind::Info } else { Kind::Ok },
            fields,
            revision: u64::try_from(revision).ok().filter(|revision| *revision > 0),
            of_the_present: revision >= 0,
        }
    }

    fn part(&self, name: &str) -> Option<&'a Fields> {
        map(self.fields?, name)
    }
}

/// What became of a request, once for each branch that it may have taken; none where nothing is made of it.
fn branches(input: &Fields, response: &Response<'_>) -> Result<Vec<(Kind, Vec<Access>)>, String> {
    let part = |name: &str| map(input, name).ok_or_else(|| format!("this request has no `{name}`"));
    match &*text(input, &["Type"]) {
        "range" => {
            let request = part("Range")?;
            // An answer that never came tells nothing, nor does one of another time.
            if int(request, "Revision") > 0 || !response.of_the_present || response.outcome != Kind::Ok {
                return Ok(Vec::new());
            }
            let answer = response.part("Range").ok_or("this range has no answer `Range`")?;
            Ok(vec![(Kind::Ok, vec![seen(Range::of(request), Some(answer))?])])
        }
        "txn" => transaction(part("Txn")?, response),
        "leaseRevoke" => {
            let lease = int(part("LeaseRevoke")?, "LeaseID");
            Ok(vec![(Kind::Info, vec![Access::Revoke { lease }])])
        }
        "leaseGrant" | "defragment" | "compact" => Ok(Vec::new()),
        other => Err(format!(
            "type is {other:?}; expected range, txn, leaseGrant, leaseRevoke, defragment or compact"
        )),
    }
}

fn transaction(request: &Fields, response: &Response<'_>) -> Result<Vec<(Kind, Vec<Access>)>, String> {
    let list = |name: &str| request.get(name).and_then(Value::as_list).unwrap_or_default();
    let conditions = list("Conditions");
    let (then, or_else) = (list("OperationsOnSuccess"), list("OperationsOnFailure"));
    if response.outcome != Kind::Ok {
        let branches = [then, or_else].map(|branch| accesses(branch, None));
        let branches: Vec<Vec<Access>> = branches.into_iter().collect::<Result<_, _>>()?;
        let changes = |does: &Vec<Access>| does.iter().any(|access| matches!(access, Access::Write { .. }));
        return Ok(branches.into_iter().filter(changes).map(|does| (Kind::Info, does)).collect());
    }
    let answer = response.part("Txn").ok_or("this transaction has no answer `Txn`")?;
    let results = answer.get("Results").and_then(Value::as_list).unwrap_or_default();
    if answer.get("Failure") == Some(&Value::Bool(true)) {
        let refused = (Kind::Fail, accesses(then, None)?);
        let taken = (Kind::Ok, accesses(or_else, Some(results))?);
        let some = [refused, taken].into_iter().filter(|(_, does)| !does.is_empty());
        // The branch that was taken is the client's operation, so it comes first.
        return Ok(some.rev().collect());
    }
    let absent = conditions.iter().filter_map(Value::as_map).filter(|condition| {
        int(condition, "ExpectedRevision") == 0 && int(condition, "ExpectedVersion") == 0
    });
    let absent = absent.map(|condition| text(condition, &["Key"])).filter(|key| !key.is_empty());
    let mut does: Vec<Access> = absent.map(|key| Access::Read { key, seen: Value::Null }).collect();
    does.extend(accesses(then, Some(results))?);
    Ok(if does.is_empty() { Vec::new() } else { vec![(Kind::Ok, does)] })
}

/// What operations of a transaction do, and what they saw, where that is known.
fn accesses(operations: &[Value], results: Option<&[Value]>) -> Result<Vec<Access>, String> {
    let mut does = Vec::new();
    for (place, operation) in operations.iter().enumerate() {
        let wrong =
            || format!("expected an operation such as {{\"Type\":\"put-operation\",…}}, not {operation}");
        let outer = operation.as_map().ok_or_else(wrong)?;
        // Newer versions keep each type's fields apart.
        let of_type = |name: &str| map(outer, name).unwrap_or(outer);
        match text(outer, &["Type"]).trim_end_matches("-operation") {
            "put" => {
                let fields = of_type("Put");
                let value = fields.get("Value").map(of_value).ok_or_else(wrong)?;
                let (key, lease) = (text(fields, &["Key"]), int(fields, "LeaseID"));
                does.push(Access::Write { key, value, lease });
            }
            "delete" => {
                let key = text(of_type("Delete"), &["Key"]);
                does.push(Access::Write { key, value: Value::Null, lease: 0 });
            }
            "range" => {
                let answer = results.and_then(|results| results.get(place)).and_then(Value::as_map);
                if results.is_some() {
                    does.push(seen(Range::of(of_type("Range")), answer)?);
                }
            }
            _ => return Err(wrong()),
        }
    }
    Ok(does)
}

/// What a range showed.
fn seen(range: Range, answer: Option<&Fields>) -> Result<Access, String> {
    let rows = answer.and_then(|answer| answer.get("KVs")).and_then(Value::as_list).unwrap_or_default();
    let mut shown = BTreeMap::new();
    for row in rows {
        let fields = row.as_map().filter(|fields| fields.get("Key").and_then(Value::as_text).is_some());
        let fields = fields.ok_or_else(|| format!("expected a key with its value, not {row}"))?;
        shown.insert(text(fields, &["Key"]), fields.get("Value").map_or(Value::text(""), of_value));
    }
    if !range.is_one_key() {
        return Ok(Access::Range { range, shown });
    }
    let seen = shown.remove(&range.start).unwrap_or_default();
    Ok(Access::Read { key: range.start, seen })
}

/// A value, or the hash by which a long one is told.
fn of_value(value: &Value) -> Value {
    let Some(fields) = value.as_map() else { return value.clone() };
    match (text(fields, &["Value"]), int(fields, "Hash")) {
        (text, 0) => Value::text(text),
        (text, hash) if text.is_empty() => Value::text(format!("hash {hash}")),
        (text, _) => Value::text(text),
    }
}

fn map<'a>(fields: &'a Fields, name: &str) -> Option<&'a Fields> {
    fields.get(name)?.as_map()
}

/// A number, 0 where there is none.
fn int(fields: &Fields, name: &str) -> i64 {
    fields.get(name).and_then(Value::as_int).unwrap_or(0)
}

/// The text under the first of these names that is there.
fn text(fields: &Fields, names: &[&str]) -> String {
    let found = names.iter().find_map(|name| fields.get(*name)?.as_text());
    found.unwrap_or_default().to_owned()
}
