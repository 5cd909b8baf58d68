//! Registers with reads, writes and compare-and-set, as a machine on numbered values.
//!
//! It never stores a state: a value's number is the state, and a value that nobody observes has none.

use finding::{Meter, Stop};

use super::machine::{FORGOTTEN, IMPOSSIBLE, Machine};
use super::timeline::Operation;
use crate::models::{Effect, Entry};

/// The number of a register's initial value.
pub(crate) const INITIAL: u32 = 0;

/// An operation on a register. Values are numbered densely, [`INITIAL`] first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Read(u32),
    Write(u32),
    Cas { from: u32, to: u32 },
}

/// An operation of a history on one register that is, or may be, part of its order.
pub(crate) type Access = Entry<Action, ()>;

#[derive(Clone, Debug)]
pub(super) struct RegisterMachine {
    /// For each value until when it can be observed; `None` where nobody does.
    observed_until: Vec<Option<u64>>,
}

const READ: u64 = 0;
const WRITE: u64 = 1 << 62;
const CAS: u64 = 2 << 62;
const KIND: u64 = 3 << 62;

impl RegisterMachine {
    /// The machine, its operations, and which access each operation is.
    pub(super) fn new(accesses: &[Access], values: usize) -> (Self, Vec<Operation>, Vec<u32>) {
        let machine = Self { observed_until: observed_until(accesses, values) };
        let (mut operations, mut source) =
            (Vec::with_capacity(accesses.len()), Vec::with_capacity(accesses.len()));
        for (i, access) in (0..).zip(accesses) {
            let Some(operation) = machine.operation(access) else { continue };
            operations.push(operation);
            source.push(i);
        }
        (machine, operations, source)
    }

    /// `None` for what cannot matter: it may not have happened, and nobody saw it if it did.
    fn operation(&self, access: &Access) -> Option<Operation> {
        let label = match access.call {
            Action::Read(value) => READ | u64::from(value),
            Action::Write(value) => WRITE | u64::from(self.state(value)),
            Action::Cas { from, to } => CAS | u64::from(from) << 31 | u64::from(self.state(to)),
        };
        let Access { invoked, returned, .. } = *access;
        if returned.is_some() {
            return Some(Operation { invoked, returned, label, required: true });
        }
        let until = match access.call {
            Action::Read(_) => None,
            Action::Write(to) | Action::Cas { to, .. } => self.observed_until[to as usize],
        }?;
        (until >= invoked).then(|| {
            // Until somebody who never returned may observe it, it has no end either.
            let returned = (until < u64::MAX).then_some(until);
            Operation { invoked, returned, label, required: false }
        })
    }

    fn state(&self, value: u32) -> u32 {
        if self.observed_until[value as usize].is_some() { value } else { FORGOTTEN & LOW }
    }
}

const LOW: u32 = (1 << 31) - 1;

fn observed_until(accesses: &[Access], values: usize) -> Vec<Option<u64>> {
    let mut until: Vec<Option<u64>> = vec![None; values];
    let mut optional = Vec::new();
    for access in accesses {
        match (access.call, access.returned) {
            (Action::Read(value) | Action::Cas { from: value, .. }, Some(returned)) => {
                let until = &mut until[value as usize];
                *until = (*until).max(Some(returned));
            }
            (Action::Cas { from, to }, None) => optional.push((from as usize, to as usize)),
            (Action::Read(_), None) | (Action::Write(_), _) => {}
        }
    }
    // A compare-and-set that may not have happened observes for as long as its own value is observed.
    loop {
        let mut changed = false;
        for &(from, to) in &optional {
            if until[to] > until[from] {
                until[from] = until[to];
                changed = true;
            }
        }
        if !changed {
            return until;
        }
    }
}

impl Machine for RegisterMachine {
    fn initial(&self) -> u32 {
        if self.observed_until[INITIAL as usize].is_some() { INITIAL } else { FORGOTTEN }
    }

    #[inline]
    fn effect(&self, label: u64) -> Effect {
        match label & KIND {
            READ => Effect::Reads,
            WRITE => Effect::Overwrites,
            _ => Effect::Unknown,
        }
    }

    #[inline]
    fn step(&mut self, state: u32, label: u64, _meter: &mut Meter<'_>) -> Result<u32, Stop> {
        let to = label as u32 & LOW;
        let full = if to == FORGOTTEN & LOW { FORGOTTEN } else { to };
        Ok(match label & KIND {
            READ if state == to => state,
            WRITE => full,
            CAS if state == (label >> 31) as u32 & LOW => full,
            _ => IMPOSSIBLE,
        })
    }

    #[inline]
    fn collapse(&self, state: u32, now: u64) -> u32 {
        if state < FORGOTTEN && self.observed_until[state as usize] < Some(now) { FORGOTTEN } else { state }
    }
}
