//! A stack: last in, first out.
//!
//! It has no limit: a push is never refused.

use histories::Value;

use super::{Effect, Model};

/// A stack, at first empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stack;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StackCall {
    Push(Value),
    /// A reply is the element that was taken, null from an empty stack.
    Pop,
}

impl Model for Stack {
    type State = Vec<Value>;
    type Call = StackCall;
    type Reply = Value;

    fn initial(&self) -> Vec<Value> {
        Vec::new()
    }

    fn step(&self, state: &Vec<Value>, call: &StackCall, reply: Option<&Value>) -> Option<Vec<Value>> {
        match call {
            StackCall::Push(value) => {
                let mut after = Vec::with_capacity(state.len() + 1);
                after.extend_from_slice(state);
                after.push(value.clone());
                Some(after)
            }
            StackCall::Pop => {
                let top = state.last().unwrap_or(&Value::Null);
                reply
                    .is_none_or(|taken| taken == top)
                    .then(|| state[..state.len().saturating_sub(1)].to_vec())
            }
        }
    }

    fn effect(&self, call: &StackCall, reply: Option<&Value>) -> Effect {
        match (call, reply) {
            (StackCall::Pop, Some(Value::Null)) => Effect::Reads,
            (StackCall::Pop, Some(_)) => Effect::Unknown,
            (StackCall::Push(_), _) | (StackCall::Pop, None) => Effect::Blind,
        }
    }

    fn state_bytes(&self, state: &Vec<Value>) -> usize {
        size_of::<Self::State>() + state.len() * size_of::<Value>()
    }
}
