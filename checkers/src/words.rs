//! Operations in words, the same in every anomaly.
//!
//! It never looks at more than one operation, but for what an object without a name is.

use histories::{Function, History, KeyId, Operation, OperationId, Outcome, Value, brief_name};

use crate::{Side, Step};

/// A key by its name, or the one object that a history without keys is about: `the queue`.
pub(crate) fn key(history: &History, key: Option<KeyId>) -> String {
    key.map_or_else(|| nameless(history).to_owned(), |key| brief_name(history.key(key).as_str()))
}

fn nameless(history: &History) -> &'static str {
    let operations = || history.operations().iter().filter(|op| op.key.is_none());
    let adds = || operations().any(|op| op.function == Function::Add);
    let shows_number =
        |op: &Operation| op.function != Function::Add && op.is_ok() && op.reply().as_int().is_some();
    let reads_numbers = || operations().any(shows_number);
    match operations().find_map(object) {
        Some(object) => object,
        None if !adds() => "the register",
        None if reads_numbers() => "the counter",
        None => "the set",
    }
}

/// What an operation is of, where its function tells.
fn object(op: &Operation) -> Option<&'static str> {
    Some(match (&op.function, op.function.name()) {
        (Function::Write | Function::Cas | Function::Replace, _) => "the register",
        (Function::Append, _) if op.call().as_text().is_some() => "the string",
        (Function::Append, _) => "the list",
        (Function::Remove, _) => "the set",
        (Function::Increment | Function::Decrement, _) => "the counter",
        (Function::Enqueue | Function::Dequeue | Function::Drain, _) => "the queue",
        (Function::Acquire | Function::Release, _) => "the lock",
        (Function::Transfer, _) => "the bank",
        (_, "push" | "pop") => "the stack",
        _ => return None,
    })
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
        Function::Txn if op.is_ok() && !op.reply().is_null() => op.reply().clone(),
        _ if answers(op) => op.reply().clone(),
        _ => op.call().clone(),
    }
}

/// Whether an operation is about its answer, and not about what it asked for.
fn answers(op: &Operation) -> bool {
    match op.function {
        Function::Read
        | Function::ReadAll
        | Function::Dump
        | Function::Dequeue
        | Function::Drain
        | Function::Generate => true,
        _ => op.function.name() == "pop",
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

/// What an operation put in place, or saw, in words: a transaction as `[r x 1, w y 2]`.
pub fn told(op: &Operation) -> String {
    match op.function {
        Function::Txn => transaction(op),
        _ => brief(&value(op)),
    }
}

/// `[r x 1, w y 2]`; of a transaction that was not answered, without what its reads would have shown.
fn transaction(op: &Operation) -> String {
    let said = value(op);
    let Some(micros) = said.micros() else { return brief(&said) };
    let answered = op.is_ok();
    let told: Vec<String> = micros
        .map(|micro| match micro {
            Ok(micro) if micro.function == "r" && !answered => format!("r {}", name(&micro.key)),
            Ok(micro) => format!("{} {} {}", micro.function, name(&micro.key), brief(&micro.value)),
            Err(_) => "?".to_owned(),
        })
        .collect();
    let list = told.join(", ");
    match list.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("[{}, …]", list[..end].trim_end_matches([',', ' '])),
        None => format!("[{list}]"),
    }
}

/// A key as it stands in a transaction, without quotes.
fn name(key: &Value) -> String {
    key.as_text().map_or_else(|| key.to_string(), str::to_owned)
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
        (Function::Enqueue, _) => format!("enqueue of {value} to {key}"),
        (Function::Dequeue | Function::Drain, _) if op.is_ok() => {
            format!("{} of {value} from {key}", op.function)
        }
        (Function::Dequeue | Function::Drain | Function::Acquire | Function::Release, _) => {
            format!("{} of {key}", op.function)
        }
        (Function::Increment | Function::Decrement, _) => {
            format!("{} of {key} by {}", op.function, amount(op))
        }
        (Function::Generate, _) => format!("identifier {value}"),
        (Function::Transfer, _) => format!("transfer {value} in {key}"),
        (Function::Txn, _) => format!("transaction {value}"),
        (Function::Custom(_), _) if op.function.name() == "push" => format!("push of {value} to {key}"),
        (Function::Custom(_), _) if op.function.name() == "pop" => format!("pop of {value} from {key}"),
        _ => format!("{} of {key} = {value}", op.function),
    }
}

fn amount(op: &Operation) -> String {
    if op.call().is_null() { "1".to_owned() } else { brief(op.call()) }
}

/// `client 4 read x = 3`
pub(crate) fn clause(history: &History, id: OperationId) -> String {
    let op = history.as_recorded(id);
    format!("client {} {}", op.process, deed(history, id))
}

/// What a client did, without the client's name: `read x = 3`. Of an operation whose outcome is not known, what it was
/// to do.
pub(crate) fn deed(history: &History, id: OperationId) -> String {
    let op = history.as_recorded(id);
    let (key, value) = (key(history, op.key), told(&op));
    match (&op.function, op.call().as_pair()) {
        (Function::Read | Function::ReadAll, _) => format!("read {key} = {value}"),
        (Function::Write, _) => format!("wrote {key} = {value}"),
        (Function::Append, _) => format!("appended {value} to {key}"),
        (Function::Add, _) => format!("added {value} to {key}"),
        (Function::Remove, _) => format!("removed {value} from {key}"),
        (Function::Increment, _) => format!("added {} to {key}", amount(&op)),
        (Function::Decrement, _) => format!("took {} from {key}", amount(&op)),
        (Function::Enqueue, _) => format!("enqueued {value} to {key}"),
        (Function::Dequeue | Function::Drain, _) if nothing(&op) => format!("found {key} empty"),
        (Function::Dequeue, _) => format!("dequeued {value} from {key}"),
        (Function::Drain, _) => format!("drained {value} from {key}"),
        (Function::Acquire, _) => format!("acquired {key}"),
        (Function::Release, _) => format!("released {key}"),
        (Function::Generate, _) => format!("was given the identifier {value}"),
        (Function::Txn, _) => format!("ran the transaction {value}"),
        (Function::Cas, _) if op.outcome == Outcome::Fail => format!("found {key} = {value}"),
        (Function::Cas, Some((from, to))) => format!("changed {key} from {from} to {to}"),
        (Function::Custom(_), _) if op.function.name() == "push" => format!("pushed {value} to {key}"),
        (Function::Custom(_), _) if op.function.name() == "pop" && nothing(&op) => {
            format!("found {key} empty")
        }
        (Function::Custom(_), _) if op.function.name() == "pop" => format!("popped {value} from {key}"),
        _ => format!("did {}", action(history, &op)),
    }
}

/// Whether an operation found nothing to take.
fn nothing(op: &Operation) -> bool {
    op.is_ok() && (op.reply().is_null() || op.reply().as_list().is_some_and(<[Value]>::is_empty))
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
        Function::Write | Function::Append | Function::Add | Function::Remove | Function::Enqueue => {
            format!("the {} of {value} had been acknowledged", op.function)
        }
        Function::Increment | Function::Decrement => {
            format!("the {} by {} had been acknowledged", op.function, amount(&op))
        }
        _ => format!("client {} had {}", op.process, participle(&deed(history, id))),
    }
}

/// The few verbs whose participle is not their past tense.
fn participle(deed: &str) -> String {
    match deed.split_once(' ') {
        Some(("took", rest)) => format!("taken {rest}"),
        Some(("was", rest)) => format!("been {rest}"),
        Some(("did", rest)) => format!("done {rest}"),
        _ => deed.to_owned(),
    }
}

/// `the write of 5`
pub(crate) fn short(history: &History, id: OperationId) -> String {
    let op = history.as_recorded(id);
    let value = told(&op);
    match op.function {
        Function::Cas if op.outcome != Outcome::Fail => format!("the compare-and-set to {value}"),
        Function::Cas => format!("client {}'s sight of {value}", op.process),
        Function::Read | Function::ReadAll => format!("client {}'s read of {value}", op.process),
        Function::Txn => format!("the transaction {value}"),
        Function::Increment | Function::Decrement => format!("the {} by {}", op.function, amount(&op)),
        Function::Acquire | Function::Release => format!("client {}'s {}", op.process, op.function),
        _ if answers(&op) && op.is_ok() => format!("client {}'s {} of {value}", op.process, op.function),
        _ if answers(&op) => format!("client {}'s {}", op.process, op.function),
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
