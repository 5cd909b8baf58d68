//! Non-deterministic specifications, made deterministic by following every state at once.
//!
//! It never guesses: a step is possible if it is possible in one of the states.

use std::hash::Hash;

use finding::{Meter, Stop};

use super::{Effect, Model};

/// A sequential specification in which one call may lead to several states.
pub trait Nondeterministic: Sync {
    type State: Clone + Ord + Hash;
    type Call: Clone + Eq + Hash + Sync;
    type Reply: Clone + Eq + Hash + Sync;

    fn initial(&self) -> Self::State;

    /// Pushes each state that `call`, answered with `reply`, can lead to; none where it would not have been
    /// answered so.
    fn step(
        &self,
        state: &Self::State,
        call: &Self::Call,
        reply: Option<&Self::Reply>,
        next: &mut Successors<'_, '_, Self::State>,
    ) -> Result<(), Stop>;

    /// As [`Model::effect`]; a non-deterministic step that is always possible is at least [`Effect::Blind`].
    fn effect(&self, _call: &Self::Call, _reply: Option<&Self::Reply>) -> Effect {
        Effect::Unknown
    }

    fn state_bytes(&self, _state: &Self::State) -> usize {
        size_of::<Self::State>()
    }
}

/// The states that one step leads to, counted against the budget as they come.
pub struct Successors<'a, 'b, S> {
    states: Vec<S>,
    bytes_of: &'a dyn Fn(&S) -> usize,
    meter: &'a mut Meter<'b>,
}

impl<S> Successors<'_, '_, S> {
    pub fn push(&mut self, state: S) -> Result<(), Stop> {
        self.meter.tick()?;
        self.meter.hold((self.bytes_of)(&state))?;
        self.states.push(state);
        Ok(())
    }
}

/// The deterministic model of a non-deterministic one: its state is the sorted set of states that are possible.
#[derive(Clone, Copy, Debug, Default)]
pub struct PowerSet<N>(pub N);

impl<N: Nondeterministic> Model for PowerSet<N> {
    type State = Vec<N::State>;
    type Call = N::Call;
    type Reply = N::Reply;

    fn initial(&self) -> Self::State {
        vec![self.0.initial()]
    }

    fn step(&self, state: &Self::State, call: &N::Call, reply: Option<&N::Reply>) -> Option<Self::State> {
        let budget = finding::Budget::unlimited();
        self.step_within(state, call, reply, &mut Meter::new(&budget)).unwrap_or_default()
    }

    fn effect(&self, call: &N::Call, reply: Option<&N::Reply>) -> Effect {
        match self.0.effect(call, reply) {
            // Possible in some states only, it leaves fewer of them.
            Effect::Reads => Effect::Unknown,
            effect => effect,
        }
    }

    fn step_within(
        &self,
        state: &Self::State,
        call: &N::Call,
        reply: Option<&N::Reply>,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Self::State>, Stop> {
        let held = meter.held();
        let bytes_of = |state: &N::State| self.0.state_bytes(state);
        let mut next = Successors { states: Vec::new(), bytes_of: &bytes_of, meter };
        for state in state {
            next.meter.tick()?;
            self.0.step(state, call, reply, &mut next)?;
        }
        let mut states = next.states;
        states.sort_unstable();
        states.dedup();
        // The caller holds the state that it keeps.
        meter.release_to(held);
        Ok((!states.is_empty()).then_some(states))
    }

    fn state_bytes(&self, state: &Self::State) -> usize {
        size_of::<Self::State>() + state.iter().map(|state| self.0.state_bytes(state)).sum::<usize>()
    }
}
