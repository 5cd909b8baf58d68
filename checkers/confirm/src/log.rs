//! What operations on a log show by themselves, by the definitions.
//!
//! It parses the values itself instead of taking the checker's records. It looks beyond the listed operations only to show
//! that no client sent, or polled, a record.

use std::collections::BTreeSet;

use finding::Anomaly;
use histories::{AnomalyKind, Function, History, Operation, Outcome, Value};

use super::Unconfirmed;

/// Partition, offset and value.
type Row = (String, i64, Value);

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    let named: Vec<&Operation> = anomaly.witness.operations.iter().map(|&id| history.operation(id)).collect();
    let Some(&first) = named.first() else { return Err("the witness is empty".into()) };
    let holds = match anomaly.kind {
        AnomalyKind::OffsetConflict => conflict(history, &named),
        AnomalyKind::PhantomRead | AnomalyKind::AbortedRead | AnomalyKind::FutureRead => {
            named.iter().any(|op| polled(history, op).iter().any(|row| !sent_by_then(history, op, row)))
        }
        AnomalyKind::DuplicateElement => doubled(history, &named),
        AnomalyKind::OutOfOrder => producer(history, &named) || consumer(history, &named),
        AnomalyKind::SkippedRecord => skipped(history, &named),
        AnomalyKind::LostWrite => lost(history, first),
        _ => false,
    };
    if holds { Ok(()) } else { Err(format!("the operations show no {}", anomaly.kind).into()) }
}

fn name(value: &Value) -> String {
    value.as_text().map_or_else(|| value.to_string(), str::to_owned)
}

/// The micro-operations of one side of an operation, in the form of a transaction.
fn micros(history: &History, op: &Operation, value: &Value) -> Vec<Vec<Value>> {
    let Some(key) = op.key.filter(|_| op.function != Function::Txn) else {
        let list = value.as_list().unwrap_or_default();
        return list.iter().filter_map(|micro| Some(micro.as_list()?.to_vec())).collect();
    };
    let key = Value::text(history.key(key).as_str());
    match op.function.name() {
        "send" => vec![vec!["send".into(), key, value.clone()]],
        "poll" => vec![vec!["poll".into(), Value::map([(name(&key), value.clone())])]],
        _ => Vec::new(),
    }
}

fn is(micro: &[Value], what: &str) -> bool {
    micro.first().and_then(Value::as_text) == Some(what)
}

/// What an operation sends, with the offset if it was told.
fn sends(history: &History, op: &Operation) -> Vec<(String, Option<i64>, Value)> {
    let asked = micros(history, op, op.call());
    let told = if op.is_ok() { micros(history, op, op.reply()) } else { Vec::new() };
    let mut rows = Vec::new();
    for (place, micro) in asked.iter().enumerate().filter(|(_, micro)| is(micro, "send") && micro.len() == 3)
    {
        let answer = told.get(place).and_then(|answer| answer.get(2)?.as_pair());
        let offset = answer.filter(|(_, value)| **value == micro[2]).and_then(|(offset, _)| offset.as_int());
        rows.push((name(&micro[1]), offset, micro[2].clone()));
    }
    rows
}

/// The polls of an operation, each the rows of one partition.
fn polls(history: &History, op: &Operation) -> Vec<Vec<Row>> {
    if !op.is_ok() {
        return Vec::new();
    }
    let told = micros(history, op, op.reply());
    let shown = told.iter().filter(|micro| is(micro, "poll")).filter_map(|micro| micro.get(1)?.as_map());
    let rows = shown.flatten().map(|(partition, records)| {
        let row = |record: &Value| {
            let (offset, value) = record.as_pair()?;
            Some((partition.clone(), offset.as_int()?, value.clone()))
        };
        records.as_list().unwrap_or_default().iter().filter_map(row).collect()
    });
    rows.collect()
}

fn polled(history: &History, op: &Operation) -> Vec<Row> {
    polls(history, op).concat()
}

/// Every record whose place an operation was told.
fn told(history: &History, op: &Operation) -> Vec<Row> {
    let sent = sends(history, op)
        .into_iter()
        .filter_map(|(partition, offset, value)| Some((partition, offset?, value)));
    sent.chain(polled(history, op)).collect()
}

fn conflict(history: &History, named: &[&Operation]) -> bool {
    let rows: Vec<Row> = named.iter().flat_map(|op| told(history, op)).collect();
    rows.iter().any(|one| rows.iter().any(|other| (&one.0, one.1) == (&other.0, other.1) && one.2 != other.2))
}

/// Sends of a value that did not fail.
fn possible<'h>(history: &'h History, partition: &str, value: &Value) -> Vec<&'h Operation> {
    let sends_it = |op: &&Operation| {
        op.outcome != Outcome::Fail
            && sends(history, op).iter().any(|(to, _, sent)| to == partition && sent == value)
    };
    history.operations().iter().filter(sends_it).collect()
}

fn sent_by_then(history: &History, poll: &Operation, (partition, _, value): &Row) -> bool {
    possible(history, partition, value).iter().any(|send| send.invoked <= poll.completed)
}

fn doubled(history: &History, named: &[&Operation]) -> bool {
    let rows: Vec<Row> = named.iter().flat_map(|op| told(history, op)).collect();
    rows.iter().any(|(partition, _, value)| {
        let same = rows.iter().filter(|row| row.0 == *partition && row.2 == *value);
        let offsets: BTreeSet<i64> = same.map(|row| row.1).collect();
        let times = |op: &&Operation| {
            let sent = sends(history, op).into_iter();
            sent.filter(|(to, _, sent)| to == partition && sent == value).count()
        };
        offsets.len() > possible(history, partition, value).iter().map(times).sum()
    })
}

/// A client sent one record, of which it was told, before it sent another, which stands before it.
fn producer(history: &History, named: &[&Operation]) -> bool {
    let rows: Vec<Row> = named.iter().flat_map(|op| told(history, op)).collect();
    let offset = |partition: &str, value: &Value, own: Option<i64>| {
        let shown = || rows.iter().find(|row| row.0 == partition && row.2 == *value).map(|row| row.1);
        own.or_else(|| shown().filter(|_| possible(history, partition, value).len() == 1))
    };
    let sent = |op: &Operation| -> Vec<(String, i64)> {
        let known = sends(history, op).into_iter();
        known.filter_map(|(to, own, value)| Some((to.clone(), offset(&to, &value, own)?))).collect()
    };
    let pairs = named.iter().flat_map(|one| named.iter().map(move |other| (*one, *other)));
    pairs.into_iter().any(|(one, other)| {
        let (first, second) = (sent(one), sent(other));
        let same = one.call_event == other.call_event;
        let before = one.is_ok() && one.process == other.process && one.call_event < other.call_event;
        first.iter().enumerate().any(|(i, (to, at))| {
            second.iter().enumerate().any(|(j, (also_to, then))| {
                to == also_to && at > then && (before || same && i < j) && other.outcome != Outcome::Fail
            })
        })
    })
}

/// What one consumer was shown one after another, with nothing between that moved it.
fn follows(history: &History, one: &Operation, other: &Operation) -> bool {
    if one.call_event == other.call_event {
        return true;
    }
    let mut assigned = false;
    let mut between = true;
    for op in history.operations().iter().filter(|op| op.process == one.process) {
        let moves = matches!(op.function.name(), "assign" | "subscribe" | "crash" | "seek");
        if op.call_event < one.call_event {
            let to = moves && op.is_ok() && op.function.name() != "subscribe";
            assigned = if moves { to } else { assigned };
        } else if op.call_event > one.call_event && op.call_event < other.call_event {
            between &= !moves && op.is_ok();
        }
    }
    one.process == other.process && one.call_event < other.call_event && assigned && between
}

/// Neighbours among what a consumer was shown of one partition: in one poll, or in polls that follow each other.
fn neighbours(history: &History, named: &[&Operation]) -> Vec<(Row, Row)> {
    let mut found = Vec::new();
    for op in named {
        for poll in polls(history, op) {
            found.extend(poll.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())));
        }
    }
    for one in named {
        for other in named.iter().filter(|other| follows(history, one, other)) {
            found.extend(across(history, one, other));
        }
    }
    found
}

/// The last row of one operation's polls of a partition and the first of the next polls', where no operation between shows
/// that partition.
fn across(history: &History, one: &Operation, other: &Operation) -> Vec<(Row, Row)> {
    if one.call_event == other.call_event {
        // Several polls in one transaction.
        let all = polls(history, one);
        let is_assigned = || {
            let mut before = history.operations().iter().filter(|op| {
                op.process == one.process
                    && op.call_event < one.call_event
                    && matches!(op.function.name(), "assign" | "subscribe" | "crash" | "seek")
            });
            before.next_back().is_some_and(|op| op.is_ok() && op.function.name() != "subscribe")
        };
        let pairs = all.iter().enumerate().filter_map(|(i, poll)| {
            let next = all[i + 1..]
                .iter()
                .find(|next| next.first().map(|row| &row.0) == poll.first().map(|row| &row.0));
            Some((poll.last()?.clone(), next?.first()?.clone()))
        });
        return if is_assigned() { pairs.collect() } else { Vec::new() };
    }
    let between: BTreeSet<String> = history
        .operations()
        .iter()
        .filter(|op| {
            op.process == one.process && op.call_event > one.call_event && op.call_event < other.call_event
        })
        .flat_map(|op| polled(history, op))
        .map(|row| row.0)
        .collect();
    let (first, second) = (polled(history, one), polled(history, other));
    let partitions: BTreeSet<&String> = first.iter().map(|row| &row.0).collect();
    partitions
        .into_iter()
        .filter(|partition| !between.contains(*partition))
        .filter_map(|partition| {
            let last = first.iter().rfind(|row| row.0 == *partition)?;
            Some((last.clone(), second.iter().find(|row| row.0 == *partition)?.clone()))
        })
        .collect()
}

fn consumer(history: &History, named: &[&Operation]) -> bool {
    neighbours(history, named).iter().any(|(one, next)| next.1 <= one.1)
}

fn skipped(history: &History, named: &[&Operation]) -> bool {
    let known: Vec<Row> = named.iter().flat_map(|op| told(history, op)).collect();
    neighbours(history, named).iter().any(|(one, next)| {
        known.iter().any(|(partition, offset, _)| *partition == one.0 && one.1 < *offset && *offset < next.1)
    })
}

/// It was acknowledged at an offset before one that was polled, and nothing that polled shows it or may have.
fn lost(history: &History, send: &Operation) -> bool {
    let asks = |op: &Operation| micros(history, op, op.call()).iter().any(|micro| is(micro, "poll"));
    let polling = || history.operations().iter().filter(|op| op.function.name() == "poll" || asks(op));
    let rows: Vec<Row> = history.operations().iter().flat_map(|op| polled(history, op)).collect();
    let unknown = polling().any(|op| op.outcome == Outcome::Info);
    sends(history, send).iter().any(|(partition, offset, value)| {
        let of_partition = || rows.iter().filter(|row| row.0 == *partition);
        let is_acknowledged = send.is_ok() && offset.is_some();
        is_acknowledged
            && !unknown
            && !of_partition().any(|row| row.2 == *value)
            && of_partition().any(|row| Some(row.1) > *offset)
    })
}
