//! Sequential specifications: what an object does when one operation at a time is applied to it.
//!
//! A model knows nothing of time, clients or histories; the search does.

mod bank;
mod counter;
mod kv;
mod list;
mod multi_register;
mod mutex;
mod power_set;
mod queue;
mod register;
mod set;
mod stack;

use finding::{Meter, Stop};
use std::hash::Hash;

pub use bank::{Balances, Bank, BankCall};
pub use counter::{Counter, CounterCall};
pub use kv::{Kv, KvCall};
pub use list::{List, ListCall};
pub use multi_register::{MicroOperation, MultiRegister};
pub use mutex::{Mutex, MutexCall};
pub use power_set::{Nondeterministic, PowerSet, Successors};
pub use queue::{FifoQueue, QueueCall, UnorderedQueue};
pub use register::{Register, RegisterCall};
pub use set::{Set, SetCall};
pub use stack::{Stack, StackCall};

/// A sequential specification. Two methods are all that is needed; the others make the search faster.
///
/// ```
/// use checkers::models::{Effect, Model};
///
/// /// A switch that tells what it was when it is flipped.
/// struct Switch;
///
/// impl Model for Switch {
///     type State = bool;
///     type Call = ();
///     type Reply = bool;
///
///     fn initial(&self) -> bool {
///         false
///     }
///
///     fn step(&self, state: &bool, _call: &(), reply: Option<&bool>) -> Option<bool> {
///         reply.is_none_or(|was| was == state).then_some(!state)
///     }
/// }
/// ```
pub trait Model: Sync {
    type State: Clone + Eq + Hash;
    type Call: Clone + Eq + Hash + Sync;
    type Reply: Clone + Eq + Hash + Sync;

    fn initial(&self) -> Self::State;

    /// The state after `call` was answered with `reply`; `None` where it would not have been answered so.
    /// `reply` is `None` where the client never learned it: any answer will do.
    fn step(
        &self,
        state: &Self::State,
        call: &Self::Call,
        reply: Option<&Self::Reply>,
    ) -> Option<Self::State>;

    /// What is known of an operation whatever the state. [`Effect::Unknown`] is always right; a sharper answer
    /// must hold in every state.
    fn effect(&self, _call: &Self::Call, _reply: Option<&Self::Reply>) -> Effect {
        Effect::Unknown
    }

    /// As [`Model::step`], for a model whose single step can be long: it calls [`Meter::tick`] in its loops.
    fn step_within(
        &self,
        state: &Self::State,
        call: &Self::Call,
        reply: Option<&Self::Reply>,
        _meter: &mut Meter<'_>,
    ) -> Result<Option<Self::State>, Stop> {
        Ok(self.step(state, call, reply))
    }

    /// Memory that a state takes, counted against the budget.
    fn state_bytes(&self, _state: &Self::State) -> usize {
        size_of::<Self::State>()
    }
}

/// What an operation does in every state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Where it is possible it leaves the state as it is.
    Reads,
    /// It is always possible, and the state after it does not depend on the state before.
    Overwrites,
    /// It is always possible.
    Blind,
    /// Nothing is known.
    Unknown,
}

/// An operation of a history in the terms of a model.
#[derive(Clone, Debug)]
pub struct Entry<C, R> {
    /// When it was called. Intervals are closed: equal times are concurrent.
    pub invoked: u64,
    /// When it returned; `None` for an operation that may have happened, may happen yet, or never.
    pub returned: Option<u64>,
    pub call: C,
    /// `None` where the client never learned it.
    pub reply: Option<R>,
}

/// The entry of a model's operation.
pub type EntryOf<M> = Entry<<M as Model>::Call, <M as Model>::Reply>;
