//! What keys hold, where the operations on them do not tell: a key that is only read holds at first what others of its file
//! do, and where reads show a set, writes of single values add to it.
//!
//! It never changes what clients saw of a key whose own operations tell. Checkers know one initial value, null: it takes the
//! place of a counter's 0, of a string's "", of an empty set or list.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::Object;
use crate::{Function, History, KeyId, Operation, Outcome, Value};

/// What a file's own words tell of its keys, beside the operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// What all keys hold, as a view has it.
    pub(crate) object: Option<Object>,
    /// Whether operations have the names that a key-value store gives them, `get` and `put`.
    pub(crate) key_value: bool,
    /// The keys of which a read showed a set that was written as one.
    pub(crate) sets: BTreeSet<Option<KeyId>>,
}

/// The history with every key's operations in the words of what it holds.
pub fn settled(history: &History) -> Cow<'_, History> {
    let plan = Plan::of(history);
    if plan.is_empty() {
        return Cow::Borrowed(history);
    }
    let mut history = history.clone();
    plan.carry_out(&mut history);
    Cow::Owned(history)
}

pub(super) fn settle(history: &mut History) {
    Plan::of(history).carry_out(history);
}

/// What is done to a key, and what it was read as.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Shape {
    writes: bool,
    appends: bool,
    adds: bool,
    counts: bool,
    /// Anything else that may change it.
    other: bool,
    /// Whether one of these may have happened.
    changed: bool,
    /// Something else than a string was written or appended; a collection was.
    puts_others: bool,
    puts_collections: bool,
    reads: bool,
    reads_numbers: bool,
    reads_lists: bool,
    reads_others: bool,
}

impl Shape {
    fn add(&mut self, operation: &Operation) {
        match operation.function {
            Function::Dump => return,
            Function::Read | Function::ReadAll => {
                self.reads = true;
                match operation.reply() {
                    Value::Int(_) => self.reads_numbers = true,
                    Value::List(_) => self.reads_lists = true,
                    Value::Null | Value::Text(_) => {}
                    _ => self.reads_others = true,
                }
                return;
            }
            Function::Write => self.writes = true,
            Function::Append => self.appends = true,
            Function::Add | Function::Remove => self.adds = true,
            Function::Increment | Function::Decrement => self.counts = true,
            _ => self.other = true,
        }
        self.changed |= operation.outcome != Outcome::Fail;
        let value = operation.call();
        self.puts_others |= !value.is_null() && value.as_text().is_none();
        self.puts_collections |= matches!(value, Value::List(_) | Value::Txn(_) | Value::Map(_));
    }

    /// Whether only strings are put there and seen.
    fn is_text(&self) -> bool {
        !(self.puts_others || self.reads_numbers || self.reads_lists || self.reads_others)
    }

    /// Whether strings are appended to it.
    fn grows_text(&self) -> bool {
        self.appends && !(self.adds || self.counts || self.other) && self.is_text()
    }

    /// What it holds, where its operations tell.
    fn object(&self, key_value: bool) -> Option<Object> {
        match (self.writes, self.appends, self.adds, self.counts) {
            _ if self.other => None,
            (false, false, _, true) => Some(Object::Counter),
            (false, false, true, false) if self.reads_numbers => Some(Object::Counter),
            (false, false, true, false) => Some(Object::Set),
            (_, true, false, false) if self.is_text() => Some(Object::Kv),
            (_, true, false, false) => Some(Object::List),
            (true, false, false, false) if key_value && self.is_text() => Some(Object::Kv),
            (true, false, false, false) => Some(Object::Register),
            _ => None,
        }
    }
}

/// What an object reads as before anything was done to it, where that is not null.
fn untouched(object: Object) -> Option<Value> {
    match object {
        Object::Counter => Some(Value::Int(0)),
        Object::Kv => Some(Value::text("")),
        Object::List | Object::Set => Some(Value::list([])),
        _ => None,
    }
}

/// What to change, by key.
#[derive(Debug, Default)]
struct Plan {
    /// Writes are additions.
    sets: BTreeSet<Option<KeyId>>,
    /// These values, where reads show them, are the initial one.
    initial: BTreeMap<Option<KeyId>, BTreeSet<Value>>,
    /// The empty string is the initial value, also where it is written.
    strings: BTreeSet<Option<KeyId>>,
}

impl Plan {
    fn of(history: &History) -> Self {
        let nameless = history.keys.len();
        let mut shapes = vec![Shape::default(); nameless + 1];
        for operation in &history.operations {
            shapes[operation.key.map_or(nameless, KeyId::index)].add(operation);
        }
        let told = &history.told;
        let key_value = match told.object {
            Some(object) => object == Object::Kv,
            None => told.key_value || shapes.iter().any(Shape::grows_text),
        };
        let objects: BTreeSet<Object> = match told.object {
            Some(object) => BTreeSet::from([object]),
            None => shapes.iter().filter_map(|shape| shape.object(key_value)).collect(),
        };
        let initial: BTreeSet<Value> = objects.into_iter().filter_map(untouched).collect();
        let mut plan = Self::default();
        let keys = (0..nameless as u32).map(|key| Some(KeyId::new(key))).chain([None]);
        for (key, shape) in keys.zip(&shapes) {
            let own = told.object.or_else(|| shape.object(key_value));
            if told.sets.contains(&key) && shape.writes && shape.object(key_value) == Some(Object::Register) {
                if !shape.puts_collections && !shape.reads_numbers && !shape.reads_others {
                    plan.sets.insert(key);
                }
            } else if own == Some(Object::Kv) && !shape.appends && shape.writes && history.beginning.is_none()
            {
                plan.strings.insert(key);
            } else if shape.reads && !shape.changed && !shape.other {
                let own = own.map(|object| untouched(object).into_iter().collect());
                plan.initial.insert(key, own.unwrap_or_else(|| initial.clone()));
            }
        }
        plan.initial.retain(|_, values| !values.is_empty());
        plan.keep_what_occurs(history);
        plan
    }

    /// Forgets keys of which no read shows what would be changed: most histories stay as they are.
    fn keep_what_occurs(&mut self, history: &History) {
        let mut occurs = BTreeSet::new();
        if self.initial.is_empty() && self.strings.is_empty() {
            return;
        }
        for operation in &history.operations {
            let shows = |values: &BTreeSet<Value>| values.contains(operation.reply());
            let empty = |value: &Value| value.as_text() == Some("");
            if self.initial.get(&operation.key).is_some_and(shows)
                || self.strings.contains(&operation.key)
                    && (empty(operation.reply()) || empty(operation.call()))
            {
                occurs.insert(operation.key);
            }
        }
        self.initial.retain(|key, _| occurs.contains(key));
        self.strings.retain(|key| occurs.contains(key));
    }

    fn is_empty(&self) -> bool {
        self.sets.is_empty() && self.initial.is_empty() && self.strings.is_empty()
    }

    fn carry_out(&self, history: &mut History) {
        // What is said of keys by their numbers is said now: a view may number them anew.
        history.told.sets.clear();
        if self.is_empty() {
            return;
        }
        for operation in &mut history.operations {
            if self.sets.contains(&operation.key) {
                match operation.function {
                    Function::Write => operation.function = Function::Add,
                    Function::Read => operation.function = Function::ReadAll,
                    _ => {}
                }
            } else if self.strings.contains(&operation.key) {
                let filled = |value: &Value| match value.as_text() {
                    Some("") => Value::Null,
                    _ => value.clone(),
                };
                let (call, reply) = (filled(operation.call()), filled(operation.reply()));
                operation.say(call, reply);
            } else if operation.function.only_looks()
                && self.initial.get(&operation.key).is_some_and(|values| values.contains(operation.reply()))
            {
                operation.set_reply(Value::Null);
            }
        }
    }
}
