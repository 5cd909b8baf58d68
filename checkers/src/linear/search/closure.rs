//! Which operations may be left out of registers and transactions because nothing that is kept owes its answer to them.
//!
//! What a read saw, the last write of its key before it had left there. So an order of the whole, restricted to some
//! operations and to all that may have left what those saw, is an order of these.

use rustc_hash::FxHashMap;

use histories::Value;

use super::compile::{Compiled, Entries};
use super::register::{Action, INITIAL};
use super::selection::Standing;
use crate::models::MicroOperation;

/// By operation, the values that it leaves and that it saw, each with its key as one number.
pub(super) struct Closure {
    leaves: Vec<Vec<u32>>,
    sees: Vec<Vec<u32>>,
    /// What keys hold at first: nothing writes it that may be left out.
    initial: Vec<u32>,
    /// How many values there are.
    values: usize,
}

impl Closure {
    /// `None` for objects of other kinds, whose reads do not tell.
    pub(super) fn of(compiled: &Compiled<'_>) -> Option<Self> {
        let mut closure = Self { leaves: Vec::new(), sees: Vec::new(), initial: Vec::new(), values: 0 };
        match &compiled.entries {
            Entries::Register(accesses, values) => {
                closure.values = *values;
                closure.initial.push(INITIAL);
                for access in accesses {
                    let (sees, leaves) = match access.call {
                        Action::Read(value) => (vec![value], Vec::new()),
                        Action::Write(to) => (Vec::new(), vec![to]),
                        Action::Cas { from, to } => (vec![from], vec![to]),
                    };
                    closure.sees.push(sees);
                    closure.leaves.push(leaves);
                }
            }
            Entries::Transactions(entries) => {
                let mut numbers = FxHashMap::default();
                for entry in entries {
                    closure.add(&mut numbers, &entry.call, entry.reply.as_deref().unwrap_or_default());
                }
                closure.values = numbers.len();
            }
            _ => return None,
        }
        Some(closure)
    }

    fn add<'e>(
        &mut self,
        numbers: &mut FxHashMap<(&'e Value, &'e Value), u32>,
        calls: &'e [MicroOperation],
        seen: &'e [Value],
    ) {
        let mut seen = seen.iter();
        let (mut sees, mut last): (Vec<u32>, Vec<(&Value, u32)>) = (Vec::new(), Vec::new());
        for call in calls {
            let (MicroOperation::Read(key) | MicroOperation::Write(key, _)) = call;
            let is_own = last.iter().any(|(other, _)| *other == key);
            let value = if let MicroOperation::Write(_, value) = call { Some(value) } else { seen.next() };
            let Some(value) = value else { continue };
            let next = numbers.len() as u32;
            let number = *numbers.entry((key, value)).or_insert(next);
            if value.is_null() {
                self.initial.push(number);
            }
            match call {
                MicroOperation::Write(..) => {
                    last.retain(|(other, _)| *other != key);
                    last.push((key, number));
                }
                MicroOperation::Read(_) if !is_own => sees.push(number),
                MicroOperation::Read(_) => {}
            }
        }
        self.sees.push(sees);
        self.leaves.push(last.into_iter().map(|(_, number)| number).collect());
    }

    /// What changes the object and is not kept is left out where nothing sees what it leaves, and else stays as it was.
    pub(super) fn close(&self, trial: &mut [Standing], before: &[Standing]) {
        let seen = self.seen(trial);
        for (i, leaves) in self.leaves.iter().enumerate().filter(|(_, leaves)| !leaves.is_empty()) {
            let is_seen = leaves.iter().any(|&value| seen[value as usize]);
            trial[i] = match trial[i] {
                Standing::Kept => Standing::Kept,
                _ if is_seen => before[i],
                _ => Standing::Dropped,
            };
        }
    }

    /// By value, whether what is kept saw it, or what may have left such a value.
    fn seen(&self, standing: &[Standing]) -> Vec<bool> {
        let mut seen = vec![false; self.values];
        self.initial.iter().for_each(|&value| seen[value as usize] = true);
        loop {
            let mut grew = false;
            for ((sees, leaves), standing) in self.sees.iter().zip(&self.leaves).zip(standing) {
                if *standing == Standing::Kept || leaves.iter().any(|&value| seen[value as usize]) {
                    for &value in sees {
                        grew |= !std::mem::replace(&mut seen[value as usize], true);
                    }
                }
            }
            if !grew {
                return seen;
            }
        }
    }
}
