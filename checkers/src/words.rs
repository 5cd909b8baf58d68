//! Operations in words, the same in every anomaly.
//!
//! It never looks at more than one operation.

use histories::{Function, History, KeyId, Operation, OperationId, Outcome, Value, brief_name};

use crate::{Side, Step};

pub(crate) fn key(history: &History, key: Option<KeyId>) -> String {
    key.map_or_else(|| "the register".to_owned(), |key| brief_name(history.key(key).as_str()))
}

/// What a key is before its first write: `absent`, unless a view says what it begins with.
pub(crate) fn at_first(history: &History) -> String {
    match history.value_as_recorded(&Value::Null) {
        Value::Null => "absent".to_owned(),
        beginning => brief(&beginning),
    }
}

/// The value that an operation put in place, or saw.
pub(crate) fn value(op: &Operation) -> Value {
    match op.function {
        Function::Cas if op.outcome == Outcome::Fail => op.reply().clone(),
        Function::Cas => op.call().as_pair().map(|(_, to)| to.clone()).unwrap_or_default(),
        Function::Read | Function::ReadAll | Function::Dump => op.reply().clone(),
        Function::Txn if op.is_ok() && !op.reply().is_null() => op.reply().clone(),
        _ => op.call().clone(),
    }
}

/// So many items of a list, and so many characters of a string, are told.
const ITEMS_MAX: usize = 12;
const CHARACTERS_MAX: usize = 60;

/// A value in words; of a long list or string the end, where what was added last stands.
pub(crate) fn brief(value: &Value) -> String {
    match value {
        Value::List(_) | Value::Txn(_) => match value.as_list() {
            Some(items) if items.len() > ITEMS_MAX => {
                let end = Value::list(items[items.len() - ITEMS_MAX..].iter().cloned()).to_string();
                format!("[… {}", end.strip_prefix('[').unwrap_or(&end))
            }
            _ => value.to_string(),
        },
        Value::Text(text) if text.chars().count() > CHARACTERS_MAX => {
            let skipped = text.chars().count() - CHARACTERS_MAX;
            format!("…{}", Value::text(text.chars().skip(skipped).collect::<String>()))
        }
        value => value.to_string(),
    }
}

/// What an operation put in place, or saw, in words.
pub(crate) fn told(op: &Operation) -> String {
    brief(&value(op))
}

/// `client 1's write of x = 5`
pub(crate) fn noun(history: &History, id: OperationId) -> String {
    let op = history.as_recorded(id);
    format!("client {}'s {}", op.process, action(history, &op))
}

fn action(history: &History, op: &Operation) -> String {
    let key = key(history, op.key);
    let value = told(op);
    match (&op.function, op.call().as_pair()) {
        (Function::Cas, Some((from, to))) => format!("compare-and-set of {key} from {from} to {to}"),
        (Function::Replace, Some((quoted, value))) if quoted.as_list().is_some_and(<[Value]>::is_empty) => {
            format!("write of {key} = {value}")
        }
        (Function::Replace, Some((quoted, value))) => format!("write of {key} = {value} over {quoted}"),
        (Function::Append | Function::Add, _) => format!("{} of {value} to {key}", op.function),
        (Function::Remove, _) => format!("remove of {value} from {key}"),
        (Function::Increment | Function::Decrement, _) => format!("{} of {key} by {value}", op.function),
        (Function::Txn, _) => format!("transaction {value}"),
        _ => format!("{} of {key} = {value}", op.function),
    }
}

/// `client 4 read x = 3`
pub(crate) fn clause(history: &History, id: OperationId) -> String {
    let op = history.as_recorded(id);
    let (client, key, value) = (op.process, key(history, op.key), told(&op));
    match (&op.function, op.call().as_pair()) {
        (Function::Read, _) => format!("client {client} read {key} = {value}"),
        (Function::Write, _) => format!("client {client} wrote {key} = {value}"),
        (Function::Append, _) => format!("client {client} appended {value} to {key}"),
        (Function::Txn, _) => format!("client {client} ran the transaction {value}"),
        (Function::Cas, _) if op.outcome == Outcome::Fail => format!("client {client} found {key} = {value}"),
        (Function::Cas, Some((from, to))) => format!("client {client} changed {key} from {from} to {to}"),
        _ => format!("client {client} did {}", action(history, &op)),
    }
}

/// What an operation shows once it is complete: `the write of 3 had been acknowledged`, `client 2 had read 3`.
pub(crate) fn done(history: &History, id: OperationId) -> String {
    let op = history.as_recorded(id);
    let value = told(&op);
    match op.function {
        Function::Read | Function::ReadAll => format!("client {} had read {value}", op.process),
        Function::Cas if op.outcome == Outcome::Fail => format!("client {} had found {value}", op.process),
        Function::Cas => format!("the compare-and-set to {value} had been acknowledged"),
        Function::Txn => format!("the transaction {value} had been acknowledged"),
        _ => format!("the {} of {value} had been acknowledged", op.function),
    }
}

/// `the write of 5`
pub(crate) fn short(history: &History, id: OperationId) -> String {
    let op = history.as_recorded(id);
    let value = told(&op);
    match op.function {
        Function::Cas if op.outcome != Outcome::Fail => format!("the compare-and-set to {value}"),
        Function::Cas => format!("client {}'s sight of {value}", op.process),
        Function::Read => format!("client {}'s read of {value}", op.process),
        Function::Txn => format!("the transaction {value}"),
        _ => format!("the {} of {value}", op.function),
    }
}

pub(crate) fn invoked(operation: OperationId, note: impl Into<String>) -> Step {
    Step { operation, side: Side::Invoked, note: note.into() }
}

pub(crate) fn completed(history: &History, operation: OperationId, note: impl Into<String>) -> Step {
    let known = history.operation(operation).outcome != Outcome::Info;
    let side = if known { Side::Completed } else { Side::Invoked };
    Step { operation, side, note: note.into() }
}

/// `1 key` and `2 keys`
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Why some reads say nothing: `2 reads have more than one possible writer, such as that of x = 1`.
pub(crate) fn several_writers(reads: u64, one: &str) -> String {
    let (reads, have) =
        if reads == 1 { ("1 read".to_owned(), "has") } else { (format!("{reads} reads"), "have") };
    format!("{reads} {have} more than one possible writer, such as that of {one}")
}
