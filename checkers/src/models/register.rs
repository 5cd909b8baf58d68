//! A register with reads, writes and compare-and-set.
//!
//! A compare-and-set that failed is no call here: where it says what it saw it is a read, else nothing.

use histories::Value;

use super::{Effect, Model};

/// One register. Without compare-and-sets it is the plain read/write register.
#[derive(Clone, Debug, Default)]
pub struct Register {
    pub initial: Value,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RegisterCall {
    Read,
    Write(Value),
    /// One that succeeded, or may have.
    Cas {
        from: Value,
        to: Value,
    },
}

impl Model for Register {
    type State = Value;
    type Call = RegisterCall;
    type Reply = Value;

    fn initial(&self) -> Value {
        self.initial.clone()
    }

    fn step(&self, state: &Value, call: &RegisterCall, reply: Option<&Value>) -> Option<Value> {
        match call {
            RegisterCall::Read => reply.is_none_or(|seen| seen == state).then(|| state.clone()),
            RegisterCall::Write(value) => Some(value.clone()),
            RegisterCall::Cas { from, to } => (from == state).then(|| to.clone()),
        }
    }

    fn effect(&self, call: &RegisterCall, _reply: Option<&Value>) -> Effect {
        match call {
            RegisterCall::Read => Effect::Reads,
            RegisterCall::Write(_) => Effect::Overwrites,
            RegisterCall::Cas { .. } => Effect::Unknown,
        }
    }
}
