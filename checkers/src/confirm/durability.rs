//! What it means that a write is gone, one definition for each kind.
//!
//! It never looks at the searches' tables; everything is read from the history again.

use histories::{AnomalyKind, FaultStep, Function, History, KeyId, Node, Operation, Outcome, Value};

use crate::Anomaly;

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), String> {
    let Some(first) = anomaly.steps.first() else {
        return Err("no operation is named".into());
    };
    let key = anomaly.key;
    let gone = history.operation(first.operation);
    let finals = finals(history, key);
    if finals.is_empty() {
        return Err("nobody observed the key at the end".into());
    }
    match (anomaly.kind, &gone.function) {
        (AnomalyKind::PhantomRead, _) => phantom(history, key, gone),
        (AnomalyKind::Revived, _) => revived(gone, &finals),
        (AnomalyKind::Resurrected, Function::Remove) => {
            let added_before = history.operations().iter().all(|op| {
                !is_addition(op) || op.key != gone.key || op.call() != gone.call() || op.precedes(gone)
            });
            let there = finals.iter().all(|value| holds(value, gone.call()));
            if gone.is_ok() && there && added_before {
                Ok(())
            } else {
                Err("the element may be there".into())
            }
        }
        (_, Function::Add | Function::Append) => element(history, gone, &finals),
        _ => register(history, gone, &finals),
    }
}

/// The observation itself is named: something in it was never added.
fn phantom(history: &History, key: Option<KeyId>, seen: &Operation) -> Result<(), String> {
    let name = |key| history.key(key).as_str();
    let dump = seen.reply().as_map().filter(|_| seen.function == Function::Dump);
    let value = dump.and_then(|map| map.get(name(key?)));
    let elements = value.unwrap_or(seen.reply()).as_list().unwrap_or_default();
    let adds = |op: &Operation, element: &Value| {
        (op.key.is_none() || op.key == key)
            && !matches!(op.function, Function::Read | Function::ReadAll | Function::Dump | Function::Remove)
            && (!matches!(op.function, Function::Add | Function::Append) || op.call() == element)
    };
    let is_strange = |element: &&Value| !history.operations().iter().any(|op| adds(op, element));
    if seen.is_ok() && elements.iter().any(|element| is_strange(&element)) {
        Ok(())
    } else {
        Err("all of it was added, or may have been".into())
    }
}

fn revived(gone: &Operation, finals: &[&Value]) -> Result<(), String> {
    let there = finals.iter().any(|value| *value == written(gone) || holds(value, gone.call()));
    if gone.outcome == Outcome::Fail && there {
        Ok(())
    } else {
        Err("it did not fail, or is not there".into())
    }
}

fn element(history: &History, gone: &Operation, finals: &[&Value]) -> Result<(), String> {
    let on_element = || history.operations().iter().filter(|op| op.key == gone.key);
    let removed = on_element()
        .any(|op| op.function == Function::Remove && op.outcome != Outcome::Fail && op.call() == gone.call());
    let known = gone.is_ok()
        || on_element().any(|op| {
            op.is_ok()
                && matches!(op.function, Function::Read | Function::ReadAll)
                && holds(op.reply(), gone.call())
        });
    if removed || !known || finals.iter().any(|value| holds(value, gone.call())) {
        return Err("the element is there, was removed, or never was".into());
    }
    Ok(())
}

/// Everything that stands there at the end was in force before the lost write was invoked.
fn register(history: &History, gone: &Operation, finals: &[&Value]) -> Result<(), String> {
    let on_key = || history.operations().iter().filter(|op| op.key == gone.key);
    let shows = |op: &&Operation, value: &Value| match op.function {
        Function::Read => op.is_ok() && op.reply() == value,
        Function::Write | Function::Cas => op.outcome != Outcome::Fail && written(op) == value,
        _ => false,
    };
    let known = gone.is_ok() || on_key().any(|op| op.function == Function::Read && shows(&op, written(gone)));
    if !known {
        return Err("nobody knows that it happened".into());
    }
    for value in finals.iter().filter(|value| !value.is_null()) {
        let early = on_key().filter(|op| shows(op, value)).any(|op| op.precedes(gone));
        let failed_and_seen = on_key().any(|op| {
            op.function == Function::Cas
                && op.outcome == Outcome::Fail
                && op.reply() == *value
                && op.precedes(gone)
        });
        if *value == written(gone) || !(early || failed_and_seen) {
            return Err(format!("{value} may have replaced it"));
        }
    }
    Ok(())
}

fn written(op: &Operation) -> &Value {
    op.call().as_pair().filter(|_| op.function == Function::Cas).map_or(op.call(), |(_, to)| to)
}

fn is_addition(op: &Operation) -> bool {
    matches!(op.function, Function::Add | Function::Append) && op.outcome != Outcome::Fail
}

pub(super) fn holds(value: &Value, element: &Value) -> bool {
    value.as_list().is_some_and(|items| items.contains(element))
}

/// What each node's last dump, and each read that ended after the first of those began, shows of a key.
pub(super) fn finals(history: &History, key: Option<KeyId>) -> Vec<&Value> {
    let updates = history.operations().iter().filter(|op| {
        op.has_completion() && !matches!(op.function, Function::Read | Function::ReadAll | Function::Dump)
    });
    let last_update = updates.map(|op| op.completed).max();
    let heal = history
        .nemesis()
        .iter()
        .rfind(|event| matches!(FaultStep::from_op(&event.op), Some(FaultStep::Heal { applied: Some(_) })));
    let late: Vec<&Operation> = history
        .operations()
        .iter()
        .filter(|op| op.is_ok() && last_update.is_none_or(|time| time < op.invoked))
        .filter(|op| heal.is_none_or(|event| event.index < u64::from(op.call_event)))
        .collect();
    let is_dump = |op: &&&Operation| op.function == Function::Dump;
    let is_last = |op: &&&Operation| {
        late.iter().filter(is_dump).all(|other| other.node != op.node || other.call_event <= op.call_event)
    };
    let dumps: Vec<&Operation> = late.iter().filter(is_dump).filter(is_last).copied().collect();
    let began = dumps.iter().map(|op| op.invoked).min().unwrap_or_default();
    let whole = if dumps.is_empty() {
        is_read_everywhere(history, key, &late)
    } else {
        members(history).all(|node| dumps.iter().any(|op| op.node == Some(node)))
    };
    if !whole {
        return Vec::new();
    }
    let reads = late.iter().filter(|op| {
        op.key == key && matches!(op.function, Function::Read | Function::ReadAll) && op.completed >= began
    });
    let states = dumps.iter().filter_map(|op| op.reply().as_map());
    let dumped: Vec<Option<&Value>> = match key.map(|key| history.key(key).as_str()) {
        Some(name) => states.map(|state| state.get(name)).collect(),
        None => Vec::new(),
    };
    let kept =
        history.header.copies.is_some_and(|copies| dumped.iter().flatten().count() >= usize::from(copies));
    let absent = (!kept).then_some(&Value::Null);
    dumped.into_iter().filter_map(|value| value.or(absent)).chain(reads.map(|op| op.reply())).collect()
}

/// Whether a run that has no dumps came to its final reads of a key, as far as it tells: no update was left open, and
/// every node was asked for the key.
fn is_read_everywhere(history: &History, key: Option<KeyId>, late: &[&Operation]) -> bool {
    let is_read = |op: &Operation| matches!(op.function, Function::Read | Function::ReadAll);
    let is_open = |op: &Operation| !is_read(op) && op.function != Function::Dump && !op.has_completion();
    if history.operations().iter().any(is_open) {
        return false;
    }
    let asked = |node| late.iter().any(|op| is_read(op) && op.key == key && op.node == Some(node));
    history.operations().iter().all(|op| op.node.is_none()) || members(history).all(asked)
}

fn members(history: &History) -> impl Iterator<Item = Node> {
    let listed = history.header.nodes.len();
    history.nodes().map(|(node, _)| node).filter(move |node| listed == 0 || node.index() < listed)
}
