//! What it means that a write is gone, one definition for each kind.
//!
//! It never looks at the searches' tables; everything is read from the history again.

use finding::Anomaly;
use histories::{
    AnomalyKind, FaultStep, Function, History, KeyId, ModelName, Nanos, Node, Operation, Outcome, Value,
};

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), String> {
    let Some(first) = anomaly.steps.first() else {
        return Err("no operation is named".into());
    };
    let key = anomaly.key;
    let gone = history.operation(first.operation);
    if anomaly.witness.model == ModelName::Set {
        return missing(history, anomaly, gone);
    }
    if history.cut_at().is_some() {
        return Err("the end is left out".into());
    }
    let ends = Ends::of(history, key);
    let finals = ends.values(history);
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
            if gone.is_ok() && added_before && is_back(history, &ends, gone) {
                Ok(())
            } else {
                Err("the element may be there".into())
            }
        }
        (_, Function::Add | Function::Append) => {
            let lacks = |op: &&&Operation| !holds(op.reply(), gone.call());
            let dumped = ends.dumps.iter().map(|op| op.invoked).min();
            let asked = ends.reads.iter().filter(lacks).map(|op| op.invoked).chain(dumped).max();
            element(history, &ends, gone, asked.unwrap_or_default())
        }
        _ => register(history, gone, &ends.deciding(history)),
    }
}

/// The observation itself is named: something in it was never added, or written.
fn phantom(history: &History, key: Option<KeyId>, seen: &Operation) -> Result<(), String> {
    let name = |key| history.key(key).as_str();
    let dump = seen.reply().as_map().filter(|_| seen.function == Function::Dump);
    let value = dump.and_then(|map| map.get(name(key?))).unwrap_or(seen.reply());
    let grows = |op: &Operation| matches!(op.function, Function::Add | Function::Append | Function::Remove);
    let shown = match value.as_list() {
        Some(elements) if history.operations().iter().any(|op| op.key == key && grows(op)) => {
            elements.to_vec()
        }
        _ => vec![value.clone()],
    };
    let puts = |op: &Operation, value: &Value| {
        let other = !matches!(op.function, Function::Write | Function::Cas) && !grows(op);
        (op.key.is_none() || op.key == key)
            && !op.function.only_looks()
            && op.function != Function::Remove
            && (other || written(op) == value)
    };
    let is_strange =
        |value: &Value| !value.is_null() && !history.operations().iter().any(|op| puts(op, value));
    if seen.is_ok() && shown.iter().any(is_strange) {
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

/// A read misses an element: it was known before, and no read that ended at or after its call shows it.
fn missing(history: &History, anomaly: &Anomaly, gone: &Operation) -> Result<(), String> {
    let mut named = anomaly.witness.operations.iter().map(|&id| history.operation(id));
    let Some(last) = named.next_back().filter(|op| op.is_ok() && op.function.only_looks()) else {
        return Err("no read is named".into());
    };
    let asked = last.invoked;
    let mut ends = Ends::of(history, gone.key);
    ends.whole = true;
    element(history, &ends, gone, asked)
}

/// What was asked for at some time lacked the element, though it was known; nothing shows it that ended since.
fn element(history: &History, ends: &Ends<'_>, gone: &Operation, asked: Nanos) -> Result<(), String> {
    let on_element = || history.operations().iter().filter(|op| op.key == gone.key);
    let removed = on_element()
        .any(|op| op.function == Function::Remove && op.outcome != Outcome::Fail && op.call() == gone.call());
    let shows = |op: &&Operation| op.is_ok() && op.function.is_read() && holds(op.reply(), gone.call());
    let known =
        gone.is_ok() && gone.completed < asked || on_element().filter(shows).any(|op| op.completed < asked);
    let later = on_element().filter(shows).any(|op| op.completed >= asked);
    let held = ends.held(history).into_iter().any(|value| holds(value, gone.call()));
    if removed || !known || later || held || !is_addition(gone) {
        return Err("the element is there, was removed, or never was".into());
    }
    Ok(())
}

/// All that nodes hold and reads showed has the element; or, without dumps, no read lacks it that ended at or after one that
/// shows it was called.
fn is_back(history: &History, ends: &Ends<'_>, removed: &Operation) -> bool {
    let element = removed.call();
    if !ends.dumps.is_empty() {
        return ends.values(history).iter().all(|value| holds(value, element));
    }
    let lacks = |op: &&Operation| {
        op.is_ok() && op.key == removed.key && op.function.is_read() && !holds(op.reply(), element)
    };
    let lacked = history.operations().iter().filter(lacks).map(|op| op.completed).max();
    ends.reads.iter().any(|op| holds(op.reply(), element) && Some(op.invoked) > lacked)
}

/// Everything that stands there at the end was in force before the lost write was invoked.
fn register(history: &History, gone: &Operation, finals: &[&Value]) -> Result<(), String> {
    let on_key = || history.operations().iter().filter(|op| op.key == gone.key);
    let shows = |op: &&Operation, value: &Value| match op.function {
        Function::Read => op.is_ok() && op.reply() == value,
        Function::Cas if op.seen().is_some() => op.reply() == value,
        Function::Write | Function::Cas => op.outcome != Outcome::Fail && written(op) == value,
        _ => false,
    };
    let looks = |op: &Operation| op.function == Function::Read || op.seen().is_some();
    let known = gone.is_ok() || on_key().any(|op| looks(op) && shows(&op, written(gone)));
    if !known {
        return Err("nobody knows that it happened".into());
    }
    for value in finals.iter().filter(|value| !value.is_null()) {
        let early = on_key().filter(|op| shows(op, value)).any(|op| op.precedes(gone));
        if *value == written(gone) || !early {
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

/// What decides about a key as a whole: what each node's last dump shows, and each read that ended after the first of those
/// began; without dumps what can have been read last.
pub(super) fn deciding(history: &History, key: Option<KeyId>) -> Vec<&Value> {
    Ends::of(history, key).deciding(history)
}

/// What was seen of a key once all was over.
struct Ends<'h> {
    key: Option<KeyId>,
    /// The last of each node.
    dumps: Vec<&'h Operation>,
    reads: Vec<&'h Operation>,
    /// Whether they tell the end: every node was dumped, or asked for the key.
    whole: bool,
}

impl<'h> Ends<'h> {
    fn of(history: &'h History, key: Option<KeyId>) -> Self {
        let heal = history.nemesis().iter().rfind(|event| {
            matches!(FaultStep::from_op(&event.op), Some(FaultStep::Heal { applied: Some(_) }))
        });
        let late: Vec<&Operation> = history
            .operations()
            .iter()
            .filter(|op| op.is_ok() && history.last_update().is_none_or(|time| time < op.invoked))
            .filter(|op| heal.is_none_or(|event| event.index < u64::from(op.call_event)))
            .collect();
        let is_dump = |op: &&&Operation| op.function == Function::Dump;
        let is_last = |op: &&&Operation| {
            late.iter()
                .filter(is_dump)
                .all(|other| other.node != op.node || other.call_event <= op.call_event)
        };
        let dumps: Vec<&Operation> = late.iter().filter(is_dump).filter(is_last).copied().collect();
        let began = dumps.iter().map(|op| op.invoked).min().unwrap_or_default();
        let whole = if dumps.is_empty() {
            is_read_everywhere(history, key, &late)
        } else {
            members(history).all(|node| dumps.iter().any(|op| op.node == Some(node)))
        };
        let is_read = |op: &&Operation| {
            op.key == key
                && op.function.is_read()
                && op.completed >= began
                && op.invoked >= history.seen_from()
        };
        Self { key, reads: late.iter().copied().filter(is_read).collect(), dumps, whole }
    }

    /// What nodes hold.
    fn held(&self, history: &'h History) -> Vec<&'h Value> {
        let states = self.dumps.iter().filter_map(|op| op.reply().as_map());
        let dumped: Vec<Option<&Value>> = match self.key.map(|key| history.key(key).as_str()) {
            Some(name) => states.map(|state| state.get(name)).collect(),
            None => Vec::new(),
        };
        let kept = history
            .header
            .copies
            .is_some_and(|copies| dumped.iter().flatten().count() >= usize::from(copies));
        let absent = (!kept).then_some(&Value::Null);
        dumped.into_iter().filter_map(|value| value.or(absent)).collect()
    }

    fn values(&self, history: &'h History) -> Vec<&'h Value> {
        let read = self.reads.iter().map(|op| op.reply());
        if self.whole { self.held(history).into_iter().chain(read).collect() } else { Vec::new() }
    }

    /// Everything where there are dumps, else what can have been read last.
    fn deciding(&self, history: &'h History) -> Vec<&'h Value> {
        if !self.dumps.is_empty() || !self.whole {
            return self.values(history);
        }
        let is_last = |op: &&&Operation| self.reads.iter().all(|other| other.invoked <= op.completed);
        self.reads.iter().filter(is_last).map(|op| op.reply()).collect()
    }
}

/// Whether a run that has no dumps came to its final reads of a key, as far as it tells: no update was left open, and
/// every node was asked for the key.
fn is_read_everywhere(history: &History, key: Option<KeyId>, late: &[&Operation]) -> bool {
    let is_read = |op: &Operation| op.function.is_read();
    let asked = |node| late.iter().any(|op| is_read(op) && op.key == key && op.node == Some(node));
    !history.has_open_update() && (!history.names_nodes() || members(history).all(asked))
}

fn members(history: &History) -> impl Iterator<Item = Node> {
    let listed = history.header.nodes.len();
    history.nodes().map(|(node, _)| node).filter(move |node| listed == 0 || node.index() < listed)
}
