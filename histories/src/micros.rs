//! Micro-operations of transactions, side by side: of those a history has more than of anything else.
//!
//! It never changes what a value says. As a list of `[function, key, value]` it is equal to that list, which is made
//! only for who asks for it.

use std::borrow::Cow;
use std::slice;
use std::sync::OnceLock;

use crate::Value;
use crate::packed::{self, Packed};

/// What a transaction does to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Micro<'a> {
    /// `r`, `w`, `append` or another tool's word.
    pub function: &'a str,
    pub key: Cow<'a, Value>,
    /// What was written, or seen: null where nobody has answered yet.
    pub value: Cow<'a, Value>,
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

impl Row {
    /// What was asked, where the key is a whole number.
    fn asked(&self) -> Option<(Verb, i64, Value)> {
        let value = if self.verb == Verb::Read { Value::Null } else { self.value.clone() };
        Some((self.verb, self.key.as_int()?, value))
    }
}

/// The micro-operations of a transaction.
#[derive(Debug)]
pub struct Micros {
    items: Items,
    derived: OnceLock<Box<Derived>>,
}

#[derive(Debug)]
enum Items {
    Packed(Packed),
    Rows(Box<[Row]>),
}

/// What follows from the items, once somebody has asked for it.
#[derive(Debug, Default)]
struct Derived {
    listed: OnceLock<Box<[Value]>>,
    question: OnceLock<Value>,
}

const _: () = assert!(size_of::<Row>() <= 40 && size_of::<Micros>() <= 40);

impl Micros {
    pub(crate) fn new(rows: Vec<Row>) -> Self {
        match Packed::of(&rows) {
            Some(packed) => Self::packed(packed),
            None => Self { items: Items::Rows(rows.into()), derived: OnceLock::new() },
        }
    }

    pub(crate) fn packed(packed: Packed) -> Self {
        Self { items: Items::Packed(packed), derived: OnceLock::new() }
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

    pub(crate) fn each(&self) -> Iter<'_> {
        match &self.items {
            Items::Packed(packed) => Iter::Packed(packed.iter()),
            Items::Rows(rows) => Iter::Rows(rows.iter()),
        }
    }

    /// The same, where all keys are whole numbers, and values those, lists of them or null, and this is held so.
    pub(crate) fn numbers(&self) -> Option<packed::Iter<'_>> {
        if let Items::Packed(packed) = &self.items { Some(packed.iter()) } else { None }
    }

    /// What was asked, where this is the answer: of what was read nothing is known.
    pub(crate) fn question(&self) -> &Value {
        self.derived().question.get_or_init(|| match &self.items {
            Items::Packed(packed) => Value::Txn(Self::packed(packed.question()).into()),
            Items::Rows(_) => {
                Value::Txn(self.with_values(|micro| (micro.function == "r").then_some(Value::Null)).into())
            }
        })
    }

    /// Whether [`Micros::question`] of `answer` is this.
    pub(crate) fn is_question_of(&self, answer: &Self) -> bool {
        match (&self.items, &answer.items) {
            (Items::Packed(asked), Items::Packed(answered)) => asked.is_question_of(answered),
            (Items::Packed(asked), Items::Rows(answered)) => {
                let answered = answered.iter().map(Row::asked);
                asked.iter().map(|(verb, key, value)| Some((verb, key, value.into_value()))).eq(answered)
            }
            _ => self.each().eq(answer.each().map(|micro| match micro.function {
                "r" => Micro { value: Cow::Owned(Value::Null), ..micro },
                _ => micro,
            })),
        }
    }

    /// The same where reads that saw `value` saw nothing, if `changes` says so of the key.
    pub(crate) fn unread(&self, value: i64, changes: impl Fn(i64) -> bool) -> Self {
        match &self.items {
            Items::Packed(packed) => Self::packed(packed.unread(value, changes)),
            Items::Rows(_) => self.with_values(|micro| {
                let saw_it = micro.function == "r" && micro.value.as_int() == Some(value);
                (saw_it && micro.key.as_int().is_some_and(&changes)).then_some(Value::Null)
            }),
        }
    }

    /// The same with other values where `change` gives one.
    fn with_values(&self, change: impl Fn(&Micro<'_>) -> Option<Value>) -> Self {
        let row = |micro: Micro<'_>| {
            let verb = Verb::of(micro.function)?;
            let value = change(&micro).unwrap_or_else(|| micro.value.into_owned());
            Some(Row { verb, key: micro.key.into_owned(), value })
        };
        Self::new(self.each().filter_map(row).collect())
    }

    /// As a list of lists.
    pub(crate) fn listed(&self) -> &[Value] {
        self.derived().listed.get_or_init(|| {
            let list = |micro: Micro<'_>| {
                Value::list([Value::word(micro.function), micro.key.into_owned(), micro.value.into_owned()])
            };
            self.each().map(list).collect()
        })
    }

    fn derived(&self) -> &Derived {
        self.derived.get_or_init(Box::default)
    }

    /// Memory, by estimate.
    pub(crate) fn heap_bytes(&self) -> u64 {
        let row = |row: &Row| size_of::<Row>() as u64 + row.key.heap_bytes() + row.value.heap_bytes();
        let held = match &self.items {
            Items::Packed(packed) => packed.heap_bytes(),
            Items::Rows(rows) => rows.iter().map(row).sum(),
        };
        size_of::<Self>() as u64 + 24 + held
    }
}

impl PartialEq for Micros {
    fn eq(&self, other: &Self) -> bool {
        match (&self.items, &other.items) {
            (Items::Packed(one), Items::Packed(other)) => one == other,
            _ => self.each().eq(other.each()),
        }
    }
}

/// One micro-operation after the other.
pub(crate) enum Iter<'a> {
    Packed(packed::Iter<'a>),
    Rows(slice::Iter<'a, Row>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Micro<'a>;

    fn next(&mut self) -> Option<Micro<'a>> {
        match self {
            Self::Packed(items) => items.next().map(packed::micro),
            Self::Rows(rows) => rows.next().map(|row| Micro {
                function: row.verb.name(),
                key: Cow::Borrowed(&row.key),
                value: Cow::Borrowed(&row.value),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::hash_map::DefaultHasher;
    use std::hash::{Hash, Hasher};

    use proptest::prelude::*;

    use super::*;

    /// Mostly whole numbers and null, as in histories.
    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            4 => any::<i64>().prop_map(Value::Int),
            8 => (-300_i64..300).prop_map(Value::Int),
            4 => Just(Value::Null),
            1 => "[a-c]{0,2}".prop_map(Value::text),
            1 => proptest::collection::vec((0_i64..3).prop_map(Value::Int), 0..3).prop_map(Value::list),
        ]
    }

    fn list() -> impl Strategy<Value = Value> {
        let verb = prop_oneof![Just("r"), Just("w"), Just("append")];
        let micro = (verb, value(), value());
        let micro = micro.prop_map(|(verb, key, value)| Value::list([verb.into(), key, value]));
        proptest::collection::vec(micro, 1..9).prop_map(Value::list)
    }

    fn hash(value: &Value) -> u64 {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        hasher.finish()
    }

    /// The answer's list with null in place of what was read.
    fn question(list: &Value) -> Value {
        let items = list.as_list().unwrap().iter().map(|item| match item.as_list().unwrap() {
            [verb, key, _] if *verb == "r".into() => Value::list([verb.clone(), key.clone(), Value::Null]),
            _ => item.clone(),
        });
        Value::list(items)
    }

    proptest! {
        #[test]
        fn a_transaction_says_what_its_list_says(one in list(), other in list()) {
            let (txn, other_txn) = (one.clone().compact(), other.clone().compact());
            prop_assert!(matches!(txn, Value::Txn(_)));
            prop_assert_eq!(&txn, &one);
            prop_assert_eq!(hash(&txn), hash(&one));
            prop_assert_eq!(txn.to_string(), one.to_string());
            prop_assert_eq!(serde_json::to_string(&txn).unwrap(), serde_json::to_string(&one).unwrap());
            let micros = |value: &Value| format!("{:?}", value.micros().unwrap().collect::<Vec<_>>());
            prop_assert_eq!(micros(&txn).replace("Owned", "Borrowed"), micros(&one));
            for (left, right) in [(&txn, &other_txn), (&txn, &other), (&one, &other_txn)] {
                prop_assert_eq!(left.cmp(right), one.cmp(&other));
                prop_assert_eq!(left == right, one == other);
            }
        }

        #[test]
        fn a_question_is_its_answer_without_what_was_read(answer in list(), other in list()) {
            let asked = question(&answer);
            let (Value::Txn(txn), Value::Txn(other)) = (answer.compact(), other.compact()) else { panic!("lists") };
            prop_assert_eq!(txn.question(), &asked);
            let Value::Txn(asked) = asked.compact() else { panic!("a list") };
            prop_assert!(asked.is_question_of(&txn));
            prop_assert_eq!(asked.is_question_of(&other), other.question() == txn.question());
        }
    }
}
