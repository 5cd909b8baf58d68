//! Sets and lists at the end: every element that was acknowledged, or seen, must still be there.
//!
//! It never judges an element whose removal was attempted, unless every attempt failed.

use std::collections::{BTreeMap, BTreeSet};

use histories::{AnomalyKind, Function, History, KeyId, Nanos, OperationId, Outcome, Value};

use crate::final_state::{FinalState, Seen};

use super::{Gone, Tally};

/// The keys that elements are added or appended to.
pub(super) fn keys(history: &History) -> BTreeSet<KeyId> {
    let grows = |function: &Function| matches!(function, Function::Add | Function::Append);
    history.operations().iter().filter(|op| grows(&op.function)).filter_map(|op| op.key).collect()
}

/// What clients know of one element.
#[derive(Debug, Default)]
struct Element {
    acknowledged: Option<OperationId>,
    attempted: Option<OperationId>,
    failed: Option<OperationId>,
    last_added: Nanos,
    /// A read that saw it.
    shown: Option<OperationId>,
    removals_attempted: bool,
    removed: Option<OperationId>,
}

pub(super) fn weigh(tally: &mut Tally<'_>, state: &FinalState<'_>, key: KeyId) {
    let finals: Vec<Seen> = state.seen(key);
    let Some(now) = finals.first() else {
        tally.undecide(Some(key), "nobody read it at the end");
        return;
    };
    let present: Vec<BTreeSet<&Value>> =
        finals.iter().map(|seen| seen.value.as_list().unwrap_or_default().iter().collect()).collect();
    for (value, element) in elements(tally.history, key) {
        tally.counts.acknowledged += u64::from(element.acknowledged.is_some());
        let somewhere = present.iter().any(|elements| elements.contains(value));
        let everywhere = present.iter().all(|elements| elements.contains(value));
        let mut gone = |kind, operation, shown| {
            tally.gone.push(Gone { kind, key, operation, shown, now: now.clone() });
        };
        match (element.acknowledged, element.attempted) {
            (Some(operation), _) if !somewhere && !element.removals_attempted => {
                gone(AnomalyKind::LostWrite, operation, None);
                tally.counts.lost += 1;
            }
            (None, Some(operation))
                if !somewhere && !element.removals_attempted && element.shown.is_some() =>
            {
                gone(AnomalyKind::LostWrite, operation, element.shown);
            }
            (None, None) if somewhere => {
                element.failed.into_iter().for_each(|operation| gone(AnomalyKind::Revived, operation, None));
            }
            _ => {}
        }
        if let Some(removed) = element.removed.filter(|_| everywhere)
            && element.last_added < tally.history.operation(removed).invoked
        {
            tally.gone.push(Gone {
                kind: AnomalyKind::Resurrected,
                key,
                operation: removed,
                shown: None,
                now: now.clone(),
            });
        }
    }
}

fn elements(history: &History, key: KeyId) -> BTreeMap<&Value, Element> {
    let mut elements: BTreeMap<&Value, Element> = BTreeMap::new();
    for (id, op) in history.iter().filter(|(_, op)| op.key == Some(key)) {
        match (&op.function, op.outcome) {
            (Function::Add | Function::Append, outcome) => {
                let element = elements.entry(&op.call).or_default();
                let place = match outcome {
                    Outcome::Ok => &mut element.acknowledged,
                    Outcome::Info => &mut element.attempted,
                    Outcome::Fail => &mut element.failed,
                };
                place.get_or_insert(id);
                if outcome != Outcome::Fail {
                    element.last_added = element.last_added.max(op.returned());
                }
            }
            (Function::Remove, Outcome::Ok) => {
                let element = elements.entry(&op.call).or_default();
                element.removals_attempted = true;
                element.removed = Some(id);
            }
            (Function::Remove, Outcome::Info) => {
                elements.entry(&op.call).or_default().removals_attempted = true;
            }
            (Function::Read | Function::ReadAll, Outcome::Ok) => {
                for value in op.reply.as_list().unwrap_or_default() {
                    elements.entry(value).or_default().shown.get_or_insert(id);
                }
            }
            _ => {}
        }
    }
    elements
}
