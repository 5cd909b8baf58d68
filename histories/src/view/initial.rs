//! What every key holds before the first write.
//!
//! Checkers know one initial value, null. So the value that is meant and null change places, wherever they stand: the
//! history says the same of other names, and a null that a read returned is then a value that nobody wrote.

use super::{ViewError, map_items, place};
use crate::history::Beginning;
use crate::{Function, History, Micro, Operation, Value};

pub(super) fn begin_with(history: &mut History, initial: &Value) -> Result<(), ViewError> {
    if let Some(operation) = history.operations.iter().find(|operation| !has_initial(operation)) {
        let function = operation.function.clone();
        return Err(ViewError::NoInitial { function, place: place(history, operation.call_event) });
    }
    let counted = history.operations.iter().any(|operation| is_count(&operation.function));
    history.beginning = Some(Beginning { value: initial.clone(), counted });
    if counted {
        return count_from(history, initial);
    }
    for operation in &mut history.operations {
        exchange(operation, initial);
    }
    Ok(())
}

fn is_count(function: &Function) -> bool {
    matches!(function, Function::Increment | Function::Decrement)
}

/// Whether an operation is one of a register, a counter or a transaction on registers.
fn has_initial(operation: &Operation) -> bool {
    let register = |micro: Result<Micro<'_>, _>| micro.is_ok_and(|micro| matches!(micro.function, "r" | "w"));
    match operation.function {
        Function::Read | Function::Write | Function::Cas | Function::Dump => true,
        Function::Txn => operation.deeds().micros().is_some_and(|mut micros| micros.all(register)),
        ref function => is_count(function),
    }
}

/// A counter that begins with `initial` is one that begins with 0 and shows so much less.
fn count_from(history: &mut History, initial: &Value) -> Result<(), ViewError> {
    let first = initial.as_int().ok_or_else(|| ViewError::CounterBegins(initial.clone()))?;
    for operation in &mut history.operations {
        shift(operation, first.saturating_neg());
    }
    Ok(())
}

fn shift(operation: &mut Operation, by: i64) {
    if operation.is_ok()
        && operation.function == Function::Read
        && let Value::Int(seen) = operation.reply()
    {
        operation.set_reply(Value::Int(seen.saturating_add(by)));
    }
}

/// The operation as the file has it.
pub(crate) fn undo(mut operation: Operation, beginning: &Beginning) -> Operation {
    match beginning {
        Beginning { value: Value::Int(first), counted: true } => shift(&mut operation, *first),
        Beginning { value, .. } => exchange(&mut operation, value),
    }
    operation
}

/// Null for the initial value, and the other way round.
pub(crate) fn other(value: &Value, initial: &Value) -> Value {
    match value {
        Value::Null => initial.clone(),
        value if value == initial => Value::Null,
        value => value.clone(),
    }
}

fn exchange(operation: &mut Operation, initial: &Value) {
    let other = |value: &Value| other(value, initial);
    let pair = |value: &Value| match value.as_pair() {
        Some((from, to)) => Value::list([other(from), other(to)]),
        None => value.clone(),
    };
    let items = |value: &Value, asked: bool| {
        map_items(value, |name, _, value| (!asked || name == "w").then(|| other(value)))
    };
    if let Some(seen) = operation.seen() {
        let seen = other(seen);
        operation.set_call(pair(operation.call()));
        return operation.set_seen(seen);
    }
    let (call, reply) = (operation.call(), operation.reply());
    let ok = operation.is_ok();
    let call = match operation.function {
        Function::Write => other(call),
        Function::Cas => pair(call),
        Function::Txn => items(call, true),
        _ => call.clone(),
    };
    let reply = match operation.function {
        Function::Read | Function::Write if ok => other(reply),
        Function::Cas if ok => pair(reply),
        Function::Txn if ok => items(reply, false),
        Function::Dump if ok => match reply.as_map() {
            Some(state) => Value::map(state.iter().map(|(key, value)| (key.clone(), other(value)))),
            None => reply.clone(),
        },
        _ => reply.clone(),
    };
    operation.say(call, reply);
}
