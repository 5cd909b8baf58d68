//! Sets and lists at the end: every element that was acknowledged, or seen, must still be there.
//!
//! It never judges an element whose removal was attempted, unless every attempt failed.
//!
//! An element is lost where a final read that was called once it was known lacks it, and no read that ended at or after
//! that call shows it; nor does any node hold it, as far as dumps tell. Where such reads overlap and disagree, and there are
//! no dumps, it is open.

use std::collections::{BTreeMap, BTreeSet};

use histories::{AnomalyKind, Function, History, KeyId, Nanos, Operation, OperationId, Outcome, Value};

use crate::core::final_state::{FinalState, Seen};

use super::{Gone, Tally};

/// The keys that elements are added or appended to. What reads as a number is a counter, and has no elements.
pub(super) fn keys(history: &History) -> BTreeSet<Option<KeyId>> {
    let operations = || history.operations().iter();
    let grows = |op: &&Operation| matches!(op.function, Function::Add | Function::Append);
    let mut keys: BTreeSet<Option<KeyId>> = operations().filter(grows).map(|op| op.key).collect();
    let reads_number = |op: &&Operation| op.function == Function::Read && op.reply().as_int().is_some();
    for op in operations().filter(reads_number) {
        keys.remove(&op.key);
    }
    keys
}

/// What clients know of one element.
#[derive(Debug, Default)]
struct Element {
    /// The addition that was acknowledged first.
    acknowledged: Option<OperationId>,
    attempted: Option<OperationId>,
    failed: Option<OperationId>,
    last_added: Nanos,
    /// When it was first acknowledged, or a read that showed it had ended.
    known: Option<Nanos>,
    /// The read that saw it and ended first.
    shown: Option<OperationId>,
    /// When the last of the reads that saw it had ended.
    shown_until: Option<Nanos>,
    removals_attempted: bool,
    removed: Option<OperationId>,
}

impl Element {
    fn was_tried(&self) -> bool {
        self.acknowledged.or(self.attempted).or(self.failed).is_some()
    }

    fn was_added(&self) -> bool {
        self.acknowledged.or(self.attempted).is_some()
    }

    fn lost(&self, history: &History, key: Option<KeyId>, now: Seen) -> Option<Gone> {
        let operation = self.acknowledged.or(self.attempted)?;
        let called = history.operation(now.operation).invoked;
        let acknowledged = self.acknowledged.is_some_and(|id| history.operation(id).completed < called);
        let shown = self.shown.filter(|_| !acknowledged);
        Some(Gone { kind: AnomalyKind::LostWrite, key, operation, shown, now })
    }

    fn known_at(&mut self, time: Nanos) {
        self.known = Some(self.known.map_or(time, |known| known.min(time)));
    }
}

/// What became of an element that is known.
enum Fate<'s> {
    There,
    /// The last observation that lacks it.
    Gone(&'s Seen),
    /// Reads that overlap disagree.
    Open,
}

/// One observation, with what it shows.
struct Sight<'s> {
    seen: &'s Seen,
    called: Nanos,
    ended: Nanos,
    elements: BTreeSet<&'s Value>,
}

impl<'s> Sight<'s> {
    fn of(history: &History, seen: &'s Seen) -> Self {
        let op = history.operation(seen.operation);
        let elements = seen.value.as_list().unwrap_or_default().iter().collect();
        Self { seen, called: op.invoked, ended: op.completed, elements }
    }
}

/// All that was seen at the end.
struct Sights<'s> {
    dumps: Vec<Sight<'s>>,
    /// The one that was called last comes first.
    reads: Vec<Sight<'s>>,
}

impl<'s> Sights<'s> {
    fn of(history: &History, held: &'s [Seen], read: &'s [Seen]) -> Self {
        let sights = |seen: &'s [Seen]| seen.iter().map(|seen| Sight::of(history, seen)).collect::<Vec<_>>();
        let (dumps, mut reads) = (sights(held), sights(read));
        reads.sort_by_key(|sight| std::cmp::Reverse(sight.called));
        Self { dumps, reads }
    }

    fn all(&self) -> impl Iterator<Item = &Sight<'s>> {
        self.dumps.iter().chain(&self.reads)
    }

    /// A round of dumps counts as one read of what any of the nodes holds.
    fn fate(&self, value: &Value, element: &Element) -> Fate<'s> {
        let shows = |sight: &&Sight<'_>| sight.elements.contains(value);
        if self.dumps.iter().any(|sight| shows(&sight)) {
            return Fate::There;
        }
        let dumped = self.dumps.iter().min_by_key(|sight| sight.called);
        let lacking = self.reads.iter().find(|sight| !shows(sight));
        let Some(last) = lacking.into_iter().chain(dumped).max_by_key(|sight| sight.called) else {
            return Fate::There;
        };
        if Some(last.called) > element.known.max(element.shown_until) {
            return Fate::Gone(last.seen);
        }
        let shown = self.reads.iter().find(shows).map(|sight| sight.called);
        let lacked = self.reads.iter().filter(|sight| !shows(sight)).map(|sight| sight.ended).max();
        if self.dumps.is_empty() && shown <= lacked { Fate::Open } else { Fate::There }
    }

    /// An observation that shows an element which had been removed: where all that nodes hold and reads showed does, or,
    /// without dumps, where no read that ended at or after it was called lacks the element.
    fn back(&self, history: &History, key: Option<KeyId>, value: &Value) -> Option<&'s Seen> {
        let shows = |sight: &&Sight<'_>| sight.elements.contains(value);
        if !self.dumps.is_empty() {
            return self.all().all(|sight| shows(&sight)).then(|| self.dumps[0].seen);
        }
        let last = self.reads.iter().find(shows)?;
        let lacks = |op: &Operation| {
            op.is_ok()
                && op.key == key
                && op.function.is_read()
                && !op.reply().as_list().unwrap_or_default().contains(value)
        };
        let later = |op: &&Operation| op.completed >= last.called && lacks(op);
        history.operations().iter().find(later).is_none().then_some(last.seen)
    }
}

pub(super) fn weigh(tally: &mut Tally<'_>, state: &FinalState<'_>, key: Option<KeyId>) {
    let history = tally.history;
    let (held, read): (Vec<Seen>, Vec<Seen>) = (state.held(key), state.read(key).collect());
    let finals: Vec<Seen> = held.iter().chain(&read).cloned().collect();
    if finals.is_empty() {
        tally.undecide(key, "nobody read it at the end");
        return;
    }
    if let Some(why) = replaced_as_a_whole(history, key, &finals) {
        tally.undecide(key, why);
        return;
    }
    let sights = Sights::of(history, &held, &read);
    let elements = elements(history, key);
    let hidden = state.may_hide(key);
    let (mut hides, mut open) = (false, None);
    if let Some(now) = phantom(history, key, &elements, &finals) {
        tally.gone.push(Gone {
            kind: AnomalyKind::PhantomRead,
            key,
            operation: now.operation,
            shown: None,
            now,
        });
    }
    for (value, element) in &elements {
        tally.counts.acknowledged += u64::from(element.acknowledged.is_some());
        if let Some(gone) = returned(history, key, &sights, (value, element)) {
            tally.gone.push(gone);
        }
        let judged = element.known.is_some() && element.was_added() && !element.removals_attempted;
        match sights.fate(value, element) {
            _ if !judged => {}
            Fate::There => {}
            Fate::Open => open = open.or(Some(*value)),
            Fate::Gone(_) if hidden.is_some() => hides = true,
            Fate::Gone(now) => {
                tally.counts.lost += u64::from(element.acknowledged.is_some());
                tally.gone.extend(element.lost(history, key, now.clone()));
            }
        }
    }
    if let Some(why) = hidden.filter(|_| hides) {
        tally.undecide(key, why);
    }
    if let Some(value) = open {
        tally.undecide(key, &format!("the last reads of it overlap, and disagree about {value}"));
    }
}

/// What is there although it failed, or was removed.
fn returned(
    history: &History,
    key: Option<KeyId>,
    sights: &Sights<'_>,
    (value, element): (&Value, &Element),
) -> Option<Gone> {
    let gone = |kind, operation, now: &Seen| Gone { kind, key, operation, shown: None, now: now.clone() };
    if let (None, None, Some(failed)) = (element.acknowledged, element.attempted, element.failed) {
        let sight = sights.all().find(|sight| sight.elements.contains(value))?;
        return Some(gone(AnomalyKind::Revived, failed, sight.seen));
    }
    let removed = element.removed.filter(|&id| element.last_added < history.operation(id).invoked)?;
    let back = sights.back(history, key, value)?;
    Some(gone(AnomalyKind::Resurrected, removed, back))
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
                let earlier = |&first: &OperationId| history.operation(first).completed <= op.completed;
                *place = place.filter(earlier).or(Some(id));
                if outcome == Outcome::Ok {
                    element.known_at(op.completed);
                }
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
                    let element = elements.entry(value).or_default();
                    let earlier = |&first: &OperationId| history.operation(first).completed <= op.completed;
                    element.shown = element.shown.filter(earlier).or(Some(id));
                    element.shown_until = element.shown_until.max(Some(op.completed));
                    element.known_at(op.completed);
                }
            }
            _ => {}
        }
    }
    elements
}
