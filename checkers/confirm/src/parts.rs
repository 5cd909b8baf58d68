//! The objects of a history: which operations are on one, and what kind of object has such operations.

use std::collections::{BTreeMap, BTreeSet};

use histories::{Function, History, KeyId, Operation, OperationId, Value};

/// A kind of object, by the operations that clients issue on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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
    /// Registers that transactions read and write together.
    Registers,
}

/// Which order a queue keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueOrder {
    /// Elements leave as they came.
    #[default]
    Fifo,
    /// Elements leave in any order.
    Any,
}

/// One object: the operations on a key, or those without a key.
#[derive(Clone, Debug)]
pub struct Part {
    pub key: Option<KeyId>,
    /// In the order of their invocations, dumps apart.
    pub operations: Vec<OperationId>,
    /// Or why no kind of object has these operations.
    pub kind: Result<Kind, String>,
}

impl Part {
    /// Whether it is a register, or registers that transactions read and write.
    pub fn is_of_registers(&self) -> bool {
        matches!(self.kind, Ok(Kind::Register | Kind::Registers))
    }
}

/// The objects of a history, in the order of their keys. Transactions are all on one object.
pub fn parts(history: &History) -> Vec<Part> {
    let mut by_key: BTreeMap<Option<KeyId>, Traits<'_>> = BTreeMap::new();
    for (id, op) in history.iter().filter(|(_, op)| op.function != Function::Dump) {
        by_key.entry(op.key).or_default().add(id, op);
    }
    let has_strings = by_key.values().any(|part| part.names.contains("append") && !part.puts_others);
    let has_collections =
        by_key.values().any(|part| part.names.contains("append") || part.names.contains("add"));
    // Operations without a key that are none of one register may be on any key.
    let known = ["read", "read-all", "write", "cas"];
    let elsewhere = by_key.get(&None).and_then(|part| part.names.iter().find(|name| !known.contains(name)));
    let elsewhere = elsewhere.map(|name| (*name).to_owned());
    let parts = by_key.into_iter().map(|(key, part)| Part {
        key,
        kind: match &elsewhere {
            Some(name) if key.is_some() => Err(format!("the key may also be changed by {name}")),
            _ => part.kind(has_strings, has_collections),
        },
        operations: part.operations,
    });
    parts.collect()
}

/// What the operations of one key are like.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Traits<'h> {
    operations: Vec<OperationId>,
    names: BTreeSet<&'h str>,
    /// Something else than a string was written, appended or added.
    puts_others: bool,
    shows_numbers: bool,
    shows_lists: bool,
    /// A read showed something that is neither a string nor a list, nor nothing.
    shows_others: bool,
    /// A read showed a map.
    shows_maps: bool,
    /// What a transaction does that no transaction on registers does.
    foreign: Option<String>,
}

impl<'h> Traits<'h> {
    fn add(&mut self, id: OperationId, op: &'h Operation) {
        self.operations.push(id);
        self.names.insert(op.function.name());
        if op.function == Function::Txn && self.foreign.is_none() {
            self.foreign = foreign(op);
        }
        if !op.function.is_read() {
            self.puts_others |= op.call().as_text().is_none();
        } else if op.is_ok() {
            match op.reply() {
                Value::Null | Value::Text(_) => {}
                Value::List(_) | Value::Txn(_) => self.shows_lists = true,
                Value::Int(_) => (self.shows_numbers, self.shows_others) = (true, true),
                Value::Bool(_) => self.shows_others = true,
                Value::Map(_) => (self.shows_maps, self.shows_others) = (true, true),
            }
        }
    }

    fn kind(&self, has_strings: bool, has_collections: bool) -> Result<Kind, String> {
        let only = |allowed: &[&str]| self.names.iter().all(|name| allowed.contains(name));
        let shows_strings = !self.shows_lists && !self.shows_others;
        if has_strings && only(&["read", "write"]) && !self.puts_others && shows_strings {
            return Ok(Kind::Text);
        }
        if only(&["read"]) && has_collections && self.shows_lists && !self.shows_others {
            return Ok(Kind::Set);
        }
        if only(&["read"]) && (self.shows_lists || self.shows_maps) {
            return Err("reads show a whole collection, and no operation tells of what kind".to_owned());
        }
        if only(&["txn"]) {
            return match &self.foreign {
                None => Ok(Kind::Registers),
                Some(what) => Err(format!("no sequential object has transactions that {what}")),
            };
        }
        let kinds: [(Kind, &[&str]); 8] = [
            (Kind::Register, &["read", "write", "cas"]),
            (Kind::List, &["append", "read", "read-all", "write"]),
            (Kind::Set, &["add", "remove", "read", "read-all"]),
            (Kind::Counter, &["increment", "decrement", "add", "read"]),
            (Kind::Queue, &["enqueue", "dequeue", "drain"]),
            (Kind::Stack, &["push", "pop"]),
            (Kind::Mutex, &["acquire", "release"]),
            (Kind::Bank, &["transfer", "read", "read-all"]),
        ];
        match kinds.iter().find(|(_, names)| only(names)) {
            Some((Kind::List, _)) if !self.puts_others && !self.shows_lists => Ok(Kind::Text),
            Some((Kind::Set, _)) if self.shows_numbers => Ok(Kind::Counter),
            Some(&(kind, _)) => Ok(kind),
            None => {
                let names: Vec<&str> = self.names.iter().copied().collect();
                Err(format!("no sequential object has the operations {}", names.join(", ")))
            }
        }
    }
}

/// Transactions on registers read and write, and never see an empty list.
fn foreign(op: &Operation) -> Option<String> {
    let mut asked = op.call().micros()?.flatten().map(|micro| micro.function.to_owned());
    let is_empty = |value: &Value| value.as_list().is_some_and(<[Value]>::is_empty);
    let mut seen = op.reply().micros().into_iter().flatten().flatten();
    asked.find(|name| name != "r" && name != "w").or_else(|| {
        let reads_lists = seen.any(|micro| micro.function == "r" && is_empty(&micro.value));
        reads_lists.then(|| "read lists".to_owned())
    })
}
