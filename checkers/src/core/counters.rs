//! Counters, and the items of carts: who changed them by how much, and what a reader may have seen.
//!
//! It never judges a key that is changed in other ways as well.

use std::collections::{BTreeMap, BTreeSet};

use histories::{Function, History, KeyId, Nanos, Operation, OperationId, Outcome, Value};

use super::amounts::Amounts;
use crate::words;

/// A counter, or one item of a cart.
#[derive(Debug)]
pub(crate) struct Counter<'h> {
    pub(crate) key: Option<KeyId>,
    pub(crate) item: Option<&'h str>,
    /// Acknowledged changes, by invocation.
    known: Vec<Change>,
    /// When changes were acknowledged, with the sum of all up to then.
    settled: Vec<(Nanos, i128)>,
    /// Changes of unknown outcome, by invocation.
    unknown: Vec<Change>,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    operation: OperationId,
    invoked: Nanos,
    returned: Nanos,
    by: i64,
}

/// The counters of a history, and the keys that cannot be judged, with the reason.
#[derive(Debug, Default)]
pub(crate) struct Counters<'h> {
    pub(crate) list: Vec<Counter<'h>>,
    pub(crate) undecided: Vec<String>,
}

/// A key's changes by item, until another function is met.
type Draft<'h> = Result<BTreeMap<Option<&'h str>, Vec<(OperationId, i64)>>, String>;

impl<'h> Counters<'h> {
    pub(crate) fn of(history: &'h History) -> Self {
        let keys = keys(history);
        let mut drafts: BTreeMap<Option<KeyId>, Draft<'h>> =
            keys.iter().map(|&key| (key, Ok(BTreeMap::new()))).collect();
        for (id, op) in history.iter().filter(|(_, op)| op.function != Function::Dump) {
            let Some(draft) = drafts.get_mut(&op.key) else { continue };
            let Ok(items) = draft else { continue };
            if let Err(why) = add(items, id, op) {
                *draft = Err(format!("{}: {why}", words::key(history, op.key)));
            }
        }
        let mut counters = Self::default();
        for (key, draft) in drafts {
            match draft {
                Ok(items) if items.contains_key(&None) && items.len() > 1 => counters
                    .undecided
                    .push(format!("{}: it is both a counter and a cart", words::key(history, key))),
                Ok(items) => counters.list.extend(
                    items.into_iter().map(|(item, changes)| Counter::new(history, key, item, &changes)),
                ),
                Err(why) => counters.undecided.push(why),
            }
        }
        counters
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty() && self.undecided.is_empty()
    }
}

/// The keys that are counted up or down; additions to a key that reads as a number count as well.
fn keys(history: &History) -> BTreeSet<Option<KeyId>> {
    let operations = || history.operations().iter();
    let counts = |op: &&Operation| matches!(op.function, Function::Increment | Function::Decrement);
    let mut keys: BTreeSet<_> = operations().filter(counts).map(|op| op.key).collect();
    let added: BTreeSet<_> =
        operations().filter(|op| op.function == Function::Add).map(|op| op.key).collect();
    if !added.is_empty() {
        let numbers =
            operations().filter(|op| op.function == Function::Read && op.reply().as_int().is_some());
        keys.extend(numbers.map(|op| op.key).filter(|key| added.contains(key)));
    }
    keys
}

fn add<'h>(
    items: &mut BTreeMap<Option<&'h str>, Vec<(OperationId, i64)>>,
    id: OperationId,
    op: &'h Operation,
) -> Result<(), String> {
    let sign = match op.function {
        Function::Increment | Function::Add => 1,
        Function::Decrement => -1,
        // An item that is only seen has no changes at all, and so must be 0.
        Function::Read | Function::ReadAll => {
            for item in op.reply().as_map().into_iter().flatten().map(|(item, _)| item.as_str()) {
                items.entry(Some(item)).or_default();
            }
            return Ok(());
        }
        _ => return Err(format!("also changed by {}", op.function)),
    };
    let (item, by) = change(op.call())
        .ok_or_else(|| format!("{} has {}, not an amount or [item, amount]", op.function, op.call()))?;
    items.entry(item).or_default().push((id, by.checked_mul(sign).ok_or("an amount is too large")?));
    Ok(())
}

/// An amount, or an item with one.
fn change(value: &Value) -> Option<(Option<&str>, i64)> {
    match value.as_list() {
        Some([item, amount]) => Some((Some(item.as_text()?), amount.as_int()?)),
        Some(_) => None,
        None => Some((None, value.as_int()?)),
    }
}

impl<'h> Counter<'h> {
    fn new(
        history: &History,
        key: Option<KeyId>,
        item: Option<&'h str>,
        changes: &[(OperationId, i64)],
    ) -> Self {
        let all = |outcome: Outcome| {
            let of_outcome = changes.iter().map(|&(id, by)| (id, history.operation(id), by));
            of_outcome
                .filter(move |(_, op, _)| op.outcome == outcome)
                .map(|(operation, op, by)| Change {
                    operation,
                    invoked: op.invoked,
                    returned: op.returned(),
                    by,
                })
                .collect::<Vec<_>>()
        };
        let (known, unknown) = (all(Outcome::Ok), all(Outcome::Info));
        let mut settled: Vec<(Nanos, i128)> =
            known.iter().map(|change| (change.returned, change.by.into())).collect();
        settled.sort_unstable();
        let mut sum = 0;
        for (_, so_far) in &mut settled {
            sum += *so_far;
            *so_far = sum;
        }
        Self { key, item, known, settled, unknown }
    }

    /// `c`, or `apple in c`.
    pub(crate) fn name(&self, history: &History) -> String {
        let key = words::key(history, self.key);
        self.item.map_or_else(|| key.clone(), |item| format!("{item} in {key}"))
    }

    /// The number that a reply shows; `None` where it shows none.
    pub(crate) fn shown(&self, reply: &Value) -> Option<i64> {
        match (self.item, reply) {
            (_, Value::Null) => Some(0),
            (None, _) => reply.as_int(),
            (Some(item), _) => reply.as_map()?.get(item).map_or(Some(0), Value::as_int),
        }
    }
}

/// A change that a wrong number contradicts, and whether the reader must have seen it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence {
    pub(crate) operation: OperationId,
    pub(crate) certain: bool,
}

impl Counter<'_> {
    /// The changes that show by themselves that a number is none that a reader can have seen, by invocation.
    ///
    /// One that is too small is refuted by enough of what had been added before, and by all that may have been taken
    /// away; one that is too large the other way round; one in between by everything.
    pub(crate) fn evidence(
        &self,
        (invoked, completed): (Nanos, Nanos),
        number: i64,
        (low, high): (i128, i128),
    ) -> Vec<Evidence> {
        let begun = self.known.iter().chain(&self.unknown).filter(|change| change.invoked <= completed);
        let (certain, mut possible): (Vec<&Change>, Vec<&Change>) =
            begun.partition(|change| change.returned < invoked);
        let number = i128::from(number);
        let toward = |change: &Change| match () {
            () if number < low => -i128::from(change.by),
            () => i128::from(change.by),
        };
        let mut enough = certain;
        if number < low || number > high {
            possible.retain(|change| toward(change) > 0);
            let (mut other, against): (Vec<&Change>, Vec<&Change>) =
                enough.into_iter().partition(|change| toward(change) > 0);
            // As far as the number lies beyond what is listed, that is shown already.
            let goal = if number < low { -number } else { number };
            let mut reach: i128 = possible.iter().chain(&other).map(|change| toward(change)).sum();
            let mut against = against;
            against.sort_by_key(|change| (toward(change), change.operation));
            for change in against {
                if reach < goal {
                    break;
                }
                reach += toward(change);
                other.push(change);
            }
            enough = other;
        }
        let listed = |certain| move |change: &&Change| Evidence { operation: change.operation, certain };
        let mut evidence: Vec<Evidence> = enough.iter().map(listed(true)).collect();
        evidence.extend(possible.iter().map(listed(false)));
        evidence.sort_by_key(|evidence| evidence.operation);
        evidence
    }
}

/// How a number that was read fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Reached,
    /// No part of what may have happened makes it; the least and the largest sum.
    Missed(i128, i128),
    /// Too much may have happened to tell.
    Unclear,
}

/// What readers may see, reader by reader in the order of their completions.
#[derive(Debug)]
pub(crate) struct Possible<'c> {
    counter: &'c Counter<'c>,
    open: Amounts,
    taken: usize,
}

impl<'c> Possible<'c> {
    pub(crate) fn new(counter: &'c Counter<'c>) -> Self {
        Self { counter, open: Amounts::default(), taken: 0 }
    }

    /// Whether a reader may see a number: all that was acknowledged before it began, and any part of what had begun
    /// before it ended. Readers come in the order in which they ended.
    pub(crate) fn fit(&mut self, (invoked, completed): (Nanos, Nanos), number: i64) -> Fit {
        let Counter { known, settled, unknown, .. } = self.counter;
        while let Some(change) = unknown.get(self.taken).filter(|change| change.invoked <= completed) {
            self.open.insert(change.by);
            self.taken += 1;
        }
        let before = settled.partition_point(|&(time, _)| time < invoked);
        let base = before.checked_sub(1).map_or(0, |last| settled[last].1);
        let begun = known.partition_point(|change| change.invoked <= completed);
        let beside = known[..begun].iter().rev().filter(|change| change.returned >= invoked);
        let beside: Vec<i64> = beside.take(begun - before).map(|change| change.by).collect();
        for &by in &beside {
            self.open.insert(by);
        }
        let reached = self.open.reach(i128::from(number) - base);
        let (low, high) = self.open.bounds();
        for &by in &beside {
            self.open.remove(by);
        }
        match reached {
            Some(true) => Fit::Reached,
            Some(false) => Fit::Missed(base + low, base + high),
            None => Fit::Unclear,
        }
    }
}
