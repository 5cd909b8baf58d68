//! Operations of which a few certainly took effect, and any number of others may have, each in its time.
//!
//! What the others may do is overestimated: each may take effect as often as it likes. So where no order is found there is
//! none; where one is found, nothing is known.

use std::collections::{BTreeSet, HashSet};

use histories::Value;

use crate::action::Action;
use crate::orders::Timed;

/// So many states are tried.
const STATES_MAX: usize = 200_000;
/// So many operations can be certain.
const REQUIRED_MAX: usize = 64;

/// What an object may hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Possible {
    Values(BTreeSet<Value>),
    /// All numbers from the first to the second.
    Numbers(i128, i128),
}

/// Whether no order explains the required operations, whatever the others did. False of objects of other kinds than
/// registers, locks and counters.
pub(crate) fn is_impossible(operations: &[Timed]) -> bool {
    let (required, others): (Vec<&Timed>, Vec<&Timed>) =
        operations.iter().partition(|operation| operation.entry.required);
    let is_number = |op: &&Timed| matches!(op.entry.action, Action::Change(_));
    let initial = if operations.iter().any(|op| is_number(&op)) {
        Possible::Numbers(0, 0)
    } else {
        let is_free =
            operations.iter().any(|op| matches!(op.entry.action, Action::Acquire | Action::Release));
        Possible::Values(BTreeSet::from([if is_free { Value::Bool(false) } else { Value::Null }]))
    };
    if required.len() > REQUIRED_MAX {
        return false;
    }
    let mut tried = HashSet::new();
    let mut open = vec![(0_u64, initial)];
    while let Some((done, possible)) = open.pop() {
        if done.count_ones() as usize == required.len() {
            return false;
        }
        if tried.len() > STATES_MAX {
            return false;
        }
        let placed = |i: usize| done >> i & 1 == 1;
        let from = (0..required.len()).filter(|&i| placed(i)).map(|i| required[i].invoked).max().unwrap_or(0);
        let until = (0..required.len()).filter(|&i| !placed(i)).map(|i| required[i].returned).min();
        let until = until.unwrap_or(u64::MAX);
        let among: Vec<&Action> = others
            .iter()
            .filter(|other| other.invoked <= until && other.returned >= from)
            .map(|other| &other.entry.action)
            .collect();
        let reached = possible.after_any(&among);
        let next = (0..required.len()).filter(|&i| !placed(i) && required[i].invoked <= until);
        for i in next {
            if let Some(after) = reached.after(&required[i].entry.action) {
                let state = (done | 1 << i, after);
                if tried.insert(state.clone()) {
                    open.push(state);
                }
            }
        }
    }
    true
}

/// What an action asks of a register or a lock, which is a register that is held or not, and what it leaves there.
fn exchange(action: &Action) -> Option<(Option<Value>, Value)> {
    Some(match action {
        Action::Show(value) => (Some(value.clone()), value.clone()),
        Action::Put(value) => (None, value.clone()),
        Action::Swap { from, to } => (Some(from.clone()), to.clone()),
        Action::Acquire => (Some(Value::Bool(false)), Value::Bool(true)),
        Action::Release => (Some(Value::Bool(true)), Value::Bool(false)),
        _ => return None,
    })
}

impl Possible {
    /// After an operation that took effect; `None` where it would have been answered otherwise.
    fn after(&self, action: &Action) -> Option<Self> {
        match self {
            Self::Numbers(least, most) => match action {
                Action::Change(by) => {
                    Some(Self::Numbers(least.saturating_add(*by), most.saturating_add(*by)))
                }
                Action::Show(seen) => {
                    let seen = i128::from(seen.as_int()?);
                    (*least <= seen && seen <= *most).then_some(Self::Numbers(seen, seen))
                }
                _ => None,
            },
            Self::Values(values) => {
                let (asked, left) = exchange(action)?;
                let fits = asked.is_none_or(|asked| values.contains(&asked));
                fits.then(|| Self::Values(BTreeSet::from([left])))
            }
        }
    }

    /// After any of some operations, as often as they like.
    fn after_any(&self, actions: &[&Action]) -> Self {
        match self {
            Self::Numbers(least, most) => {
                let by = |sign: i128| {
                    let amounts = actions.iter().filter_map(|action| match action {
                        Action::Change(by) if by.signum() == sign => Some(*by),
                        _ => None,
                    });
                    amounts.fold(0, i128::saturating_add)
                };
                Self::Numbers(least.saturating_add(by(-1)), most.saturating_add(by(1)))
            }
            Self::Values(values) => {
                let exchanges: Vec<_> = actions.iter().filter_map(|action| exchange(action)).collect();
                let mut values = values.clone();
                loop {
                    let reached = exchanges.iter().filter(|(asked, left)| {
                        !values.contains(left) && asked.as_ref().is_none_or(|asked| values.contains(asked))
                    });
                    let reached: Vec<Value> = reached.map(|(_, left)| left.clone()).collect();
                    if reached.is_empty() {
                        return Self::Values(values);
                    }
                    values.extend(reached);
                }
            }
        }
    }
}
