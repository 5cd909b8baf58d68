//! What single operations say in the terms of their object's model.
//!
//! Each operation is read by itself; only what a queue still holds is counted over all of them.

use histories::{Function, History, Micro, Operation, OperationId, Outcome, Value};

use super::object::Part;
use crate::models::{CounterCall, MicroOperation, MutexCall, QueueCall, StackCall};

/// An operation whose value does not fit its function, in words.
pub(crate) type Malformed = String;

pub(crate) fn malformed(history: &History, id: OperationId, expected: &str) -> Malformed {
    let op = history.operation(id);
    let line = history.line(op.call_event).map_or_else(String::new, |line| format!(" on line {line}"));
    let value = if op.is_ok() && !op.reply().is_null() { op.reply() } else { op.call() };
    format!("the {}{line} has the value {value} instead of {expected}", op.function)
}

/// Whether an operation happened or may have, and tells what it saw if it only looked.
pub(crate) fn says_something(op: &Operation) -> bool {
    (op.outcome != Outcome::Fail || op.seen().is_some()) && (op.is_ok() || !op.function.is_read())
}

/// What an operation says in the terms of its model; `None` where it says nothing.
pub(crate) type Said<C, R> = Result<Option<(C, Option<R>)>, &'static str>;

pub(crate) fn counter(op: &Operation) -> Said<CounterCall, i64> {
    if op.function.is_read() {
        let seen = if op.reply().is_null() { Some(0) } else { op.reply().as_int() };
        return Ok(Some((CounterCall::Read, Some(seen.ok_or("a number")?))));
    }
    let amount = if op.call().is_null() { Some(1) } else { op.call().as_int() }.ok_or("a number")?;
    let signed = if op.function == Function::Decrement { amount.checked_neg() } else { Some(amount) };
    let amount = signed.ok_or("an amount of at most 63 bits")?;
    Ok(Some((CounterCall::Add(amount), None)))
}

/// What an operation on a queue asks, and its answer.
pub(crate) fn queue(op: &Operation) -> (QueueCall, Option<Value>) {
    let call = match op.function {
        Function::Enqueue => QueueCall::Enqueue(op.call().clone()),
        Function::Drain if op.is_ok() => QueueCall::Drain,
        _ => QueueCall::Dequeue,
    };
    let reply = (op.is_ok() && op.function != Function::Enqueue).then(|| op.reply().clone());
    (call, reply)
}

pub(crate) fn stack(op: &Operation) -> (StackCall, Option<Value>) {
    match op.function.name() {
        "push" => (StackCall::Push(op.call().clone()), None),
        _ => (StackCall::Pop, op.is_ok().then(|| op.reply().clone())),
    }
}

pub(crate) fn mutex(op: &Operation) -> MutexCall {
    if op.function.name() == "acquire" { MutexCall::Acquire } else { MutexCall::Release }
}

/// How many elements were put into a queue, or may have been, beyond those that are known to have been taken.
pub(crate) fn untaken(history: &History, part: &Part) -> Result<usize, Malformed> {
    let (mut put, mut taken) = (0_usize, 0);
    for &id in &part.operations {
        let op = history.operation(id);
        match (&op.function, op.outcome) {
            (Function::Enqueue, Outcome::Ok | Outcome::Info) => put += 1,
            (Function::Dequeue, Outcome::Ok) => taken += usize::from(!op.reply().is_null()),
            (Function::Drain, Outcome::Ok) => {
                let list = op.reply().as_list();
                taken += list.ok_or_else(|| malformed(history, id, "the elements that it took"))?.len();
            }
            _ => {}
        }
    }
    Ok(put.saturating_sub(taken))
}

/// Whether a drain may have taken anything, at any time: then it is as many dequeues of unknown outcome as there are
/// elements that no other operation is known to have taken.
pub(crate) fn is_open_drain(op: &Operation) -> bool {
    op.function == Function::Drain && op.outcome == Outcome::Info
}

pub(crate) fn transaction(op: &Operation) -> Said<Vec<MicroOperation>, Vec<Value>> {
    const EXPECTED: &str = "a list of [\"r\", key, value] and [\"w\", key, value]";
    let micros = if op.is_ok() && !op.reply().is_null() { op.reply() } else { op.call() };
    let (mut calls, mut seen) = (Vec::new(), Vec::new());
    for micro in micros.micros().ok_or(EXPECTED)? {
        let Micro { function, key, value } = micro.map_err(|_| EXPECTED)?;
        match function {
            "r" => {
                calls.push(MicroOperation::Read(key.into_owned()));
                seen.push(value.into_owned());
            }
            "w" => calls.push(MicroOperation::Write(key.into_owned(), value.into_owned())),
            _ => return Err(EXPECTED),
        }
    }
    Ok(Some((calls, op.is_ok().then_some(seen))))
}
