//! Linearizability by trying every order: the reference for tests and for re-checks.
//!
//! It shares nothing with the searches and never sees more than [`OPERATIONS_MAX`] operations.

use std::collections::BTreeSet;

use histories::Value;

/// More would not fit the set of operations already placed.
pub(crate) const OPERATIONS_MAX: usize = 64;

/// What an operation did to the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Read(Value),
    Write(Value),
    Cas(Value, Value),
}

/// An operation on one register. Times are closed intervals: it stands after whatever returned before `call`, and
/// before whatever was called after `ret`. What several operations did as one may have its `ret` before its `call`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) call: u64,
    /// `None` where it may take effect late, or never.
    pub(crate) ret: Option<u64>,
    pub(crate) effect: Effect,
}

/// Whether some order of the operations, all that returned and any of the others, explains every answer. The
/// register is absent at first.
pub(crate) fn linearizable(accesses: &[Access]) -> bool {
    assert!(accesses.len() <= OPERATIONS_MAX, "brute force is for a few operations");
    let must = bits(accesses, |access| access.ret.is_some());
    let mut tried: BTreeSet<(u64, Value)> = BTreeSet::new();
    let mut stack = vec![(0_u64, Value::Null)];
    while let Some((placed, state)) = stack.pop() {
        if placed & must == must {
            return true;
        }
        let waiting = |i: &usize| placed & (1 << i) == 0;
        let awaits = |i: usize, other: usize| accesses[other].ret.is_some_and(|ret| ret < accesses[i].call);
        let may_be_next =
            |&i: &usize| !(0..accesses.len()).filter(waiting).any(|other| other != i && awaits(i, other));
        for i in (0..accesses.len()).filter(waiting).filter(may_be_next) {
            if let Some(next) = apply(&accesses[i].effect, &state) {
                let entry = (placed | 1 << i, next);
                if tried.insert(entry.clone()) {
                    stack.push(entry);
                }
            }
        }
    }
    false
}

fn bits(accesses: &[Access], test: impl Fn(&Access) -> bool) -> u64 {
    accesses.iter().enumerate().filter(|(_, access)| test(access)).fold(0, |bits, (i, _)| bits | 1 << i)
}

fn apply(effect: &Effect, state: &Value) -> Option<Value> {
    match effect {
        Effect::Read(value) => (value == state).then(|| value.clone()),
        Effect::Write(value) => Some(value.clone()),
        Effect::Cas(from, to) => (from == state).then(|| to.clone()),
    }
}
