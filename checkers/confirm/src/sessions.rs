//! A circle of demands, each made by one session: first it knew of one value, then it returned or wrote another.
//!
//! It never builds a graph; a witness is a list of pairs, and each pair is looked at by itself.

use finding::Anomaly;
use histories::{AnomalyKind, Function, History, ModelName, Operation, OperationId, Outcome, Value};

use super::Unconfirmed;

/// Which write an operation made or saw: none where it saw that there was none yet.
type Write = Option<OperationId>;

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    if matches!(anomaly.kind, AnomalyKind::PhantomRead | AnomalyKind::AbortedRead) {
        return super::linear::confirm(history, anomaly);
    }
    let model = anomaly.witness.model;
    let hops: Vec<(Write, Write)> = anomaly
        .witness
        .operations
        .chunks(2)
        .map(|pair| if let &[first, then] = pair { demand(history, model, first, then) } else { None })
        .collect::<Option<_>>()
        .ok_or("a pair of the witness demands nothing")?;
    let Some((last, _)) = hops.split_last() else { return Err("the witness is empty".into()) };
    if hops.len() == 1 && last.1.is_none() {
        return Ok(());
    }
    let closes = (0..hops.len()).all(|i| hops[i].1 == hops[(i + 1) % hops.len()].0);
    let proper = hops.len() > 1 || model == ModelName::WritesFollowReads;
    if closes && proper { Ok(()) } else { Err("the demands form no circle".into()) }
}

/// Which write has to be arbitrated before which, by what one session did in this order. None where nothing has to be,
/// or where it is not certain whose write was seen.
fn demand(
    history: &History,
    model: ModelName,
    first: OperationId,
    then: OperationId,
) -> Option<(Write, Write)> {
    let (a, b) = (history.operation(first), history.operation(then));
    let before = a.call_event < b.call_event;
    if a.process != b.process {
        return None;
    }
    let saw = |id| seen(history, id);
    let wrote = |id: OperationId| writes(history.operation(id)).map(|_| Some(id));
    let (from, to) = match model {
        ModelName::ReadYourWrites => (wrote(first).filter(|_| a.is_ok() && before)?, saw(then)?),
        ModelName::MonotonicReads => (saw(first).filter(|_| before)?, saw(then)?),
        ModelName::MonotonicWrites => (wrote(first).filter(|_| before)?, wrote(then)?),
        ModelName::WritesFollowReads => {
            // A compare-and-set reads before it writes.
            (saw(first).filter(|_| a.call_event <= b.call_event)?, wrote(then)?)
        }
        _ => return None,
    };
    let same_key =
        a.key == b.key || model == ModelName::WritesFollowReads || model == ModelName::MonotonicWrites;
    (same_key && from.is_some()).then_some((from, to))
}

/// Whose write an operation saw, where no other can have left what it saw.
fn seen(history: &History, id: OperationId) -> Option<Write> {
    let op = history.operation(id);
    let value = match (&op.function, op.outcome) {
        (Function::Read, Outcome::Ok) => op.reply(),
        (Function::Cas, Outcome::Fail) if op.seen().is_some() => op.reply(),
        (Function::Cas, Outcome::Ok | Outcome::Info) => op.call().as_pair().map(|(from, _)| from)?,
        _ => return None,
    };
    let wrote_it = |(other, made): &(OperationId, &Operation)| {
        *other != id && made.key == op.key && writes(made) == Some(value)
    };
    let mut writers = history.iter().filter(wrote_it).map(|(writer, _)| writer);
    match (writers.next(), writers.next()) {
        (None, _) if value.is_null() => Some(None),
        // Only its own write is left, which it cannot have seen.
        (None, _) if writes(op) == Some(value) => Some(Some(id)),
        (Some(writer), None) if !value.is_null() => Some(Some(writer)),
        _ => None,
    }
}

fn writes(op: &Operation) -> Option<&Value> {
    match (&op.function, op.outcome) {
        (_, Outcome::Fail) => None,
        (Function::Write, _) => Some(op.call()),
        (Function::Cas, _) => op.call().as_pair().map(|(_, to)| to),
        _ => None,
    }
}
