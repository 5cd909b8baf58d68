//! Sets and lists at the end: every element that was acknowledged, or seen, must still be there.
//!
//! It never judges an element whose removal was attempted, unless every attempt failed.

use std::collections::{BTreeMap, BTreeSet};

use histories::{AnomalyKind, Function, History, KeyId, Nanos, Operation, OperationId, Outcome, Value};

use crate::final_state::{FinalState, Seen};

use super::{Gone, Tally};

/// The keys that elements are added or appended to.
pub(super) fn keys(history: &History) -> BTreeSet<Option<KeyId>> {
    let grows = |function: &Function| matches!(function, Function::Add | Function::Append);
    history.operations().iter().filter(|op| grows(&op.function)).map(|op| op.key).collect()
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

impl Element {
    fn was_tried(&self) -> bool {
        self.acknowledged.or(self.attempted).or(self.failed).is_some()
    }
}

pub(super) fn weigh(tally: &mut Tally<'_>, state: &FinalState<'_>, key: Option<KeyId>) {
    let finals: Vec<Seen> = state.seen(key);
    let Some(now) = finals.first() else {
        tally.undecide(key, "nobody read it at the end");
        return;
    };
    if let Some(why) = replaced_as_a_whole(tally.history, key, &finals) {
        tally.undecide(key, why);
        return;
    }
    let present: Vec<BTreeSet<&Value>> =
        finals.iter().map(|seen| seen.value.as_list().unwrap_or_default().iter().collect()).collect();
    let elements = elements(tally.history, key);
    let hidden = state.may_hide(key);
    let mut hides = false;
    if let Some(now) = phantom(tally.history, key, &elements, &finals) {
        let operation = now.operation;
        tally.gone.push(Gone { kind: AnomalyKind::PhantomRead, key, operation, shown: None, now });
    }
    for (value, element) in elements {
        tally.counts.acknowledged += u64::from(element.acknowledged.is_some());
        let somewhere = present.iter().any(|elements| elements.contains(value));
        let everywhere = present.iter().all(|elements| elements.contains(value));
        let mut gone = |kind, operation, shown| {
            tally.gone.push(Gone { kind, key, operation, shown, now: now.clone() });
        };
        let missing = !somewhere && !element.removals_attempted;
        match (element.acknowledged, element.attempted) {
            (Some(_), _) if missing && hidden.is_some() => hides = true,
            (None, Some(_)) if missing && hidden.is_some() => hides |= element.shown.is_some(),
            (Some(operation), _) if missing => {
                gone(AnomalyKind::LostWrite, operation, None);
                tally.counts.lost += 1;
            }
            (None, Some(operation)) if missing && element.shown.is_some() => {
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
    if let Some(why) = hidden.filter(|_| hides) {
        tally.undecide(key, why);
    }
}

/// The first final observation of an element that nobody ever tried to add, with that element as its value.
fn phantom(
    history: &History,
    key: Option<KeyId>,
    elements: &BTreeMap<&Value, Element>,
    finals: &[Seen],
) -> Option<Seen> {
    if !history.operations().iter().all(|op| is_of_collection(op, key)) {
        return None;
    }
    let added = |value: &Value| elements.get(value).is_some_and(Element::was_tried);
    finals.iter().find_map(|seen| {
        let strange = seen.value.as_list()?.iter().find(|&value| !added(value))?;
        Some(Seen { operation: seen.operation, value: strange.clone() })
    })
}

/// Why what was added need not be there at the end: strings have no elements, and a write replaces all of them.
fn replaced_as_a_whole(history: &History, key: Option<KeyId>, finals: &[Seen]) -> Option<&'static str> {
    if finals.iter().any(|seen| !seen.value.is_null() && seen.value.as_list().is_none()) {
        return Some("what was read at the end is no list");
    }
    let writes = |op: &Operation| matches!(op.function, Function::Write | Function::Cas | Function::Replace);
    let mut others = history.operations().iter().filter(|op| op.key == key && op.outcome != Outcome::Fail);
    others.any(writes).then_some("it was also written as a whole")
}

/// Whether an operation changes nothing of a key but by adding and removing single elements.
fn is_of_collection(op: &Operation, key: Option<KeyId>) -> bool {
    match op.function {
        Function::Add | Function::Append | Function::Remove => {
            op.key.is_some() && op.key != key || op.key == key && op.call().as_list().is_none()
        }
        Function::Read | Function::ReadAll | Function::Dump => true,
        _ => op.key.is_some() && op.key != key,
    }
}

fn elements(history: &History, key: Option<KeyId>) -> BTreeMap<&Value, Element> {
    let mut elements: BTreeMap<&Value, Element> = BTreeMap::new();
    for (id, op) in history.iter().filter(|(_, op)| op.key == key) {
        match (&op.function, op.outcome) {
            (Function::Add | Function::Append, outcome) => {
                let element = elements.entry(op.call()).or_default();
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
                let element = elements.entry(op.call()).or_default();
                element.removals_attempted = true;
                element.removed = Some(id);
            }
            (Function::Remove, Outcome::Info) => {
                elements.entry(op.call()).or_default().removals_attempted = true;
            }
            (Function::Read | Function::ReadAll, Outcome::Ok) => {
                for value in op.reply().as_list().unwrap_or_default() {
                    elements.entry(value).or_default().shown.get_or_insert(id);
                }
            }
            _ => {}
        }
    }
    elements
}
