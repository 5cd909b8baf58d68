//! Reads that no write explains: of a value nobody wrote, of a failed write, of a write that began later.
//!
//! It never looks at how values relate to each other.

use histories::{AnomalyKind, Function, History, Operation, OperationId, Outcome};

use super::anomaly::anomaly;
use super::registers::{NONE, Register};
use crate::{Anomaly, words};

/// A read without a possible writer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unexplained {
    pub(crate) row: u32,
    pub(crate) kind: AnomalyKind,
}

/// What may excuse a write for not explaining a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The write began too late.
    RealTime,
    /// Only that there is none.
    None,
}

/// The one of them that completes first.
pub(crate) fn unexplained(register: &Register, order: Order) -> Option<Unexplained> {
    let mut first: Option<(i64, Unexplained)> = None;
    let mut found = |time: i64, new: Unexplained| {
        if first.is_none_or(|(old, _)| time < old) {
            first = Some((time, new));
        }
    };
    for (value, zone) in register.zones.iter().enumerate().skip(1) {
        let writer = register.writers[value];
        if zone.first_row == NONE {
            continue;
        }
        if writer == NONE {
            let kind = unwritten(register, value as u32);
            found(zone.first_return, Unexplained { row: zone.first_row, kind });
        } else if order == Order::RealTime && zone.first_return < register.rows[writer as usize].call {
            found(zone.first_return, Unexplained { row: zone.first_row, kind: AnomalyKind::FutureRead });
        }
    }
    first.map(|(_, unexplained)| unexplained)
}

pub(crate) fn unwritten(register: &Register, value: u32) -> AnomalyKind {
    if register.failed.contains_key(&value) { AnomalyKind::AbortedRead } else { AnomalyKind::PhantomRead }
}

pub(crate) fn explain(history: &History, register: &Register, unexplained: Unexplained) -> Anomaly {
    let row = register.rows[unexplained.row as usize];
    let writer = match unexplained.kind {
        AnomalyKind::AbortedRead => register.failed.get(&row.value).copied(),
        AnomalyKind::FutureRead => {
            Some(register.rows[register.writers[row.value as usize] as usize].operation)
        }
        _ => None,
    };
    without_writer(history, register.key, unexplained.kind, row.operation, writer)
}

/// The anomaly of an operation that shows a register's value which no operation wrote, or only a write that failed.
pub(crate) fn unwritten_value(history: &History, seen: OperationId) -> Option<Anomaly> {
    let op = history.operation(seen);
    let value = match (&op.function, op.outcome) {
        (Function::Read, Outcome::Ok) => op.reply(),
        (Function::Cas, Outcome::Fail) => op.seen()?,
        (Function::Cas, _) => op.call().as_pair()?.0,
        _ => return None,
    };
    let writes = |op: &Operation| match op.function {
        Function::Write => op.call() == value,
        Function::Cas => op.call().as_pair().is_some_and(|(_, to)| to == value),
        _ => false,
    };
    let writers = || history.iter().filter(|(_, other)| other.key == op.key && writes(other));
    if value.is_null() || writers().any(|(_, op)| op.outcome != Outcome::Fail) {
        return None;
    }
    let failed = writers().map(|(id, _)| id).next();
    let kind = if failed.is_some() { AnomalyKind::AbortedRead } else { AnomalyKind::PhantomRead };
    Some(without_writer(history, op.key, kind, seen, failed))
}

/// `seen` shows a value; `writer` is the failed or later write of it, if any.
pub(crate) fn without_writer(
    history: &History,
    key: Option<histories::KeyId>,
    kind: AnomalyKind,
    seen: OperationId,
    writer: Option<OperationId>,
) -> Anomaly {
    let op = &*history.as_recorded(seen);
    let cas = op.call().as_pair().filter(|_| op.function == Function::Cas && op.seen().is_none());
    let value = cas.map_or_else(|| op.reply().clone(), |(from, _)| from.clone());
    let name = words::key(history, key);
    let told = match cas {
        Some((_, to)) => format!("client {} changed {name} to {to} from {value}", op.process),
        None => words::clause(history, seen),
    };
    let mut steps = Vec::new();
    let (summary, fact) = match (kind, writer) {
        (AnomalyKind::AbortedRead, Some(writer)) => {
            steps.push(words::completed(history, writer, "failed: it never happened"));
            let noun = words::noun(history, writer);
            (format!("{told}, though {noun} failed"), format!("only that write could have written {value}"))
        }
        (AnomalyKind::FutureRead, Some(writer)) => {
            let noun = words::noun(history, writer);
            steps.push(words::invoked(writer, format!("wrote {value} only now")));
            (format!("{told} before {noun} began"), format!("nobody else wrote {value} to {name}"))
        }
        _ => (
            format!("{told}, which nobody wrote"),
            format!("no operation in the history writes {value} to {name}"),
        ),
    };
    steps.push(words::completed(history, seen, format!("saw {value}")));
    let mut anomaly = anomaly(kind, summary, key, steps, vec![fact], &[]);
    if kind == AnomalyKind::AbortedRead {
        // It is told, but what did not happen proves nothing.
        anomaly.witness.operations.retain(|&id| id == seen || Some(id) != writer);
    }
    anomaly
}

/// A compare-and-set that replaced a value which nobody wrote.
pub(crate) fn explain_cas(history: &History, register: &Register, unexplained: Unexplained) -> Anomaly {
    let row = register.rows[unexplained.row as usize];
    let failed = register.failed.get(&row.from).copied();
    without_writer(history, register.key, unexplained.kind, row.operation, failed)
}
