//! Which sequential object the operations of a key belong to.
//!
//! It looks at the operations alone, never at their order.

use std::collections::BTreeSet;

use histories::{Function, History, KeyId, Operation, OperationId, Value};

use super::transactions;

/// What a key holds, by the operations that clients issue on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    Register,
    /// A string: put, append, get.
    Text,
    List,
    Set,
    Counter,
    Queue,
    Stack,
    Mutex,
    /// Accounts between which money is moved.
    Bank,
    /// Registers that are read and written together.
    Transactions,
}

/// The operations of one key, or those without a key.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) key: Option<KeyId>,
    pub(crate) operations: Vec<OperationId>,
    /// Why there is none is said in words.
    pub(crate) object: Result<Object, String>,
}

/// The parts of a history that can be decided one by one: locality lets each key have an order of its own.
pub(crate) fn parts(history: &History) -> Vec<Part> {
    let mut groups: Vec<Group<'_>> = (0..=history.keys().len()).map(|_| Group::default()).collect();
    let keyless = groups.len() - 1;
    for (id, op) in history.iter().filter(|(_, op)| op.function != Function::Dump) {
        groups[op.key.map_or(keyless, KeyId::index)].add(id, op);
    }
    // Where some strings are appended to, those that happen not to be are of the same kind: empty at first.
    let strings = groups.iter().any(|group| group.has(&Function::Append) && !group.calls_others);
    // Where some hold lists or sets, those that are only read as lists do, too.
    let collections = groups.iter().any(|group| group.has(&Function::Append) || group.has(&Function::Add));
    let elsewhere = groups[keyless].touches_any_key().map(str::to_owned);
    let mut parts: Vec<Part> = (0..)
        .zip(groups)
        .filter(|(_, group)| !group.operations.is_empty())
        .map(|(i, group)| Part {
            key: (i as usize != keyless).then_some(KeyId::new(i)),
            object: group.object(strings, collections),
            operations: group.operations,
        })
        .collect();
    if let Some(at) = parts.iter().position(|part| part.object == Ok(Object::Transactions)) {
        let transactions = parts.remove(at);
        let key = transactions.key;
        let part = |operations| Part { key, object: Ok(Object::Transactions), operations };
        match transactions::groups(history, &transactions.operations) {
            Some(groups) => parts.extend(groups.into_iter().map(part)),
            None => parts.push(transactions),
        }
    }
    if let Some(function) = elsewhere {
        for part in parts.iter_mut().filter(|part| part.key.is_some()) {
            part.object = Err(format!("the key may also be changed by {function}"));
        }
    }
    parts
}

/// The operations of one key, and what they are like, gathered in one pass: a history is larger than any cache.
#[derive(Default)]
struct Group<'h> {
    operations: Vec<OperationId>,
    /// Each once.
    functions: Vec<&'h Function>,
    /// Something else than a string was written or added.
    calls_others: bool,
    /// How often a list was read, a number, and anything but a string or nothing.
    reads_lists: u32,
    reads_numbers: u32,
    reads_others: u32,
    /// A whole collection was read.
    reads_whole: bool,
    /// What a transaction does beside reading and writing registers.
    foreign: Option<&'h str>,
}

impl<'h> Group<'h> {
    fn add(&mut self, id: OperationId, op: &'h Operation) {
        self.operations.push(id);
        if !self.has(&op.function) {
            self.functions.push(&op.function);
        }
        if op.function == Function::Txn && self.foreign.is_none() {
            self.foreign = foreign(op);
        }
        if !op.function.is_read() {
            self.calls_others |= op.call().as_text().is_none();
        } else if op.is_ok() {
            self.reads_whole |= matches!(op.reply(), Value::List(_) | Value::Txn(_) | Value::Map(_));
            match op.reply() {
                Value::Null | Value::Text(_) => return,
                Value::List(_) | Value::Txn(_) => self.reads_lists += 1,
                Value::Int(_) => self.reads_numbers += 1,
                Value::Bool(_) | Value::Map(_) => {}
            }
            self.reads_others += 1;
        }
    }

    fn has(&self, function: &Function) -> bool {
        self.functions.contains(&function)
    }

    /// Of operations without a key one that may change any key.
    fn touches_any_key(&self) -> Option<&str> {
        let known = [Function::Read, Function::ReadAll, Function::Write, Function::Cas];
        self.functions.iter().find(|function| !known.contains(function)).map(|function| function.name())
    }

    fn object(&self, strings: bool, collections: bool) -> Result<Object, String> {
        let names: BTreeSet<&str> = self.functions.iter().map(|function| function.name()).collect();
        let only = |allowed: &[&str]| names.iter().all(|name| allowed.contains(name));
        if strings && only(&["read", "write"]) && !self.calls_others && self.reads_others == 0 {
            Ok(Object::Text)
        } else if collections
            && only(&["read"])
            && self.reads_lists > 0
            && self.reads_lists == self.reads_others
        {
            Ok(Object::Set)
        } else if only(&["read"]) && self.reads_whole {
            // A list, a set, the accounts of a bank: nobody writes it as one, so that it is no register's value.
            Err("reads show a whole collection, and no operation tells of what kind".to_owned())
        } else if only(&["read", "write", "cas"]) {
            Ok(Object::Register)
        } else if only(&["append", "read", "read-all", "write"]) {
            let text = !self.calls_others && self.reads_lists == 0;
            Ok(if text { Object::Text } else { Object::List })
        } else if only(&["add", "remove", "read", "read-all"]) {
            Ok(if self.reads_numbers > 0 { Object::Counter } else { Object::Set })
        } else if only(&["increment", "decrement", "add", "read"]) {
            Ok(Object::Counter)
        } else if only(&["enqueue", "dequeue", "drain"]) {
            Ok(Object::Queue)
        } else if only(&["push", "pop"]) {
            Ok(Object::Stack)
        } else if only(&["acquire", "release"]) {
            Ok(Object::Mutex)
        } else if only(&["transfer", "read", "read-all"]) {
            Ok(Object::Bank)
        } else if only(&["txn"]) {
            let foreign =
                self.foreign.map(|name| format!("no sequential object has transactions that {name}"));
            foreign.map_or(Ok(Object::Transactions), Err)
        } else {
            let list = names.into_iter().collect::<Vec<_>>().join(", ");
            Err(format!("no sequential object has the operations {list}"))
        }
    }
}

/// What a transaction does that none on registers does: another function than to read and write, or to read an empty list,
/// which is what a list is before the first append.
fn foreign(op: &Operation) -> Option<&str> {
    let mut asked = op.call().micros()?.flatten().map(|micro| micro.function);
    if let Some(function) = asked.find(|&name| name != "r" && name != "w") {
        return Some(function);
    }
    let mut told = op.reply().micros()?.flatten();
    let empty = |value: &Value| value.as_list().is_some_and(<[Value]>::is_empty);
    told.any(|micro| micro.function == "r" && empty(&micro.value)).then_some("read lists")
}
