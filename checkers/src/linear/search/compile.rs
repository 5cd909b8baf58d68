//! A part of a history in the terms of its object's model.
//!
//! What failed is left out, but for what a failed compare-and-set saw; so are reads that nobody saw answered.

use std::collections::BTreeSet;

use histories::{Function, History, Operation, OperationId, Outcome, Value};
use rustc_hash::FxHashMap;

use super::register::{self, Action};
use super::sequence::{self, Passage};
use crate::core::calls::{
    Malformed, Said, counter, is_open_drain, malformed, mutex, queue, says_something, stack, transaction,
    untaken,
};
use crate::core::object::{Object, Part};
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

struct Source<'h, 'p> {
    history: &'h History,
    part: &'p Part,
    ids: Vec<OperationId>,
}

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
