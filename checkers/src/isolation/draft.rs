//! A history's transactions as they stand in the file: micro-operations with keys and values as numbers.

mod part;

use std::borrow::Cow;

use histories::{Function, History, Micro, Operation, OperationId, Outcome, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::NONE;
use crate::{Budget, Exhausted};

pub(super) use part::Untold;

/// Why the levels say nothing about a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    NoTransactions,
    NothingObserved,
    /// A micro-operation that is no read, write or append.
    Malformed(OperationId),
    /// A key that takes both writes and appends.
    Mixed(String),
    /// An operation beside the transactions that is no read, write or append.
    Foreign(Function),
    Exhausted,
}

impl From<Exhausted> for Unfit {
    fn from(_: Exhausted) -> Self {
        Self::Exhausted
    }
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    Register,
    List,
}

/// A micro-operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A register was read: the value, [`NONE`] for the initial one.
    Read {
        key: u32,
        value: u32,
    },
    Write {
        key: u32,
        value: u32,
    },
    /// A list was read whole: how many elements of the key's longest list it showed.
    ReadList {
        key: u32,
        length: u32,
    },
    Append {
        key: u32,
        value: u32,
    },
    /// A list was read that contradicts the key's longest: the first element that does.
    ReadOther {
        key: u32,
        value: u32,
    },
    /// A list was read with an element of a transaction that failed: that, and the element right behind it, [`NONE`]
    /// where there is none. What failed is no part of the list otherwise.
    ReadAborted {
        key: u32,
        value: u32,
        behind: u32,
    },
}

impl Step {
    pub(super) fn key(self) -> u32 {
        match self {
            Self::Read { key, .. }
            | Self::Write { key, .. }
            | Self::ReadList { key, .. }
            | Self::Append { key, .. }
            | Self::ReadOther { key, .. }
            | Self::ReadAborted { key, .. } => key,
        }
    }
}

/// The values that were written to keys or read from them, each numbered once a key.
#[derive(Debug, Default)]
pub(super) struct Values<'h> {
    whole: FxHashMap<(u32, i64), u32>,
    others: FxHashMap<(u32, Cow<'h, Value>), u32>,
    all: Vec<Cow<'h, Value>>,
}

impl<'h> Values<'h> {
    fn id(&mut self, key: u32, value: Cow<'h, Value>) -> u32 {
        let next = self.all.len() as u32;
        let id = match &*value {
            Value::Int(whole) => *self.whole.entry((key, *whole)).or_insert(next),
            _ => *self.others.entry((key, value.clone())).or_insert(next),
        };
        if id == next {
            self.all.push(value);
        }
        id
    }

    pub(super) fn get(&self, id: u32) -> &Value {
        static NULL: Value = Value::Null;
        self.all.get(id as usize).map_or(&NULL, |value| value)
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }
}

/// What is made of transactions whose clients never learned the outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Unknowns {
    /// They committed where a read shows what they wrote.
    #[default]
    Committed,
    /// They did not commit, and what reads show of them is dirty.
    Aborted,
}

/// Transactions that may have happened in the order of their invocations, which keeps each session's order.
#[derive(Debug, Default)]
pub(super) struct Draft<'h> {
    unknowns: Unknowns,
    whole_keys: FxHashMap<i64, u32>,
    /// Keys that are no whole numbers.
    keys: FxHashMap<Cow<'h, Value>, u32>,
    pub(super) names: Vec<Cow<'h, Value>>,
    pub(super) kinds: Vec<KeyKind>,
    pub(super) values: Values<'h>,
    pub(super) operations: Vec<OperationId>,
    /// Whether the client never learned that the transaction committed.
    pub(super) indefinite: Vec<bool>,
    /// Where each transaction's steps begin, and the end of the last.
    starts: Vec<u32>,
    steps: Vec<Step>,
    /// By value that no other transaction wrote, one that would have written it and failed.
    pub(super) aborted: FxHashMap<u32, OperationId>,
    /// Keys of the values that one transaction wrote and another would have written and failed.
    redone: FxHashSet<u32>,
    /// By key, the elements of the longest list that a read showed, but for those of transactions that failed.
    pub(super) longest: Vec<Vec<u32>>,
}

/// The micro-operations of transactions that may have happened, in the history's order: their keys and, of writes and
/// appends, their values.
type Sites = Vec<(u32, u32)>;

impl<'h> Draft<'h> {
    pub(super) fn of(history: &'h History, unknowns: Unknowns, budget: &Budget) -> Result<Self, Unfit> {
        if !history.operations().iter().any(|operation| operation.function == Function::Txn) {
            return Err(Unfit::NoTransactions);
        }
        let mut draft = Self { unknowns, starts: vec![0], ..Self::default() };
        let mut sites = draft.find_kinds(history, budget)?.into_iter();
        for (i, (id, operation)) in history.iter().enumerate() {
            if i % 65_536 == 0 {
                budget.check()?;
            }
            if takes_part(operation)? && !draft.is_aborted(operation) {
                draft.add(history, id, operation, &mut sites)?;
            }
        }
        let nothing = draft.indefinite.iter().all(|&indefinite| indefinite);
        if nothing { Err(Unfit::NothingObserved) } else { Ok(draft) }
    }

    /// A key is a list if some transaction appends to it, or none writes it and a read shows a list.
    fn find_kinds(&mut self, history: &'h History, budget: &Budget) -> Result<Sites, Unfit> {
        let mut written = Vec::new();
        let mut listed = Vec::new();
        let mut sites = Vec::with_capacity(history.operations().len());
        let mut failures = Vec::new();
        for (i, (id, operation)) in history.iter().enumerate() {
            if i % 65_536 == 0 {
                budget.check()?;
            }
            if !takes_part(operation)? {
                continue;
            }
            let failed = self.is_aborted(operation);
            for micro in micros(history, id, operation)? {
                let Micro { function, key, value } = micro?;
                let key = self.key(key) as usize;
                written.resize(self.names.len(), false);
                listed.resize(self.names.len(), false);
                match function {
                    "w" => written[key] = true,
                    "append" => self.kinds[key] = KeyKind::List,
                    _ => {
                        listed[key] |= matches!(&*value, Value::List(_));
                        if !failed {
                            sites.push((key as u32, NONE));
                        }
                        continue;
                    }
                }
                let value = self.values.id(key as u32, value);
                if failed {
                    self.aborted.entry(value).or_insert(id);
                    failures.push((key as u32, value));
                } else {
                    sites.push((key as u32, value));
                }
            }
        }
        if !self.aborted.is_empty() {
            let kept: FxHashSet<u32> = sites.iter().map(|site| site.1).collect();
            self.aborted.retain(|value, _| !kept.contains(value));
            let redone = failures.into_iter().filter(|(_, value)| kept.contains(value));
            self.redone = redone.map(|(key, _)| key).collect();
        }
        for key in 0..self.names.len() {
            match self.kinds[key] {
                KeyKind::List if written[key] => return Err(Unfit::Mixed(self.name(key as u32))),
                KeyKind::Register if listed[key] && !written[key] => self.kinds[key] = KeyKind::List,
                _ => {}
            }
        }
        self.longest = vec![Vec::new(); self.names.len()];
        Ok(sites)
    }

    fn is_aborted(&self, operation: &Operation) -> bool {
        match operation.outcome {
            Outcome::Fail => true,
            Outcome::Info => self.unknowns == Unknowns::Aborted,
            Outcome::Ok => false,
        }
    }

    fn key(&mut self, key: Cow<'h, Value>) -> u32 {
        let next = self.names.len() as u32;
        let id = match &*key {
            Value::Int(whole) => *self.whole_keys.entry(*whole).or_insert(next),
            _ => *self.keys.entry(key.clone()).or_insert(next),
        };
        if id == next {
            self.names.push(key);
            self.kinds.push(KeyKind::Register);
        }
        id
    }

    pub(super) fn name(&self, key: u32) -> String {
        match &*self.names[key as usize] {
            Value::Text(text) => text.to_string(),
            other => other.to_string(),
        }
    }

    fn add(
        &mut self,
        history: &'h History,
        id: OperationId,
        operation: &'h Operation,
        sites: &mut impl Iterator<Item = (u32, u32)>,
    ) -> Result<(), Unfit> {
        let indefinite = operation.outcome == Outcome::Info;
        for (micro, (key, written)) in micros(history, id, operation)?.zip(sites) {
            let Micro { function, value, .. } = micro?;
            let is_read = function == "r";
            let step = match self.kinds[key as usize] {
                // The client never learned what it read.
                _ if is_read && indefinite => continue,
                KeyKind::Register if is_read && value.is_null() => Step::Read { key, value: NONE },
                KeyKind::Register if is_read => Step::Read { key, value: self.values.id(key, value) },
                KeyKind::Register => Step::Write { key, value: written },
                KeyKind::List if is_read => self.read_list(key, value),
                KeyKind::List => Step::Append { key, value: written },
            };
            self.steps.push(step);
        }
        self.operations.push(id);
        self.indefinite.push(indefinite);
        self.starts.push(self.steps.len() as u32);
        Ok(())
    }

    /// Compares a list with the longest of its key, which costs one comparison an element.
    fn read_list(&mut self, key: u32, value: Cow<'h, Value>) -> Step {
        let elements: &[Value] = match &*value {
            Value::Null => &[],
            Value::List(elements) => elements,
            // What is no list shows an element that no transaction appended.
            other => std::slice::from_ref(other),
        };
        let known = self.longest[key as usize].len();
        let mut length = 0;
        for (place, element) in elements.iter().enumerate() {
            if length < known && self.values.get(self.longest[key as usize][length]) == element {
                length += 1;
                continue;
            }
            let value = self.values.id(key, Cow::Owned(element.clone()));
            if self.aborted.contains_key(&value) {
                let next = elements.get(place + 1);
                let behind = next.map_or(NONE, |next| self.values.id(key, Cow::Owned(next.clone())));
                self.steps.push(Step::ReadAborted { key, value, behind });
                continue;
            }
            if length < known {
                return Step::ReadOther { key, value };
            }
            self.longest[key as usize].push(value);
            length += 1;
        }
        Step::ReadList { key, length: length as u32 }
    }

    /// Lists whose reads do not tell which of two transactions appended an element, where what did not commit may be read.
    pub(super) fn dirty_lists(&self) -> FxHashSet<u32> {
        match self.unknowns {
            Unknowns::Committed => FxHashSet::default(),
            Unknowns::Aborted => self.redone.clone(),
        }
    }

    /// Whether what did not commit makes a difference to what reads tell.
    pub(super) fn has_dirty(&self) -> bool {
        self.indefinite.contains(&true) || !self.redone.is_empty()
    }

    pub(super) fn count(&self) -> u32 {
        self.operations.len() as u32
    }

    pub(super) fn steps(&self, transaction: u32) -> &[Step] {
        let t = transaction as usize;
        &self.steps[self.starts[t] as usize..self.starts[t + 1] as usize]
    }
}

/// Whether an operation counts among the transactions: one on a single key is a transaction of one.
fn takes_part(operation: &Operation) -> Result<bool, Unfit> {
    match &operation.function {
        Function::Txn => Ok(true),
        Function::Read | Function::Write | Function::Append => Ok(operation.key.is_some()),
        Function::Dump | Function::ReadAll => Ok(false),
        other => Err(Unfit::Foreign(other.clone())),
    }
}

/// The micro-operations of a transaction, or an operation on one key as one.
enum Items<'v, I> {
    Single(Option<Micro<'v>>),
    Transaction(I, OperationId),
}

impl<'v, I: Iterator<Item = Option<Micro<'v>>>> Iterator for Items<'v, I> {
    type Item = Result<Micro<'v>, Unfit>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Single(micro) => micro.take().map(Ok),
            Self::Transaction(items, id) => Some(match items.next()? {
                Some(micro) if matches!(micro.function, "r" | "w" | "append") => Ok(micro),
                _ => Err(Unfit::Malformed(*id)),
            }),
        }
    }
}

/// What an operation did, or was to do; an error for a transaction that holds something else than reads, writes and
/// appends.
fn micros<'h>(
    history: &'h History,
    id: OperationId,
    operation: &'h Operation,
) -> Result<impl Iterator<Item = Result<Micro<'h>, Unfit>>, Unfit> {
    let told = if operation.is_ok() { operation.reply() } else { operation.call() };
    let function = match operation.function {
        Function::Read => "r",
        Function::Write => "w",
        Function::Append => "append",
        _ => {
            let items = told.micros().ok_or(Unfit::Malformed(id))?;
            return Ok(Items::Transaction(items.map(Result::ok), id));
        }
    };
    let key = operation.key.map_or(Value::Null, |key| named(history.key(key).as_str()));
    let value = if function == "r" { operation.reply() } else { operation.call() };
    Ok(Items::Single(Some(Micro { function, key: Cow::Owned(key), value: Cow::Borrowed(value) })))
}

/// A key as transactions name it: files write numbers as numbers there.
fn named(key: &str) -> Value {
    key.parse().map_or_else(|_| Value::text(key), Value::Int)
}
