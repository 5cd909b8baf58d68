//! A lock that is acquired and released.
//!
//! It has no owner: whoever releases, the lock is free.

use super::Model;

/// A lock, at first free.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mutex;

/// Calls that succeeded, or may have: one that was refused changes nothing and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MutexCall {
    Acquire,
    Release,
}

impl Model for Mutex {
    type State = bool;
    type Call = MutexCall;
    type Reply = ();

    fn initial(&self) -> bool {
        false
    }

    fn step(&self, held: &bool, call: &MutexCall, _reply: Option<&()>) -> Option<bool> {
        match call {
            MutexCall::Acquire => (!held).then_some(true),
            MutexCall::Release => held.then_some(false),
        }
    }
}
