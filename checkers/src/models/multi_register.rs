//! Several registers, read and written together in one atomic step.
//!
//! It says nothing of isolation levels: every transaction is one operation.

use std::collections::BTreeMap;

use histories::Value;

use super::{Effect, Model};

/// Registers by key; a key that was never written holds null.
#[derive(Clone, Debug, Default)]
pub struct MultiRegister {
    pub initial: BTreeMap<Value, Value>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MicroOperation {
    Read(Value),
    Write(Value, Value),
}

impl MultiRegister {
    /// As [`Model::step`], in place; false where it would not have been answered so, and then some of it is done.
    pub fn apply(
        state: &mut BTreeMap<Value, Value>,
        call: &[MicroOperation],
        reply: Option<&Vec<Value>>,
    ) -> bool {
        let mut seen = reply.map(|reply| reply.iter());
        call.iter().all(|micro| match (micro, &mut seen) {
            (MicroOperation::Write(key, value), _) => {
                state.insert(key.clone(), value.clone());
                true
            }
            (MicroOperation::Read(key), Some(seen)) => {
                seen.next() == Some(state.get(key).unwrap_or(&Value::Null))
            }
            (MicroOperation::Read(_), None) => true,
        })
    }
}

impl Model for MultiRegister {
    type State = BTreeMap<Value, Value>;
    type Call = Vec<MicroOperation>;
    /// What each read saw, in order.
    type Reply = Vec<Value>;

    fn initial(&self) -> Self::State {
        self.initial.clone()
    }

    fn step(
        &self,
        state: &Self::State,
        call: &Self::Call,
        reply: Option<&Vec<Value>>,
    ) -> Option<Self::State> {
        let mut after = state.clone();
        Self::apply(&mut after, call, reply).then_some(after)
    }

    fn effect(&self, call: &Self::Call, reply: Option<&Vec<Value>>) -> Effect {
        let writes = call.iter().any(|micro| matches!(micro, MicroOperation::Write(..)));
        let reads = call.iter().any(|micro| matches!(micro, MicroOperation::Read(_)));
        match (writes, reads && reply.is_some()) {
            (false, _) => Effect::Reads,
            (true, false) => Effect::Blind,
            (true, true) => Effect::Unknown,
        }
    }

    fn state_bytes(&self, state: &Self::State) -> usize {
        // A node of the tree has room for eleven entries, and all but the first hold five at least.
        let nodes = state.len().div_ceil(5);
        size_of::<Self::State>() + nodes * 11 * size_of::<(Value, Value)>()
    }
}
