//! Sets whose additions win: a remove takes away the additions that it had seen, and no others. An addition of each element
//! that a read shows, at the end or on the way, had begun before the read ended.
//!
//! Where it is open what a remove had seen, both outcomes are right.
//!
//! After Shapiro et al., "Conflict-free replicated data types", SSS 2011: the observed-remove set.

use std::collections::{BTreeMap, BTreeSet};

use histories::{
    AnomalyKind, Function, History, KeyId, ModelName, Nanos, Operation, OperationId, Outcome, Value,
};

use crate::core::final_state::{FinalState, Seen};
use crate::core::impossible::Impossible;
use crate::core::ruling::Ruling;
use crate::{Anomaly, Budget, Step, Witness, words};

pub(super) fn judge(
    ruling: &mut Ruling,
    history: &History,
    finals: &Result<FinalState<'_>, String>,
    budget: &Budget,
) {
    for (key, set) in sets(history) {
        ruling.judged += 1;
        let held = finals.as_ref().map(|finals| finals.held(Some(key))).unwrap_or_default();
        ruling.anomalies.extend(set.impossible(history, key, &held));
        let finals = match (finals, budget.check()) {
            (Ok(finals), Ok(())) => finals,
            (Err(why), _) => return ruling.undecided.push(why.clone()),
            (_, Err(exhausted)) => return ruling.undecided.push(exhausted.to_string()),
        };
        let seen = finals.last(Some(key));
        let Some(now) = seen.first() else {
            ruling.undecided.push(format!("{}: nobody read it at the end", words::key(history, Some(key))));
            continue;
        };
        for (value, element) in &set.elements {
            let holds = |seen: &Seen| seen.value.as_list().unwrap_or_default().contains(value);
            let (nowhere, everywhere) = (!seen.iter().any(holds), seen.iter().all(holds));
            let wrong =
                element.survivor(history).filter(|_| nowhere).map(|add| (AnomalyKind::LostWrite, add));
            let wrong = wrong.or_else(|| {
                let removed = element.removed(history, &set.reads, value).filter(|_| everywhere);
                removed.map(|remove| (AnomalyKind::Resurrected, remove))
            });
            ruling.anomalies.extend(wrong.map(|wrong| anomaly(history, element, wrong, now.operation)));
        }
    }
}

/// The operations on one element that may have happened.
#[derive(Debug, Default)]
struct Element {
    adds: Vec<OperationId>,
    removes: Vec<OperationId>,
}

#[derive(Debug, Default)]
struct Set<'h> {
    elements: BTreeMap<&'h Value, Element>,
    /// By element, an addition that failed.
    failed: BTreeMap<&'h Value, OperationId>,
    reads: Vec<OperationId>,
}

impl Set<'_> {
    /// Elements that a read, or a dump at the end, shows before any addition of them began; each is told once.
    fn impossible(&self, history: &History, key: KeyId, held: &[Seen]) -> Vec<Anomaly> {
        let reads = self.reads.iter().map(|&read| (read, history.operation(read).reply()));
        let mut told = BTreeSet::new();
        let mut found = Vec::new();
        for (read, shown) in reads.chain(held.iter().map(|seen| (seen.operation, &seen.value))) {
            let completed = history.operation(read).completed;
            for value in shown.as_list().unwrap_or_default() {
                let Some((kind, other)) = self.flaw(history, value, completed) else { continue };
                if told.insert(value) {
                    let impossible = Impossible { kind, read, key: Some(key), value, other };
                    found.push(impossible.anomaly(history, ModelName::ConflictPolicy));
                }
            }
        }
        found
    }

    /// Why an element cannot be in a read that ended at a time, and the addition that does not explain it.
    fn flaw(
        &self,
        history: &History,
        value: &Value,
        completed: Nanos,
    ) -> Option<(AnomalyKind, Option<OperationId>)> {
        let adds = self.elements.get(value).map_or(&[][..], |element| &element.adds);
        let invoked = |&id: &OperationId| history.operation(id).invoked;
        match (adds.iter().copied().min_by_key(invoked), self.failed.get(value)) {
            (Some(first), _) => {
                (completed < invoked(&first)).then_some((AnomalyKind::FutureRead, Some(first)))
            }
            (None, Some(&failed)) => Some((AnomalyKind::AbortedRead, Some(failed))),
            (None, None) => Some((AnomalyKind::PhantomRead, None)),
        }
    }
}

/// The keys that are added to or removed from, where anything is removed at all.
fn sets(history: &History) -> BTreeMap<KeyId, Set<'_>> {
    let mut sets: BTreeMap<KeyId, Set<'_>> = BTreeMap::new();
    let operations = history.operations();
    if !operations.iter().any(|op| op.function == Function::Remove) {
        return sets;
    }
    for op in operations.iter().filter(|op| matches!(op.function, Function::Add | Function::Remove)) {
        sets.extend(op.key.map(|key| (key, Set::default())));
    }
    for (id, op) in history.iter() {
        let Some(set) = op.key.and_then(|key| sets.get_mut(&key)) else { continue };
        match op.function {
            Function::Read | Function::ReadAll if op.is_ok() => set.reads.push(id),
            Function::Add if op.outcome == Outcome::Fail => {
                set.failed.entry(op.call()).or_insert(id);
            }
            Function::Add => set.elements.entry(op.call()).or_default().adds.push(id),
            Function::Remove if op.outcome != Outcome::Fail => {
                set.elements.entry(op.call()).or_default().removes.push(id);
            }
            _ => {}
        }
    }
    sets
}

impl Element {
    /// An acknowledged addition that no remove can have seen.
    fn survivor(&self, history: &History) -> Option<OperationId> {
        let op = |id: OperationId| history.operation(id);
        let unseen = |add: &OperationId| self.removes.iter().all(|&remove| op(remove).precedes(op(*add)));
        self.adds.iter().copied().filter(|&add| op(add).is_ok()).find(unseen)
    }

    /// An acknowledged remove, where each addition had certainly been seen by one such.
    fn removed(&self, history: &History, reads: &[OperationId], value: &Value) -> Option<OperationId> {
        let acknowledged = || self.removes.iter().copied().filter(|&id| history.operation(id).is_ok());
        let gone = |add: &OperationId| {
            acknowledged().any(|remove| self.had_seen(history, reads, value, (remove, *add)))
        };
        let last = acknowledged().next_back().filter(|_| !self.adds.is_empty())?;
        self.adds.iter().all(gone).then_some(last)
    }

    /// Whether the remover's session had made the addition, or had read the element when it can have come from no other.
    fn had_seen(
        &self,
        history: &History,
        reads: &[OperationId],
        value: &Value,
        (remove, add): (OperationId, OperationId),
    ) -> bool {
        let (remove, added) = (history.operation(remove), history.operation(add));
        let before = |op: &Operation| op.process == remove.process && op.call_event < remove.call_event;
        if added.is_ok() && before(added) {
            return true;
        }
        let shows = |read: &Operation| read.reply().as_list().unwrap_or_default().contains(value);
        let mut sights =
            reads.iter().map(|&id| history.operation(id)).filter(|read| before(read) && shows(read));
        sights.any(|read| {
            let others = self.adds.iter().filter(|&&other| other != add);
            !read.precedes(added) && others.map(|&id| history.operation(id)).all(|other| read.precedes(other))
        })
    }
}

fn anomaly(
    history: &History,
    element: &Element,
    (kind, culprit): (AnomalyKind, OperationId),
    now: OperationId,
) -> Anomaly {
    let noun = words::noun(history, culprit);
    let lost = kind == AnomalyKind::LostWrite;
    let (summary, note, fact) = if lost {
        (
            format!("{noun} was acknowledged and is gone"),
            "was acknowledged",
            "every remove that may have happened had ended before it began, and so had not seen it",
        )
    } else {
        (
            format!("{noun} was acknowledged, and the element is there"),
            "had seen the additions",
            "each addition had been seen by a session that removed it afterwards",
        )
    };
    let beside = |id: OperationId| words::completed(history, id, "changes the element as well");
    let mut others: Vec<OperationId> = element.adds.iter().chain(&element.removes).copied().collect();
    others.retain(|&id| id != culprit);
    others.sort_unstable();
    let steps: Vec<Step> = std::iter::once(words::completed(history, culprit, note))
        .chain(others.into_iter().take(4).map(beside))
        .chain([words::completed(history, now, if lost { "does not show it" } else { "shows it" })])
        .collect();
    let operations = vec![culprit, now];
    Anomaly {
        kind,
        edges: Vec::new(),
        not_rechecked: None,
        summary,
        key: history.operation(culprit).key,
        steps,
        facts: vec![fact.into()],
        witness: Witness { model: ModelName::ConflictPolicy, operations },
    }
}
