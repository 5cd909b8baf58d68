//! One key of a key-value store whose values are strings: put, append, get.
//!
//! It never splits a string: what was appended is known from the calls alone.

use super::{Effect, Model};

/// A string that is replaced, extended and read. At first it is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kv;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KvCall {
    Get,
    Put(String),
    Append(String),
}

impl Model for Kv {
    type State = String;
    type Call = KvCall;
    type Reply = String;

    fn initial(&self) -> String {
        String::new()
    }

    fn step(&self, state: &String, call: &KvCall, reply: Option<&String>) -> Option<String> {
        match call {
            KvCall::Get => reply.is_none_or(|seen| seen == state).then(|| state.clone()),
            KvCall::Put(value) => Some(value.clone()),
            KvCall::Append(value) => Some([state.as_str(), value].concat()),
        }
    }

    fn effect(&self, call: &KvCall, _reply: Option<&String>) -> Effect {
        match call {
            KvCall::Get => Effect::Reads,
            KvCall::Put(_) => Effect::Overwrites,
            KvCall::Append(_) => Effect::Blind,
        }
    }

    fn state_bytes(&self, state: &String) -> usize {
        size_of::<String>() + state.len()
    }
}
