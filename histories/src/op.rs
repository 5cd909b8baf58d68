//! What a client asks for.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::name::{Name, TooManyNames};
use crate::printable::Printable;
use crate::{Micro, Value};

/// A key's name. Cheap to clone; interned as a [`crate::KeyId`] once a history is read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub Arc<str>);

impl Key {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Keys are looked up by their text.
impl std::borrow::Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// For people; [`Key::as_str`] is the name itself.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(&self.0).fmt(f)
    }
}

macro_rules! functions {
    ($($variant:ident = $name:literal, $doc:literal;)*) => {
        /// What an operation does: the field `f` of an event.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Function {
            $(#[doc = $doc] $variant,)*
            /// Anything else, kept by name.
            Custom(Name),
        }

        impl Function {
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Custom(name) => name.as_str(),
                }
            }

            /// What a file calls a function.
            pub fn named(name: &str) -> Result<Self, TooManyNames> {
                Ok(match name {
                    $($name => Self::$variant,)*
                    other => Self::Custom(Name::of(other)?),
                })
            }
        }
    };
}

functions! {
    Read = "read", "Reads a key; the completion carries the value seen.";
    Write = "write", "Writes a value to a key.";
    Cas = "cas", "Compare-and-set, value `[from, to]`; one that failed says what it saw in `seen`.";
    Replace = "replace", "Replaces the siblings that a read showed by a new value: `[siblings, value]`.";
    Append = "append", "Appends an element to a list.";
    Add = "add", "Adds an element to a set.";
    Remove = "remove", "Removes an element from a set.";
    ReadAll = "read-all", "Reads all that a key holds: a list, a set, the siblings of a register, a cart.";
    Increment = "increment", "Adds to a counter, or `[item, amount]` to a cart.";
    Decrement = "decrement", "Subtracts from a counter, or `[item, amount]` from a cart.";
    Enqueue = "enqueue", "Puts an element at the end of a queue.";
    Dequeue = "dequeue", "Takes an element from a queue.";
    Drain = "drain", "Takes all elements from a queue.";
    Acquire = "acquire", "Takes a lock.";
    Release = "release", "Gives a lock back.";
    Generate = "generate", "Asks for an identifier that nobody else has.";
    Transfer = "transfer", "Moves an amount between accounts, value `[from, to, amount]`.";
    Txn = "txn", "A transaction of micro-operations.";
    Dump = "dump", "One node's local state, never forwarded.";
}

const _: () = assert!(size_of::<Function>() == 4);

impl Function {
    /// Whether it reads what a key holds. A dump, which asks one node about itself, is none.
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Read | Self::ReadAll)
    }

    /// Whether it changes nothing, whatever it is asked.
    pub fn only_looks(&self) -> bool {
        matches!(self, Self::Read | Self::ReadAll | Self::Dump)
    }

    /// Whether it puts in place the value that it is invoked with, and means nothing without one.
    pub(crate) fn is_update(&self) -> bool {
        matches!(
            self,
            Self::Write | Self::Cas | Self::Replace | Self::Append | Self::Add | Self::Remove | Self::Enqueue
        )
    }
}

/// For names that somebody made up. [`Function::named`] is for those in files, of which there may be too many: here
/// one that finds no room is called `?`.
impl From<&str> for Function {
    fn from(name: &str) -> Self {
        Self::named(name).unwrap_or(Self::Custom(Name::BEYOND))
    }
}

/// For people; [`Function::name`] is the name itself.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(self.name()).fmt(f)
    }
}

/// Whether an operation changes nothing, where `asked` is what it is invoked with.
pub(crate) fn only_looks(function: &Function, asked: &Value) -> bool {
    let reads = |micro: Result<Micro<'_>, _>| micro.is_ok_and(|micro| micro.function == "r");
    let is_transaction = *function == Function::Txn;
    function.only_looks()
        || is_transaction && asked.micros().is_some_and(|mut micros| micros.by_ref().all(reads))
}

/// An operation as a client issues it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    pub function: Function,
    pub key: Option<Key>,
    pub value: Value,
}

impl Op {
    pub fn new(function: Function, key: impl Into<Key>, value: Value) -> Self {
        Self { function, key: Some(key.into()), value }
    }

    /// An operation on the whole system rather than on one key.
    pub fn global(function: Function, value: Value) -> Self {
        Self { function, key: None, value }
    }

    pub fn read(key: impl Into<Key>) -> Self {
        Self::new(Function::Read, key, Value::Null)
    }

    /// Whether it changes nothing: a transaction does so if it only reads.
    pub fn only_looks(&self) -> bool {
        only_looks(&self.function, &self.value)
    }

    /// The keys that it names; of a transaction those of its micro-operations.
    pub fn keys(&self) -> Vec<Key> {
        let micros = if self.function == Function::Txn { self.value.micros() } else { None };
        let named = |micro: Micro<'_>| match &*micro.key {
            Value::Text(text) => Key::from(text.as_str()),
            other => Key::from(other.to_string()),
        };
        self.key.iter().cloned().chain(micros.into_iter().flatten().flatten().map(named)).collect()
    }

    pub fn write(key: impl Into<Key>, value: impl Into<Value>) -> Self {
        Self::new(Function::Write, key, value.into())
    }

    pub fn cas(key: impl Into<Key>, from: impl Into<Value>, to: impl Into<Value>) -> Self {
        Self::new(Function::Cas, key, Value::list([from.into(), to.into()]))
    }
}
