//! Less of a history: one key, or one stretch of time.
//!
//! It never leaves out what a later read may rest on.

use std::collections::BTreeSet;

use indexmap::IndexSet;

use super::ViewError;
use super::whole::Whole;
use crate::read::key_text;
use crate::{Function, Hints, History, Key, KeyId, Nanos, Operation, Outcome, Value, printable};

/// Keys that an error names.
const KNOWN_MAX: usize = 5;

/// Leaves the operations on one key, and of transactions and dumps what concerns it.
pub(super) fn to_key(history: &mut History, key: &str) -> Result<(), ViewError> {
    let wanted = history.key_id(&Key::from(key));
    if wanted.is_none() && !history.operations.iter().any(|operation| has_item_of(operation, key)) {
        return Err(unknown_key(history, key));
    }
    for operation in &mut history.operations {
        match operation.function {
            Function::Txn => {
                operation.say(items_of(operation.call(), key), items_of(operation.reply(), key));
            }
            Function::Dump => {
                if let Some(state) = operation.reply().as_map() {
                    let of_key = state.get(key).map(|value| (key.to_owned(), value.clone()));
                    operation.set_reply(Value::map(of_key));
                }
            }
            _ => {}
        }
    }
    let touches = |operation: &Operation| match operation.function {
        Function::Txn => operation.deeds().micros().is_some_and(|mut micros| micros.next().is_some()),
        _ => wanted.is_some() && operation.key == wanted,
    };
    retain(history, |operation| touches(operation) || operation.function == Function::Dump);
    Ok(())
}

fn unknown_key(history: &History, key: &str) -> ViewError {
    let items = history.operations.iter().filter(|operation| operation.function == Function::Txn);
    let items = items.flat_map(|operation| operation.deeds().as_list().unwrap_or_default());
    let of_items = items.filter_map(|item| item.as_list()?.get(1)).map(|key| key_text(key.clone()));
    let known = history.keys.iter().map(|key| key.as_str().to_owned()).chain(of_items);
    let known = known.collect::<IndexSet<_>>().into_iter().take(KNOWN_MAX + 1);
    let mut known: Vec<String> = known.map(|key| printable(&key).into_owned()).collect();
    if known.is_empty() {
        return ViewError::NoKeys;
    }
    if known.len() > KNOWN_MAX {
        known.truncate(KNOWN_MAX);
        known.push("…".to_owned());
    }
    ViewError::NoSuchKey { key: key.to_owned(), known: known.join(", ") }
}

fn has_item_of(operation: &Operation, key: &str) -> bool {
    let items = (operation.function == Function::Txn).then(|| items_of(operation.deeds(), key));
    items.is_some_and(|items| items.as_list().is_some_and(|items| !items.is_empty()))
}

fn items_of(items: &Value, key: &str) -> Value {
    let Some(list) = items.as_list() else { return items.clone() };
    let of_key = |item: &&Value| match item.as_list() {
        Some([_, of, _]) => key_text(of.clone()) == key,
        _ => false,
    };
    Value::list(list.iter().filter(of_key).cloned()).compact()
}

/// Ends the history. Of what was open then, nobody learns how it came out; and what was to change state later may yet happen,
/// for a model without real time lets earlier reads see it.
pub(super) fn end_at(history: &mut History, to: Nanos) {
    let mut open = BTreeSet::new();
    let mut cut = history.nemesis.iter().any(|event| event.time > to);
    for (id, operation) in (0..).zip(&mut history.operations) {
        let later = operation.invoked > to;
        let open_then = !later && operation.has_completion() && operation.completed > to;
        cut |= later;
        if open_then || later && operation.outcome != Outcome::Fail {
            operation.outcome = Outcome::Info;
            operation.set_reply(Value::Null);
            operation.completed = Nanos::MAX;
            operation.reply_event = u32::MAX;
            let code = history.hints.encode(id, Hints::NONE);
            (operation.hint_version, operation.hint_source) = (code.version, code.source);
            open.insert(id);
        }
    }
    if cut || !open.is_empty() {
        Whole::note(history).cut_at = Some(to);
    }
    history.errors.forget(&open);
    history.nemesis.retain(|event| event.time <= to);
    retain(history, |operation| {
        operation.invoked <= to || operation.outcome == Outcome::Info && !only_reads(operation)
    });
}

/// Leaves out the reads that ended before; of those that nobody saw answered, those that were called before.
pub(super) fn read_from(history: &mut History, from: Nanos) {
    Whole::note(history).from = from;
    retain(history, |operation| {
        let last = if operation.is_ok() { operation.returned() } else { operation.invoked };
        !only_reads(operation) || operation.function == Function::Dump || last >= from
    });
}

fn only_reads(operation: &Operation) -> bool {
    match operation.function {
        Function::Read | Function::ReadAll | Function::Dump => true,
        Function::Txn => operation
            .deeds()
            .micros()
            .is_some_and(|mut micros| micros.all(|micro| micro.is_ok_and(|micro| micro.function == "r"))),
        _ => false,
    }
}

/// Leaves the operations that `keep` likes, with keys and what stands beside operations numbered anew.
fn retain(history: &mut History, keep: impl Fn(&Operation) -> bool) {
    let kept: Vec<u32> =
        (0..).zip(&history.operations).filter(|(_, operation)| keep(operation)).map(|(id, _)| id).collect();
    if kept.len() == history.operations.len() {
        return;
    }
    history.operations.retain(|operation| keep(operation));
    history.errors.renumber(&kept);
    history.hints.renumber(&kept);
    let mut keys = IndexSet::default();
    for operation in &mut history.operations {
        let key = operation.key.map(|key| history.keys[key.index()].clone());
        operation.key = key.map(|key| KeyId::new(keys.insert_full(key).0 as u32));
    }
    history.keys = keys;
}
