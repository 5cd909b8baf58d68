//! Queues: first in, first out, and without any order.
//!
//! Neither has a limit: an enqueue is never refused.

use finding::Stop;
use histories::Value;

use super::{Effect, Model, Nondeterministic, Successors};

/// Elements leave in the order in which they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct FifoQueue;

/// Elements leave in any order. Wrap it in [`super::PowerSet`].
#[derive(Clone, Copy, Debug, Default)]
pub struct UnorderedQueue;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum QueueCall {
    Enqueue(Value),
    /// A reply is the element that was taken, null from an empty queue.
    Dequeue,
    /// Takes all that is there at one moment. A reply is the list of it, whose order says nothing.
    Drain,
}

/// Whether a drain that was answered with `taken` took all that is in a queue.
fn is_all(state: &[Value], taken: &Value) -> bool {
    let sorted = |items: &[Value]| {
        let mut items = items.to_vec();
        items.sort_unstable();
        items
    };
    let taken = taken.as_list().unwrap_or_default();
    taken.len() == state.len() && sorted(taken) == sorted(state)
}

impl Model for FifoQueue {
    type State = Vec<Value>;
    type Call = QueueCall;
    type Reply = Value;

    fn initial(&self) -> Vec<Value> {
        Vec::new()
    }

    fn step(&self, state: &Vec<Value>, call: &QueueCall, reply: Option<&Value>) -> Option<Vec<Value>> {
        match call {
            QueueCall::Enqueue(value) => {
                let mut after = Vec::with_capacity(state.len() + 1);
                after.extend_from_slice(state);
                after.push(value.clone());
                Some(after)
            }
            QueueCall::Dequeue => {
                let head = state.first().unwrap_or(&Value::Null);
                reply.is_none_or(|taken| taken == head).then(|| state.iter().skip(1).cloned().collect())
            }
            QueueCall::Drain => reply.is_none_or(|taken| is_all(state, taken)).then(Vec::new),
        }
    }

    fn effect(&self, call: &QueueCall, reply: Option<&Value>) -> Effect {
        effect(call, reply)
    }

    fn state_bytes(&self, state: &Vec<Value>) -> usize {
        size_of::<Self::State>() + state.len() * size_of::<Value>()
    }
}

impl Nondeterministic for UnorderedQueue {
    /// Sorted.
    type State = Vec<Value>;
    type Call = QueueCall;
    type Reply = Value;

    fn initial(&self) -> Vec<Value> {
        Vec::new()
    }

    fn step(
        &self,
        state: &Vec<Value>,
        call: &QueueCall,
        reply: Option<&Value>,
        next: &mut Successors<'_, '_, Vec<Value>>,
    ) -> Result<(), Stop> {
        let without = |at: usize| [&state[..at], &state[at + 1..]].concat();
        match (call, reply) {
            (QueueCall::Enqueue(value), _) => {
                let at = state.partition_point(|other| other < value);
                next.push([&state[..at], std::slice::from_ref(value), &state[at..]].concat())
            }
            (QueueCall::Dequeue, None | Some(Value::Null)) if state.is_empty() => next.push(Vec::new()),
            (QueueCall::Dequeue, Some(value)) => match state.binary_search(value) {
                Ok(at) => next.push(without(at)),
                Err(_) => Ok(()),
            },
            (QueueCall::Dequeue, None) => (0..state.len())
                .filter(|&at| at == 0 || state[at - 1] != state[at])
                .try_for_each(|at| next.push(without(at))),
            (QueueCall::Drain, Some(taken)) if !is_all(state, taken) => Ok(()),
            (QueueCall::Drain, _) => next.push(Vec::new()),
        }
    }

    fn effect(&self, call: &QueueCall, reply: Option<&Value>) -> Effect {
        effect(call, reply)
    }

    fn state_bytes(&self, state: &Vec<Value>) -> usize {
        size_of::<Self::State>() + state.len() * size_of::<Value>()
    }
}

fn effect(call: &QueueCall, reply: Option<&Value>) -> Effect {
    match (call, reply) {
        (QueueCall::Dequeue, Some(Value::Null)) => Effect::Reads,
        (QueueCall::Drain, Some(taken)) if taken.as_list().is_some_and(<[_]>::is_empty) => Effect::Reads,
        (QueueCall::Dequeue | QueueCall::Drain, Some(_)) => Effect::Unknown,
        (QueueCall::Drain, None) => Effect::Overwrites,
        (QueueCall::Enqueue(_), _) | (QueueCall::Dequeue, None) => Effect::Blind,
    }
}
