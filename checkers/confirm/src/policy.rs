//! What concurrent updates came to, read from the history again by the definitions.
//!
//! It never follows a context or a stamp further than the operations that an anomaly names.

use std::collections::BTreeSet;

use finding::Anomaly;
use histories::{AnomalyKind, Function, History, Nanos, Operation, Outcome, Value};

use super::Unconfirmed;
use super::durability::{deciding, holds};

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    let named: Vec<&Operation> = anomaly.witness.operations.iter().map(|&id| history.operation(id)).collect();
    let (Some(&first), Some(&last)) = (named.first(), named.last()) else {
        return Err("the witness is empty".into());
    };
    let shown = match (anomaly.kind, &first.function) {
        (AnomalyKind::WrongSum, _) => return super::rules::wrong_sum(history, first),
        (AnomalyKind::LostWrite, Function::Add) => lost(history, first),
        (AnomalyKind::Resurrected, Function::Remove) => resurrected(history, first),
        (AnomalyKind::OverwrittenByOlder, _) => {
            is_left(history, first)
                && (has_the_larger_stamp(history, anomaly) || leads_on(&named[..named.len() - 1]))
        }
        (AnomalyKind::PhantomRead | AnomalyKind::AbortedRead | AnomalyKind::FutureRead, _) => named
            .iter()
            .any(|op| shows_too_early(history, anomaly, op) || shows_unadded(history, anomaly, op)),
        (AnomalyKind::DroppedSibling, _) => dropped(history, first, last),
        (AnomalyKind::ReplacedSibling, _) => replaced(history, &named),
        _ => false,
    };
    if shown { Ok(()) } else { Err(format!("the operations show no {}", anomaly.kind).into()) }
}

/// Every remove of the element had ended before this addition began, and nothing that is left shows it.
fn lost(history: &History, add: &Operation) -> bool {
    let Some(key) = add.key else { return false };
    let removes = history.operations().iter().filter(|op| {
        op.function == Function::Remove
            && op.key == add.key
            && op.call() == add.call()
            && op.outcome != Outcome::Fail
    });
    let left = deciding(history, Some(key));
    add.is_ok()
        && removes.into_iter().all(|remove| remove.precedes(add))
        && !left.is_empty()
        && !left.iter().any(|value| holds(value, add.call()))
}

/// All that is left shows the element, though a session that removed it had seen each addition: made it itself, or read
/// it when no other can have been there.
fn resurrected(history: &History, remove: &Operation) -> bool {
    let Some(key) = remove.key else { return false };
    let on_element =
        |op: &&Operation| op.key == remove.key && op.call() == remove.call() && op.outcome != Outcome::Fail;
    let all = |function: Function| {
        history.operations().iter().filter(on_element).filter(move |op| op.function == function)
    };
    let sights = || {
        history.operations().iter().filter(|op| {
            op.is_ok() && op.key == remove.key && op.call().is_null() && holds(op.reply(), remove.call())
        })
    };
    let came_from = |read: &Operation, add: &Operation| {
        all(Function::Add)
            .filter(|other| other.invoked <= read.completed)
            .all(|other| other.call_event == add.call_event)
    };
    let covered = |add: &Operation| {
        all(Function::Remove).filter(|remove| remove.is_ok()).any(|remove| {
            let earlier = |op: &Operation| op.process == remove.process && op.call_event < remove.call_event;
            (add.is_ok() && earlier(add)) || sights().any(|read| earlier(read) && came_from(read, add))
        })
    };
    let left = deciding(history, Some(key));
    remove.is_ok()
        && all(Function::Add).all(covered)
        && !left.is_empty()
        && left.iter().all(|value| holds(value, remove.call()))
}

fn written(op: &Operation) -> Option<&Value> {
    match op.function {
        _ if op.outcome == Outcome::Fail => None,
        Function::Write => Some(op.call()),
        Function::Cas => op.call().as_pair().map(|(_, to)| to),
        _ => None,
    }
}

fn is_left(history: &History, write: &Operation) -> bool {
    let Some(key) = write.key else { return false };
    let left = deciding(history, Some(key));
    !left.is_empty() && left.iter().all(|value| Some(*value) == written(write))
}

/// Each ran before the next in its session, or was read by it, and the last wrote the first one's key.
fn leads_on(path: &[&Operation]) -> bool {
    let (Some(first), Some(last)) = (path.first(), path.last()) else { return false };
    let read = |op: &Operation| match op.function {
        Function::Read if op.is_ok() => Some(op.reply().clone()),
        Function::Cas if op.outcome == Outcome::Fail && !op.reply().is_null() => Some(op.reply().clone()),
        Function::Cas if op.outcome != Outcome::Fail => op.call().as_pair().map(|(from, _)| from.clone()),
        _ => None,
    };
    let follows = |pair: &[&Operation]| {
        let (one, next) = (pair[0], pair[1]);
        let session =
            one.process == next.process && one.call_event < next.call_event && one.outcome != Outcome::Info;
        let read_it =
            one.key == next.key && written(one).is_some_and(|value| read(next).as_ref() == Some(value));
        session || read_it
    };
    path.len() > 1 && first.key == last.key && written(last).is_some() && path.windows(2).all(follows)
}

fn has_the_larger_stamp(history: &History, anomaly: &Anomaly) -> bool {
    let [left, winner, ..] = anomaly.witness.operations[..] else { return false };
    let stamp = |id| {
        let (op, hints) = (history.operation(id), history.hints(id));
        op.is_ok().then_some((hints.version?, hints.served_by.or(op.node)?))
    };
    let on_one_key = history.operation(left).key == history.operation(winner).key;
    on_one_key
        && history.header.conflict == Some(histories::Conflict::Lww)
        && stamp(left).zip(stamp(winner)).is_some_and(|(left, winner)| left < winner)
}

/// The siblings or elements that an observation shows.
fn shown(history: &History, key: Option<histories::KeyId>, op: &Operation) -> Vec<Value> {
    let name = key.map(|key| history.key(key).as_str());
    let value = match op.function {
        Function::Dump => name.and_then(|name| op.reply().as_map()?.get(name)),
        _ => Some(op.reply()),
    };
    value.and_then(Value::as_list).unwrap_or_default().to_vec()
}

fn writes(history: &History, key: Option<histories::KeyId>) -> Vec<(&Operation, &[Value], &Value)> {
    let of_key = history
        .operations()
        .iter()
        .filter(|op| op.function == Function::Replace && op.key == key && op.outcome != Outcome::Fail);
    of_key
        .filter_map(|op| op.call().as_pair().and_then(|(quoted, value)| Some((op, quoted.as_list()?, value))))
        .collect()
}

/// What a write replaced: what it quoted, and what those had replaced.
fn past(history: &History, key: Option<histories::KeyId>, quoted: &[Value]) -> BTreeSet<Value> {
    let writes = writes(history, key);
    let mut past: BTreeSet<Value> = quoted.iter().cloned().collect();
    loop {
        let further =
            writes.iter().filter(|(_, _, value)| past.contains(value)).flat_map(|(_, quoted, _)| *quoted);
        let more: Vec<Value> = further.filter(|value| !past.contains(value)).cloned().collect();
        if more.is_empty() {
            return past;
        }
        past.extend(more);
    }
}

fn shows_too_early(history: &History, anomaly: &Anomaly, op: &Operation) -> bool {
    if op.function == Function::Replace {
        return false;
    }
    let writes = writes(history, anomaly.key);
    let begun = |value: &Value| {
        writes.iter().any(|(write, _, written)| *written == value && write.invoked <= op.completed)
    };
    shown(history, anomaly.key, op).iter().any(|value| !begun(value))
}

/// The read shows an element of a set although no addition of it had begun when the read ended.
fn shows_unadded(history: &History, anomaly: &Anomaly, read: &Operation) -> bool {
    let key = anomaly.key;
    let all = || history.operations().iter();
    let of_key = |function: Function| all().filter(move |op| op.function == function && op.key == key);
    let is_set = all().any(|op| op.function == Function::Remove)
        && of_key(Function::Add).chain(of_key(Function::Remove)).next().is_some();
    let begun = |element: &Value| {
        of_key(Function::Add)
            .any(|add| add.outcome != Outcome::Fail && add.call() == element && add.invoked <= read.completed)
    };
    let looks = match read.function {
        Function::Dump => true,
        Function::Read | Function::ReadAll => read.key == key,
        _ => false,
    };
    is_set && read.is_ok() && looks && shown(history, key, read).iter().any(|element| !begun(element))
}

/// A version that a session knew, or that is known at all where the sight is one of the end, is neither there nor
/// replaced by what is there, nor by a write that leaves nothing behind.
fn dropped(history: &History, write: &Operation, sight: &Operation) -> bool {
    let (key, there) = (write.key, shown(history, write.key, sight));
    let Some((_, version)) = write.call().as_pair() else { return false };
    let all = writes(history, key);
    let by_those = all.iter().filter(|(_, _, value)| there.contains(value));
    let removals = all.iter().filter(|(op, quoted, value)| {
        value.is_null()
            && op.invoked <= sight.completed
            && past(history, key, quoted).iter().all(|replaced| !there.contains(replaced))
    });
    let explained =
        by_those.chain(removals).any(|(_, quoted, _)| past(history, key, quoted).contains(version));
    let reads =
        || history.operations().iter().filter(|op| op.is_ok() && op.key == key && op.call().is_null());
    let showed = |op: &&Operation| shown(history, key, op).contains(version);
    let of_session = (write.is_ok() && write.process == sight.process && write.call_event < sight.call_event)
        || reads()
            .filter(|op| op.process == sight.process && op.call_event < sight.call_event)
            .any(|op| showed(&op));
    let at_end = (write.is_ok() || reads().any(|op| showed(&op))) && sight.invoked > last_update(history);
    !there.contains(version) && !explained && (of_session || at_end)
}

fn last_update(history: &History) -> Nanos {
    history.last_update().unwrap_or_default()
}

/// A version is there that a write had replaced, which is there as well, or is known to have happened where the sight is
/// one of the end.
fn replaced(history: &History, named: &[&Operation]) -> bool {
    let [old, by, sight] = named else { return false };
    let there = shown(history, old.key, sight);
    let (Some((_, version)), Some((quoted, value))) = (old.call().as_pair(), by.call().as_pair()) else {
        return false;
    };
    let quotes = past(history, old.key, quoted.as_list().unwrap_or_default()).contains(version);
    let seen = history.operations().iter().any(|op| {
        op.is_ok() && op.key == old.key && op.call().is_null() && shown(history, old.key, op).contains(value)
    });
    let happened = there.contains(value) || ((by.is_ok() || seen) && sight.invoked > last_update(history));
    old.key == by.key && there.contains(version) && quotes && happened
}
