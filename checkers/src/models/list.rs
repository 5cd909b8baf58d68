//! A list that is appended to, replaced and read as a whole.
//!
//! It knows no positions: an element may be appended more than once.

use histories::Value;

use super::{Effect, Model};

/// A list, at first empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct List;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListCall {
    Read,
    Append(Value),
    /// Replaces the whole list.
    Write(Vec<Value>),
}

impl Model for List {
    type State = Vec<Value>;
    type Call = ListCall;
    type Reply = Vec<Value>;

    fn initial(&self) -> Vec<Value> {
        Vec::new()
    }

    fn step(&self, state: &Vec<Value>, call: &ListCall, reply: Option<&Vec<Value>>) -> Option<Vec<Value>> {
        match call {
            ListCall::Read => reply.is_none_or(|seen| seen == state).then(|| state.clone()),
            ListCall::Write(items) => Some(items.clone()),
            ListCall::Append(item) => {
                let mut after = Vec::with_capacity(state.len() + 1);
                after.extend_from_slice(state);
                after.push(item.clone());
                Some(after)
            }
        }
    }

    fn effect(&self, call: &ListCall, _reply: Option<&Vec<Value>>) -> Effect {
        match call {
            ListCall::Read => Effect::Reads,
            ListCall::Write(_) => Effect::Overwrites,
            ListCall::Append(_) => Effect::Blind,
        }
    }

    fn state_bytes(&self, state: &Vec<Value>) -> usize {
        size_of::<Self::State>() + state.len() * size_of::<Value>()
    }
}
