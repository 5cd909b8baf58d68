//! A counter with increments, decrements and reads.
//!
//! It never overflows: amounts have 64 bits, the sum 128, and a history fewer than 2^32 operations.

use super::{Effect, Model};

/// A counter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counter {
    pub initial: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CounterCall {
    Read,
    /// Adds an amount, below zero for a decrement. A reply is the value after it.
    Add(i64),
}

impl Model for Counter {
    type State = i128;
    type Call = CounterCall;
    type Reply = i64;

    fn initial(&self) -> i128 {
        self.initial.into()
    }

    fn step(&self, state: &i128, call: &CounterCall, reply: Option<&i64>) -> Option<i128> {
        let after = match call {
            CounterCall::Read => *state,
            CounterCall::Add(amount) => state + i128::from(*amount),
        };
        reply.is_none_or(|&seen| i128::from(seen) == after).then_some(after)
    }

    fn effect(&self, call: &CounterCall, reply: Option<&i64>) -> Effect {
        match (call, reply) {
            (CounterCall::Read | CounterCall::Add(0), _) => Effect::Reads,
            (CounterCall::Add(_), None) => Effect::Blind,
            (CounterCall::Add(_), Some(_)) => Effect::Unknown,
        }
    }
}
