//! What the operations of a log's clients do: they send records to partitions, poll them, and say from which partitions they
//! poll.
//!
//! `send` and `poll` are lists of micro-operations, as a `txn` of both is: `["send", partition, value]`, which comes back as
//! `["send", partition, [offset, value]]`, and `["poll"]`, which comes back as `["poll", {partition: [[offset, value], …]}]`.
//! Where the operation has a key, that is the partition: `send` of a value comes back as `[offset, value]`, `poll` as
//! `[[offset, value], …]`.

use std::borrow::Cow;

use histories::{Function, History, Operation, Value};

/// What an operation means for the log.
#[derive(Debug)]
pub(super) enum LogOperation<'h> {
    Steps(Vec<Step<'h>>),
    /// The client polls these partitions from now on, and nothing says where it begins.
    Assign,
    /// The client joins a group, which gives it partitions and takes them away unseen.
    Subscribe,
    /// It has nothing to do with records.
    Other,
}

#[derive(Debug)]
pub(super) enum Step<'h> {
    /// The offset is where the record was put, as far as the client was told.
    Send { partition: Cow<'h, str>, value: &'h Value, offset: Option<i64> },
    /// The records of one partition, in the order in which they came; none of an operation that was not answered.
    Poll { partition: Cow<'h, str>, records: Vec<(i64, &'h Value)> },
}

/// What the value of a poll should have been.
type Expected = &'static str;

const RECORDS: Expected = "the records of partitions, {partition: [[offset, value], …]}";
const MICROS: Expected = "a list of [\"send\", partition, value] and [\"poll\"]";

/// Whether the operations of a history are those of a log, all but what moves its consumers.
pub(crate) fn is_log(history: &History) -> bool {
    let operations = history.operations();
    operations.iter().any(says) && operations.iter().all(|op| says(op) || is_beside(op))
}

/// Whether an operation sends or polls. Transactions on registers and lists, of which a history may have millions, are told by
/// how they are held.
fn says(op: &Operation) -> bool {
    match (&op.function, op.call()) {
        (Function::Txn, Value::List(_)) => micros(op.call()).is_some_and(|micros| micros.iter().any(is_step)),
        (Function::Custom(_), _) => matches!(op.function.name(), "send" | "poll"),
        _ => false,
    }
}

/// Whether it moves a consumer, commits or asks for nothing.
fn is_beside(op: &Operation) -> bool {
    match (&op.function, op.call()) {
        (Function::Txn, Value::List(micros)) => micros.is_empty(),
        (Function::Txn, value) => value.is_null(),
        (Function::Custom(_), _) => of_name(op.function.name()).is_some(),
        _ => false,
    }
}

fn is_step(micro: &Value) -> bool {
    let name = micro.as_list().and_then(|parts| parts.first()).and_then(Value::as_text);
    matches!(name, Some("send" | "poll"))
}

fn micros(value: &Value) -> Option<&[Value]> {
    value
        .as_list()
        .filter(|list| list.iter().all(|micro| micro.as_list().is_some_and(|parts| !parts.is_empty())))
}

/// What operations of this name do beside sending and polling.
fn of_name(name: &str) -> Option<LogOperation<'static>> {
    match name {
        "assign" | "crash" | "seek" => Some(LogOperation::Assign),
        "subscribe" => Some(LogOperation::Subscribe),
        "commit" | "debug-topic-partitions" => Some(LogOperation::Other),
        _ => None,
    }
}

impl<'h> LogOperation<'h> {
    /// `partition` is the operation's key.
    pub(super) fn of(op: &'h Operation, partition: Option<&'h str>) -> Result<Self, Expected> {
        let name = op.function.name();
        if let Some(other) = of_name(name) {
            return Ok(other);
        }
        if let Some(partition) = partition.filter(|_| name != "txn") {
            return with_key(op, name, partition).map(|step| Self::Steps(vec![step]));
        }
        let asked = micros(op.call()).ok_or(MICROS)?;
        let answered = if op.is_ok() { micros(op.reply()).unwrap_or_default() } else { &[] };
        let mut steps = Vec::new();
        for (place, micro) in asked.iter().enumerate() {
            step(micro, answered.get(place), &mut steps)?;
        }
        Ok(Self::Steps(steps))
    }
}

fn with_key<'h>(op: &'h Operation, name: &str, partition: &'h str) -> Result<Step<'h>, Expected> {
    let partition = Cow::Borrowed(partition);
    if name == "send" {
        let offset = if op.is_ok() { offset_of(op.reply(), op.call()) } else { None };
        return Ok(Step::Send { partition, value: op.call(), offset });
    }
    let records = if op.is_ok() { records(op.reply())? } else { Vec::new() };
    Ok(Step::Poll { partition, records })
}

fn step<'h>(micro: &'h Value, answer: Option<&'h Value>, steps: &mut Vec<Step<'h>>) -> Result<(), Expected> {
    let answer = answer.and_then(Value::as_list).unwrap_or_default();
    match micro.as_list().ok_or(MICROS)? {
        [Value::Text(name), partition, value] if **name == "send" => {
            let offset = answer.get(2).and_then(|told| offset_of(told, value));
            steps.push(Step::Send { partition: text(partition), value, offset });
        }
        [Value::Text(name), ..] if **name == "poll" => {
            let Some(shown) = answer.get(1).filter(|shown| !shown.is_null()) else { return Ok(()) };
            for (partition, shown) in shown.as_map().ok_or(RECORDS)? {
                let records = records(shown)?;
                steps.push(Step::Poll { partition: Cow::Borrowed(partition), records });
            }
        }
        _ => return Err(MICROS),
    }
    Ok(())
}

/// A partition by its name, as the keys of maps are written.
fn text(partition: &Value) -> Cow<'_, str> {
    match partition {
        Value::Text(name) => Cow::Borrowed(name),
        other => Cow::Owned(other.to_string()),
    }
}

/// The offset with which a value came back.
fn offset_of(told: &Value, value: &Value) -> Option<i64> {
    told.as_pair().filter(|(_, sent)| *sent == value)?.0.as_int()
}

fn records(shown: &Value) -> Result<Vec<(i64, &Value)>, Expected> {
    let list = if shown.is_null() { &[] } else { shown.as_list().ok_or(RECORDS)? };
    list.iter()
        .map(|record| {
            let (offset, value) = record.as_pair().ok_or(RECORDS)?;
            Ok((offset.as_int().ok_or(RECORDS)?, value))
        })
        .collect()
}

/// Whether an operation polls, whatever it was answered.
pub(super) fn polls(op: &Operation) -> bool {
    let polls = |micro: &Value| micro.as_list().and_then(|parts| parts.first()?.as_text()) == Some("poll");
    op.function.name() == "poll" || op.call().as_list().is_some_and(|micros| micros.iter().any(polls))
}
