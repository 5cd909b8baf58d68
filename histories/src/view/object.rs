//! What keys hold, where somebody says so: one function has several names among tools, and one name several meanings.
//!
//! It never renames a function to what the object does not have.

use std::fmt;
use std::str::FromStr;

use super::{ViewError, place};
use crate::{Function, History};

macro_rules! objects {
    ($($variant:ident $name:literal { $($function:literal: $($other:literal)*;)* })*) => {
        /// What a key holds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Object { $($variant,)* }

        impl Object {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The functions that it has, by our names.
            pub fn functions(self) -> Vec<&'static str> {
                match self { $(Self::$variant => vec![$($function),*],)* }
            }

            /// Our name for what a tool calls `name`, `None` where this object has no such function.
            pub(super) fn function(self, name: &str) -> Option<Function> {
                let ours = match self {
                    $(Self::$variant => match name { $($function $(| $other)* => $function,)* _ => return None },)*
                };
                Some(Function::from(ours))
            }
        }
    };
}

objects! {
    Register "register" {
        "read": "get" "r" "read-all";
        "write": "put" "set" "w";
        "cas": "compare-and-set" "compare-and-swap";
    }
    Kv "kv" {
        "read": "get" "r";
        "write": "put" "set" "w";
        "append":;
    }
    List "list" {
        "append": "add" "push" "conj";
        "read-all": "read" "get" "r";
        "write": "put" "set" "w";
    }
    Set "set" {
        "add": "insert" "put" "conj" "write" "w";
        "remove": "delete" "del";
        "read-all": "read" "get" "members" "r";
    }
    Counter "counter" {
        "increment": "add" "inc" "incr";
        "decrement": "sub" "subtract" "dec" "decr";
        "read": "get" "r";
    }
    Queue "queue" {
        "enqueue": "enq" "push" "put" "send" "offer";
        "dequeue": "deq" "pop" "poll" "take" "recv";
        "drain":;
    }
    Stack "stack" {
        "push":;
        "pop":;
    }
    Mutex "mutex" {
        "acquire": "lock";
        "release": "unlock";
    }
    Transactions "txn" {
        "txn": "transaction" "read" "write";
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Object {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|object| object.name() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|object| object.name()).collect();
            format!("no object is called {text:?}; the objects are {}", known.join(", "))
        })
    }
}

/// Gives every operation the object's own name for what it does. A node's dump is of no object.
pub(super) fn rename(history: &mut History, object: Object) -> Result<(), ViewError> {
    for index in 0..history.operations.len() {
        let operation = &history.operations[index];
        if operation.function == Function::Dump {
            continue;
        }
        let Some(function) = object.function(operation.function.name()) else {
            let (function, place) = (operation.function.clone(), place(history, operation.call_event));
            return Err(ViewError::NotOfObject { object, function, place });
        };
        history.operations[index].function = function;
    }
    Ok(())
}
