//! Micro-operations of transactions, side by side: of those a history has more than of anything else.
//!
//! It never changes what a value says. As a list of `[function, key, value]` it is equal to that list, which is made
//! only for who asks for it.

use std::sync::{Arc, OnceLock};

use crate::Value;

/// What a transaction does to one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Micro<'a> {
    /// `r`, `w`, `append` or another tool's word.
    pub function: &'a str,
    pub key: &'a Value,
    /// What was written, or seen: null where nobody has answered yet.
    pub value: &'a Value,
}

/// Micro-operations that every history has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Read,
    Write,
    Append,
}

impl Verb {
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "r" => Some(Self::Read),
            "w" => Some(Self::Write),
            "append" => Some(Self::Append),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "r",
            Self::Write => "w",
            Self::Append => "append",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) verb: Verb,
    pub(crate) key: Value,
    pub(crate) value: Value,
}

/// The micro-operations of a transaction.
#[derive(Debug)]
pub struct Micros {
    /// Shared between what a client asked and what it was answered.
    rows: Arc<[Row]>,
    /// The values instead of those in the rows, where these are not the same.
    values: Option<Box<[Value]>>,
    listed: OnceLock<Box<[Value]>>,
}

const _: () = assert!(size_of::<Row>() <= 40);

impl Micros {
    pub(crate) fn new(rows: Vec<Row>) -> Self {
        Self { rows: rows.into(), values: None, listed: OnceLock::new() }
    }

    /// The same from a list of `[function, key, value]`; `None` where an item is another.
    pub(crate) fn of(list: &[Value]) -> Option<Self> {
        let row = |item: &Value| match item {
            Value::List(parts) => match &parts[..] {
                [Value::Text(name), key, value] => {
                    Some(Row { verb: Verb::of(name)?, key: key.clone(), value: value.clone() })
                }
                _ => None,
            },
            _ => None,
        };
        list.iter().map(row).collect::<Option<Vec<Row>>>().map(Self::new)
    }

    /// With functions and keys held once, where `asked` has the same.
    pub(crate) fn answering(self, asked: &Self) -> Self {
        let same = |(one, other): (&Row, &Row)| one.verb == other.verb && one.key == other.key;
        let fits = self.values.is_none() && self.rows.len() == asked.rows.len();
        if !fits || !self.rows.iter().zip(&*asked.rows).all(same) {
            return self;
        }
        let values = self.rows.iter().map(|row| row.value.clone()).collect();
        Self { rows: Arc::clone(&asked.rows), values: Some(values), listed: OnceLock::new() }
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Micro<'_>> {
        self.rows.iter().enumerate().map(|(place, row)| Micro {
            function: row.verb.name(),
            key: &row.key,
            value: self.values.as_ref().map_or(&row.value, |values| &values[place]),
        })
    }

    /// The same with other values where `change` gives one.
    pub(crate) fn with_values(&self, change: impl Fn(Micro<'_>) -> Option<Value>) -> Self {
        let values = self.iter().map(|micro| change(micro).unwrap_or_else(|| micro.value.clone())).collect();
        Self { rows: Arc::clone(&self.rows), values: Some(values), listed: OnceLock::new() }
    }

    /// As a list of lists.
    pub(crate) fn listed(&self) -> &[Value] {
        self.listed.get_or_init(|| {
            let list = |micro: Micro<'_>| {
                Value::list([Value::word(micro.function), micro.key.clone(), micro.value.clone()])
            };
            self.iter().map(list).collect()
        })
    }

    /// Memory, by estimate; rows that are shared are the question's.
    pub(crate) fn heap_bytes(&self) -> u64 {
        let row = |row: &Row| size_of::<Row>() as u64 + row.key.heap_bytes();
        let held = match &self.values {
            Some(values) => 16 * values.len() as u64,
            None => 24 + self.rows.iter().map(row).sum::<u64>(),
        };
        let values: u64 = self.iter().map(|micro| micro.value.heap_bytes()).sum();
        size_of::<Self>() as u64 + 32 + held + values
    }
}
