//! A set with adds, removes, tests for one element and reads of the whole.
//!
//! An add of what is there, and a remove of what is not, succeed and change nothing.

use std::collections::BTreeSet;

use histories::Value;

use super::{Effect, Model};

/// A set, at first empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Set;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SetCall {
    Add(Value),
    Remove(Value),
    /// Reads the whole set.
    Read,
}

impl Model for Set {
    type State = BTreeSet<Value>;
    type Call = SetCall;
    type Reply = BTreeSet<Value>;

    fn initial(&self) -> BTreeSet<Value> {
        BTreeSet::new()
    }

    fn step(&self, state: &Self::State, call: &SetCall, reply: Option<&Self::Reply>) -> Option<Self::State> {
        match call {
            SetCall::Read => reply.is_none_or(|seen| seen == state).then(|| state.clone()),
            SetCall::Add(value) => {
                let mut after = state.clone();
                after.insert(value.clone());
                Some(after)
            }
            SetCall::Remove(value) => {
                let mut after = state.clone();
                after.remove(value);
                Some(after)
            }
        }
    }

    fn effect(&self, call: &SetCall, _reply: Option<&Self::Reply>) -> Effect {
        match call {
            SetCall::Read => Effect::Reads,
            SetCall::Add(_) | SetCall::Remove(_) => Effect::Blind,
        }
    }

    fn state_bytes(&self, state: &Self::State) -> usize {
        size_of::<Self::State>() + state.len() * 2 * size_of::<Value>()
    }
}
