//! A counter with increments, decrements and reads.
//!
//! It wraps where 64 bits overflow; no history that was seen does.

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
    type State = i64;
    type Call = CounterCall;
    type Reply = i64;

    fn initial(&self) -> i64 {
        self.initial
    }

    fn step(&self, state: &i64, call: &CounterCall, reply: Option<&i64>) -> Option<i64> {
        let after = match call {
            CounterCall::Read => *state,
            CounterCall::Add(amount) => state.wrapping_add(*amount),
        };
        reply.is_none_or(|&seen| seen == after).then_some(after)
    }

    fn effect(&self, call: &CounterCall, reply: Option<&i64>) -> Effect {
        match (call, reply) {
            (CounterCall::Read | CounterCall::Add(0), _) => Effect::Reads,
            (CounterCall::Add(_), None) => Effect::Blind,
            (CounterCall::Add(_), Some(_)) => Effect::Unknown,
        }
    }
}
