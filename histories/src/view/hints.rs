//! What would change everything about a history, were it said: options that a person may have forgotten.
//!
//! A hint decides nothing. It is given where all operations of a history agree with it, and silence would let a verdict
//! stand on a misunderstanding.

use rustc_hash::{FxHashMap, FxHashSet};

use super::Object;
use crate::{Function, History, KeyId, Nanos, Operation, Value};

/// Whether every value is a tuple of a key and a value, as Jepsen's independent keys have it.
pub fn independent(history: &History) -> Option<String> {
    let mut operations = history.operations().iter().filter(|operation| operation.function != Function::Dump);
    let all = history.keys().len() == 0 && operations.clone().next().is_some() && operations.all(is_tuple);
    all.then(|| {
        "every value is a pair; where that is Jepsen's [key value] of independent keys, --independent says so"
            .to_owned()
    })
}

fn is_tuple(operation: &Operation) -> bool {
    // A list of micro-operations is no pair, be they two.
    if matches!(operation.call(), Value::Txn(_)) || matches!(operation.reply(), Value::Txn(_)) {
        return false;
    }
    let pair = |value: &Value| match (&operation.function, value.as_list()) {
        (Function::Cas, Some([_, _, _])) => true,
        (Function::Cas, Some([_, swap])) => swap.as_pair().is_some(),
        (_, Some([key, _])) => !matches!(key, Value::List(_) | Value::Map(_)),
        _ => false,
    };
    pair(operation.call()) && (!operation.is_ok() || pair(operation.reply()))
}

/// What an option would make of a history in which something is violated or undecided.
pub fn of_doubtful(history: &History) -> Vec<String> {
    initial(history).into_iter().chain(object(history)).collect()
}

/// The one value that reads show though nothing writes it, where some read may have begun before the first write of its
/// key had ended, and none shows nothing.
fn initial(history: &History) -> Option<String> {
    if history.beginning.is_some() {
        return None;
    }
    let seen = Seen::of(history)?;
    let unwritten = seen.reads.iter().filter(|(key, value, _)| !seen.written.contains(&(*key, value)));
    let (_, first, _) = unwritten.clone().next()?;
    let scalar = matches!(first, Value::Int(_) | Value::Text(_) | Value::Bool(_));
    let at_first = |(key, _, invoked): &(Option<Place<'_>>, &Value, Nanos)| {
        seen.first_written.get(key).is_none_or(|ended| invoked <= ended)
    };
    // Where nothing is written, any value would do.
    let agreed = scalar
        && !seen.written.is_empty()
        && unwritten.clone().all(|(_, value, _)| value == first)
        && unwritten.clone().any(at_first);
    agreed.then(|| {
        format!(
            "reads show {first}, which nothing writes, and none shows nothing; where that is what keys hold before the \
             first write, --initial {first} says so"
        )
    })
}

/// What registers were told and what they showed, key by key.
#[derive(Default)]
struct Seen<'h> {
    written: FxHashSet<(Option<Place<'h>>, &'h Value)>,
    /// When the first acknowledged write of a key ended.
    first_written: FxHashMap<Option<Place<'h>>, Nanos>,
    /// With the time at which the read began.
    reads: Vec<(Option<Place<'h>>, &'h Value, Nanos)>,
}

impl<'h> Seen<'h> {
    /// `None` where something else than registers is used.
    fn of(history: &'h History) -> Option<Self> {
        let mut seen = Self::default();
        for operation in history.operations() {
            let key = operation.key.map(Place::Key);
            match operation.function {
                Function::Write => seen.write(operation, key, operation.call()),
                Function::Cas => {
                    if let Some((_, to)) = operation.call().as_pair() {
                        seen.write(operation, key, to);
                    }
                }
                Function::Read if operation.is_ok() => {
                    seen.reads.push((key, operation.reply(), operation.invoked));
                }
                Function::Read | Function::Dump => {}
                Function::Txn => seen.transaction(operation),
                _ => return None,
            }
        }
        Some(seen)
    }

    fn write(&mut self, operation: &Operation, key: Option<Place<'h>>, value: &'h Value) {
        self.written.insert((key, value));
        if operation.is_ok() {
            let first = self.first_written.entry(key).or_insert(operation.completed);
            *first = (*first).min(operation.completed);
        }
    }

    fn transaction(&mut self, operation: &'h Operation) {
        let micro = |item: &'h Value| match item.as_list() {
            Some([name, key, value]) => Some((name.as_text()?, Some(Place::Inner(key)), value)),
            _ => None,
        };
        for (_, key, value) in list(operation.call()).filter_map(micro).filter(|(name, ..)| *name == "w") {
            self.write(operation, key, value);
        }
        let seen = list(operation.reply()).filter(|_| operation.is_ok()).filter_map(micro);
        let seen = seen.filter(|(name, ..)| *name == "r");
        self.reads.extend(seen.map(|(_, key, value)| (key, value, operation.invoked)));
    }
}

fn list(items: &Value) -> impl Iterator<Item = &Value> {
    items.as_list().unwrap_or_default().iter()
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place<'h> {
    Key(KeyId),
    /// Of a transaction's micro-operations.
    Inner(&'h Value),
}

/// Objects that have all the operations, where none has them by these names.
fn object(history: &History) -> Option<String> {
    let operations = history.operations().iter().filter(|operation| operation.function != Function::Dump);
    let mut functions: Vec<&Function> = Vec::new();
    for operation in operations {
        if !functions.contains(&&operation.function) {
            functions.push(&operation.function);
        }
    }
    if functions.iter().all(|function| !matches!(function, Function::Custom(_))) {
        return None;
    }
    let has_all =
        |object: &&Object| functions.iter().all(|function| object.function(function.name()).is_some());
    let objects: Vec<&str> = Object::ALL.iter().filter(has_all).map(|object| object.name()).collect();
    let names: Vec<&str> = functions.iter().map(|function| function.name()).collect();
    (!objects.is_empty()).then(|| {
        let (names, objects) = (names.join(", "), objects.join(" or "));
        format!("operations called {names} are those of a {objects}; --object says which it is")
    })
}
