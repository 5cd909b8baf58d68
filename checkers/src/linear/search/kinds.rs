//! What the operations of a counterexample contradict, where it has a name: two holders of a lock, a stale read, an
//! element that no operation added.
//!
//! It never searches; where it has to know what an order would explain, it asks.

use histories::{AnomalyKind, Function, History, KeyId, ModelName, Operation, OperationId, Outcome, Value};

use crate::core::accesses::{self, Access};
use crate::core::anomaly::anomaly;
use crate::core::object::{Object, Part};
use crate::core::unexplained::without_writer;
use crate::core::wrong_sum;
use crate::{Anomaly, Side, Step, words};

/// The words for a counterexample.
pub(super) struct Told {
    pub(super) kind: AnomalyKind,
    pub(super) summary: String,
    pub(super) facts: Vec<String>,
    /// Steps that are told otherwise than as one operation among others.
    pub(super) steps: Vec<Step>,
}

/// Asks whether an order would explain everything if an operation had been called, or answered, at another time.
pub(super) trait Otherwise {
    fn explained_if(&self, operation: OperationId, side: Side) -> bool;
}

/// A name for what these operations contradict, if there is one.
pub(super) fn named(
    history: &History,
    part: &Part,
    kept: &[OperationId],
    otherwise: &impl Otherwise,
) -> Option<Told> {
    match part.object {
        Ok(Object::Mutex) => lock(history, kept),
        Ok(Object::Queue) => queue(history, kept),
        Ok(Object::Stack | Object::Transactions) | Err(_) => None,
        Ok(Object::Register | Object::Text | Object::List | Object::Set | Object::Counter | Object::Bank) => {
            stale(history, kept, otherwise)
        }
    }
}

/// A single operation that shows what nobody put there, or nobody yet.
pub(super) fn unwritten(history: &History, part: &Part, kept: &[OperationId]) -> Option<Anomaly> {
    let [seen] = *kept else { return None };
    let op = history.operation(seen);
    match part.object {
        Ok(Object::Transactions) => return unwritten_in_transaction(history, part, seen),
        Ok(Object::Counter) => return wrong_sum::wrong_read(history, seen, ModelName::Linearizable),
        _ => {}
    }
    let values: Vec<&Value> = match (&part.object, &op.function) {
        (Ok(Object::Register), Function::Cas) if op.seen().is_none() => vec![op.call().as_pair()?.0],
        (Ok(Object::Register), _) => vec![op.reply()],
        (Ok(Object::Set), _) => op.reply().as_list()?.iter().collect(),
        (Ok(Object::Queue | Object::Stack), _) => match op.reply().as_list() {
            Some(items) => items.iter().collect(),
            None => vec![op.reply()],
        },
        _ => return None,
    };
    values.into_iter().filter(|value| !value.is_null()).find_map(|value| {
        let writers = part.operations.iter().copied().filter(|&id| puts(history.operation(id), value));
        let (failed, may): (Vec<OperationId>, Vec<OperationId>) =
            writers.partition(|&id| history.operation(id).outcome == Outcome::Fail);
        let later = may.iter().copied().min_by_key(|&id| history.operation(id).invoked);
        let kind = match (later, failed.first()) {
            (Some(first), _) if op.precedes(history.operation(first)) => AnomalyKind::FutureRead,
            (Some(_), _) => return None,
            (None, Some(_)) => AnomalyKind::AbortedRead,
            (None, None) => AnomalyKind::PhantomRead,
        };
        let writer = later.or(failed.first().copied());
        if part.object == Ok(Object::Register) {
            return Some(without_writer(history, part.key, kind, seen, writer));
        }
        Some(strange_element(history, part.key, kind, (seen, value), writer))
    })
}

/// A read of a transaction that shows what no other wrote, or only one that failed, or one that began later.
fn unwritten_in_transaction(history: &History, part: &Part, seen: OperationId) -> Option<Anomaly> {
    let mut shown: Vec<(String, Value)> = Vec::new();
    let reader = history.operation(seen);
    let _ = accesses::each(reader, |access, target, value| {
        if access == Access::Read && !value.is_null() {
            shown.push((target.text(history), value.into_owned()));
        }
    });
    let writes = |id: OperationId, item: &(String, Value)| {
        let (op, mut writes) = (history.operation(id), false);
        let _ = accesses::each(op, |access, target, value| {
            writes |= access == Access::Write && *value == item.1 && target.text(history) == item.0;
        });
        writes
    };
    let aborted = |id: OperationId, item: &(String, Value)| {
        let mut writes = false;
        let _ = accesses::aborted(history.operation(id), |target, value| {
            writes |= *value == item.1 && target.text(history) == item.0;
        });
        writes
    };
    let is_unwritten = |item: &&(String, Value)| {
        let too_late = |id: OperationId| reader.precedes(history.operation(id));
        history.iter().all(|(id, _)| !writes(id, item) || too_late(id))
    };
    let item = shown.iter().find(is_unwritten)?;
    let later = history.iter().map(|(id, _)| id).find(|&id| writes(id, item));
    let failed = history.iter().map(|(id, _)| id).find(|&id| aborted(id, item)).filter(|_| later.is_none());
    let (key, value) = item;
    let read = format!("client {} read {key} = {value}", reader.process);
    let (kind, summary, fact) = match (later, failed) {
        (Some(id), _) => (
            AnomalyKind::FutureRead,
            format!("{read} before {} began", words::noun(history, id)),
            format!("nothing else wrote {value} to {key}"),
        ),
        (None, Some(id)) => (
            AnomalyKind::AbortedRead,
            format!("{read}, whose write had failed"),
            format!("{} certainly did not happen", words::noun(history, id)),
        ),
        (None, None) => (
            AnomalyKind::PhantomRead,
            format!("{read}, which nobody wrote"),
            format!("no operation writes {value} to {key}"),
        ),
    };
    let mut steps: Vec<Step> = Vec::new();
    steps.extend(later.map(|id| words::invoked(id, format!("wrote {value} only now"))));
    steps.extend(failed.iter().map(|&id| words::completed(history, id, format!("failed to write {value}"))));
    steps.push(words::completed(history, seen, format!("read {key} = {value}")));
    let mut anomaly = anomaly(kind, summary, part.key, steps, vec![fact], &[]);
    anomaly.witness.operations = vec![seen];
    Some(anomaly)
}

/// Whether an operation puts a value, or an element, in place.
fn puts(op: &Operation, value: &Value) -> bool {
    match (&op.function, op.function.name()) {
        (Function::Write | Function::Add | Function::Enqueue, _) | (_, "push") => op.call() == value,
        (Function::Cas, _) => op.call().as_pair().is_some_and(|(_, to)| to == value),
        _ => false,
    }
}

fn strange_element(
    history: &History,
    key: Option<KeyId>,
    kind: AnomalyKind,
    (seen, element): (OperationId, &Value),
    writer: Option<OperationId>,
) -> Anomaly {
    let name = words::key(history, key);
    let (told, element) = (words::clause(history, seen), words::brief(element));
    let mut steps = Vec::new();
    let noun = writer.map(|id| words::noun(history, id)).unwrap_or_default();
    let (summary, fact) = match kind {
        AnomalyKind::AbortedRead => {
            steps.extend(writer.map(|id| words::completed(history, id, "failed: it never happened")));
            (format!("{told}, though {noun} failed"), "what fails must never happen".to_owned())
        }
        AnomalyKind::FutureRead => {
            steps.extend(writer.map(|id| words::invoked(id, format!("put {element} in only now"))));
            (format!("{told} before {noun} began"), format!("nothing else put {element} in {name}"))
        }
        _ => (
            format!("{told}, and nobody ever put {element} in"),
            format!("no operation of the history puts {element} in {name}"),
        ),
    };
    steps.push(words::completed(history, seen, format!("shows {element}")));
    let mut anomaly = anomaly(kind, summary, key, steps, vec![fact], &[]);
    anomaly.witness.operations = vec![seen];
    anomaly
}

fn lock(history: &History, kept: &[OperationId]) -> Option<Told> {
    let op = |id: OperationId| history.operation(id);
    let is = |id: &OperationId, function: Function| op(*id).function == function;
    let [first, second] = *kept else { return None };
    if ![first, second].iter().all(|id| is(id, Function::Acquire)) {
        return None;
    }
    let (first, second) =
        if op(second).returned() < op(first).returned() { (second, first) } else { (first, second) };
    let (holder, taker) = (op(first).process, op(second).process);
    let lock = words::key(history, op(first).key);
    let released = history.iter().map(|(id, _)| id).find(|id| {
        is(id, Function::Release)
            && op(*id).outcome != Outcome::Fail
            && op(*id).process == holder
            && op(*id).key == op(first).key
            && op(first).precedes(op(*id))
    });
    let mut steps = vec![
        words::completed(history, first, format!("held {lock} from here on")),
        words::completed(history, second, "was given it all the same"),
    ];
    steps.extend(released.map(|id| words::invoked(id, "gave it back only now")));
    Some(Told {
        kind: AnomalyKind::TwoHolders,
        summary: if holder == taker {
            format!("client {taker} acquired {lock} again before it had released it")
        } else {
            format!("client {taker} acquired {lock} while client {holder} held it")
        },
        facts: vec![match released {
            Some(_) => {
                format!("client {holder} had not begun to release it, and no other release was under way")
            }
            None => format!("client {holder} never released it, and no other release was under way"),
        }],
        steps,
    })
}

/// The four ways in which unique elements of a queue contradict each other.
fn queue(history: &History, kept: &[OperationId]) -> Option<Told> {
    let op = |id: OperationId| history.operation(id);
    let takes = |id: &OperationId| op(*id).is_ok() && op(*id).function != Function::Enqueue;
    let (mut taken, put): (Vec<OperationId>, Vec<OperationId>) = kept.iter().copied().partition(takes);
    taken.sort_by_key(|&id| (op(id).returned(), id));
    let told =
        |kind, summary: String, fact: String| Told { kind, summary, facts: vec![fact], steps: Vec::new() };
    let (&last, others) = taken.split_last()?;
    let clause = words::clause(history, last);
    let element = |id: OperationId| words::told(op(id));
    let empty = taken.iter().copied().find(|&id| op(id).reply().is_null());
    Some(match (put.as_slice(), others, empty) {
        (_, _, Some(empty)) => {
            let held = put.iter().filter(|&&id| op(id).precedes(op(empty))).map(|&id| element(id));
            let held = held.collect::<Vec<_>>().join(", ");
            told(
                AnomalyKind::NotLinearizable,
                format!(
                    "{}, though at every moment of it something was in it",
                    words::clause(history, empty)
                ),
                format!("of {held} there was always one that had been put in and not yet been taken out"),
            )
        }
        ([put], [first], None) if op(*first).reply() == op(last).reply() => told(
            AnomalyKind::DuplicateElement,
            format!("{clause}, which client {} had dequeued as well", op(*first).process),
            format!("{} was put in once, by client {}", element(*put), op(*put).process),
        ),
        ([put], [], None) if op(last).precedes(op(*put)) => told(
            AnomalyKind::FutureRead,
            format!("{clause} before {} began", words::noun(history, *put)),
            format!("nothing else put {} in", element(*put)),
        ),
        ([first, second], _, None) => {
            let (first, second) =
                if op(*first).precedes(op(*second)) { (first, second) } else { (second, first) };
            if !op(*first).precedes(op(*second)) {
                return None;
            }
            let (one, other) = (element(*first), element(*second));
            told(
                AnomalyKind::NotLinearizable,
                format!("{other} was taken out before {one}, though {one} was put in first"),
                format!(
                    "what is put in first comes out first: {} began after {}",
                    words::short(history, *second),
                    words::done(history, *first)
                ),
            )
        }
        _ => return None,
    })
}

/// A read that would have been right earlier, or later.
fn stale(history: &History, kept: &[OperationId], otherwise: &impl Otherwise) -> Option<Told> {
    let op = |id: OperationId| history.operation(id);
    let looks = |id: &OperationId| op(*id).function.is_read() && op(*id).is_ok() || op(*id).seen().is_some();
    let mut reads: Vec<OperationId> = kept.iter().copied().filter(looks).collect();
    reads.sort_by_key(|&id| std::cmp::Reverse((op(id).returned(), id)));
    // What changed the object says more than another read that saw the change.
    let weight = |id: &OperationId| (!looks(id), op(*id).invoked, *id);
    reads.into_iter().find_map(|read| {
        let told = words::clause(history, read);
        let newer = kept.iter().copied().filter(|&id| op(id).precedes(op(read))).max_by_key(weight);
        if let Some(newer) = newer
            && otherwise.explained_if(read, Side::Invoked)
        {
            let done = words::done(history, newer);
            let after = if looks(&newer) {
                done.clone()
            } else {
                format!("{} was acknowledged", words::noun(history, newer))
            };
            return Some(Told {
                kind: AnomalyKind::StaleRead,
                summary: format!("{told} after {after}"),
                facts: vec![format!(
                    "what it saw was right only before: {} began after {done}",
                    words::short(history, read)
                )],
                steps: Vec::new(),
            });
        }
        let later = kept.iter().copied().filter(|&id| op(read).precedes(op(id))).min_by_key(weight)?;
        (!looks(&later) && otherwise.explained_if(read, Side::Completed)).then(|| Told {
            kind: AnomalyKind::FutureRead,
            summary: format!("{told} before {} began", words::noun(history, later)),
            facts: vec![format!("what it saw became right only later, by {}", words::short(history, later))],
            steps: Vec::new(),
        })
    })
}
