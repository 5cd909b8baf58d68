//! A part of a history in the terms of its object's model.
//!
//! What failed is left out, but for what a failed compare-and-set saw; so are reads that nobody saw answered.

use std::collections::BTreeSet;

use histories::{Function, History, Micro, Operation, OperationId, Outcome, Value};
use rustc_hash::FxHashMap;

use super::object::{Object, Part};
use super::register::{self, Action};
use super::sequence::{self, Passage};
use crate::models::{
    Balances, BankCall, CounterCall, Entry, MicroOperation, MutexCall, QueueCall, SetCall, StackCall,
};

/// The operations of a part that can matter, and which operation of the history each is.
#[derive(Clone)]
pub(crate) struct Compiled<'h> {
    pub(crate) entries: Entries<'h>,
    pub(crate) ids: Vec<OperationId>,
}

#[derive(Clone)]
pub(crate) enum Entries<'h> {
    /// With the number of distinct values.
    Register(Vec<register::Access>, usize),
    Text(Vec<sequence::Access<'h, u8>>),
    List(Vec<sequence::Access<'h, Value>>),
    Set(Vec<Entry<SetCall, BTreeSet<Value>>>),
    Counter(Vec<Entry<CounterCall, i64>>),
    Queue(Vec<Entry<QueueCall, Value>>),
    Stack(Vec<Entry<StackCall, Value>>),
    Mutex(Vec<Entry<MutexCall, ()>>),
    Bank(Vec<Entry<BankCall, Balances>>),
    Transactions(Vec<Entry<Vec<MicroOperation>, Vec<Value>>>),
}

/// An operation whose value does not fit its function, in words.
type Malformed = String;

pub(crate) fn compile<'h>(history: &'h History, part: &Part) -> Result<Compiled<'h>, Malformed> {
    let mut source = Source { history, part, ids: Vec::with_capacity(part.operations.len()) };
    let entries = match part.object.clone()? {
        Object::Register => {
            let mut values = Values::default();
            Entries::Register(source.entries(|op| action(op, &mut values))?, values.count())
        }
        Object::Text => Entries::Text(source.entries(text)?),
        Object::List => Entries::List(source.entries(list)?),
        Object::Set => Entries::Set(source.entries(set)?),
        Object::Counter => Entries::Counter(source.entries(counter)?),
        Object::Queue => Entries::Queue(source.queue()?),
        Object::Stack => Entries::Stack(source.entries(|op| Ok(Some(stack(op))))?),
        Object::Mutex => Entries::Mutex(source.entries(|op| Ok(Some((mutex(op), None))))?),
        Object::Bank => Entries::Bank(source.entries(bank)?),
        Object::Transactions => Entries::Transactions(source.entries(transaction)?),
    };
    Ok(Compiled { entries, ids: source.ids })
}

/// Whether an operation happened or may have, and tells what it saw if it only looked.
pub(crate) fn says_something(op: &Operation) -> bool {
    (op.outcome != Outcome::Fail || op.seen().is_some()) && (op.is_ok() || !op.function.is_read())
}

struct Source<'h, 'p> {
    history: &'h History,
    part: &'p Part,
    ids: Vec<OperationId>,
}

/// What an operation says in the terms of its model; `None` where it says nothing.
pub(crate) type Said<C, R> = Result<Option<(C, Option<R>)>, &'static str>;

impl<'h> Source<'h, '_> {
    fn entries<C, R>(
        &mut self,
        mut said: impl FnMut(&'h Operation) -> Said<C, R>,
    ) -> Result<Vec<Entry<C, R>>, Malformed> {
        let mut entries = Vec::with_capacity(self.part.operations.len());
        for &id in &self.part.operations {
            let op = self.history.operation(id);
            if !says_something(op) {
                continue;
            }
            let said = said(op).map_err(|expected| malformed(self.history, id, expected))?;
            if let Some((call, reply)) = said {
                let returned = (op.outcome != Outcome::Info).then_some(op.completed.0);
                entries.push(Entry { invoked: op.invoked.0, returned, call, reply });
                self.ids.push(id);
            }
        }
        Ok(entries)
    }

    /// A drain that was answered is one operation that takes all that is there.
    fn queue(&mut self) -> Result<Vec<Entry<QueueCall, Value>>, Malformed> {
        let mut entries = Vec::with_capacity(self.part.operations.len());
        let untaken = untaken(self.history, self.part)?;
        for &id in &self.part.operations {
            let op = self.history.operation(id);
            if op.outcome == Outcome::Fail {
                continue;
            }
            let (call, reply) = queue(op);
            let copies = if is_open_drain(op) { untaken } else { 1 };
            let returned = (op.outcome != Outcome::Info).then_some(op.completed.0);
            let entry = Entry { invoked: op.invoked.0, returned, call, reply };
            entries.extend(std::iter::repeat_n(entry, copies));
            self.ids.extend(std::iter::repeat_n(id, copies));
        }
        Ok(entries)
    }
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

fn malformed(history: &History, id: OperationId, expected: &str) -> Malformed {
    let op = history.operation(id);
    let line = history.line(op.call_event).map_or_else(String::new, |line| format!(" on line {line}"));
    let value = if op.is_ok() && !op.reply().is_null() { op.reply() } else { op.call() };
    format!("the {}{line} has the value {value} instead of {expected}", op.function)
}

/// Numbers of values, the initial one first.
#[derive(Default)]
struct Values<'h> {
    numbers: FxHashMap<&'h Value, u32>,
}

impl<'h> Values<'h> {
    fn number(&mut self, value: &'h Value) -> u32 {
        if value.is_null() {
            return register::INITIAL;
        }
        let next = self.numbers.len() as u32 + 1;
        *self.numbers.entry(value).or_insert(next)
    }

    fn count(&self) -> usize {
        self.numbers.len() + 1
    }
}

fn action<'h>(op: &'h Operation, values: &mut Values<'h>) -> Said<Action, ()> {
    let action = match op.function {
        Function::Write => Action::Write(values.number(op.call())),
        Function::Cas if op.outcome != Outcome::Fail => {
            let (from, to) = op.call().as_pair().ok_or("a pair [from, to]")?;
            Action::Cas { from: values.number(from), to: values.number(to) }
        }
        _ => Action::Read(values.number(op.reply())),
    };
    Ok(Some((action, None)))
}

pub(crate) fn text(op: &Operation) -> Said<Passage<'_, u8>, ()> {
    let bytes = |value| as_bytes(value).ok_or("a string");
    let passage = match op.function {
        Function::Write => Passage::Write(bytes(op.call())?),
        Function::Append => Passage::Append(bytes(op.call())?),
        _ => Passage::Read(bytes(op.reply())?),
    };
    Ok(Some((passage, None)))
}

fn as_bytes(value: &Value) -> Option<&[u8]> {
    if value.is_null() { Some(&[]) } else { value.as_text().map(str::as_bytes) }
}

pub(crate) fn list(op: &Operation) -> Said<Passage<'_, Value>, ()> {
    let passage = match op.function {
        Function::Write => Passage::Write(as_items(op.call()).ok_or("a list")?),
        Function::Append => Passage::Append(std::slice::from_ref(op.call())),
        _ => Passage::Read(as_items(op.reply()).ok_or("a list")?),
    };
    Ok(Some((passage, None)))
}

fn as_items(value: &Value) -> Option<&[Value]> {
    if value.is_null() { Some(&[]) } else { value.as_list() }
}

fn set(op: &Operation) -> Said<SetCall, BTreeSet<Value>> {
    Ok(Some(match op.function {
        Function::Add => (SetCall::Add(op.call().clone()), None),
        Function::Remove => (SetCall::Remove(op.call().clone()), None),
        _ => (
            SetCall::Read,
            Some(as_items(op.reply()).ok_or("the elements of a set")?.iter().cloned().collect()),
        ),
    }))
}

fn counter(op: &Operation) -> Said<CounterCall, i64> {
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

/// An account without a balance holds nothing.
fn bank(op: &Operation) -> Said<BankCall, Balances> {
    const BALANCES: &str = "the balances of all accounts";
    const TRANSFER: &str = "[from, to, amount]";
    if op.function.is_read() {
        let mut balances = Balances::new();
        for (account, balance) in op.reply().as_map().ok_or(BALANCES)? {
            let balance = if balance.is_null() { 0 } else { balance.as_int().ok_or(BALANCES)? };
            if balance != 0 {
                balances.insert(account.clone(), balance.into());
            }
        }
        return Ok(Some((BankCall::Read, Some(balances))));
    }
    let name = |value: &Value| value.as_text().map_or_else(|| value.to_string(), str::to_owned);
    let part = |place: usize, field: &str| match op.call().as_map() {
        Some(fields) => fields.get(field),
        None => op.call().as_list().and_then(|parts| parts.get(place)),
    };
    let from = name(part(0, "from").ok_or(TRANSFER)?);
    let to = name(part(1, "to").ok_or(TRANSFER)?);
    let amount = part(2, "amount").and_then(Value::as_int).ok_or(TRANSFER)?;
    Ok(Some((BankCall::Transfer { from, to, amount }, None)))
}

fn transaction(op: &Operation) -> Said<Vec<MicroOperation>, Vec<Value>> {
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
