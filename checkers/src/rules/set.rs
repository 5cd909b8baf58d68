//! Sets, as a whole: what became of each element, from when on it was known, and how late readers saw it.
//!
//! It never calls an element lost that a client tried to remove, nor one that a run which ended too early may show yet.
//!
//! An element is known from the acknowledgement of an addition, or from the end of a read that showed it. It is lost where
//! a read that was called after that lacks it, and no read that ended at or after that call shows it; nor does any node hold
//! it, as far as dumps tell. A read that lacks it while a later one shows it was stale. After Jepsen's `set-full`.

use histories::{AnomalyKind, Function, History, KeyId, ModelName, Nanos, OperationId, Outcome, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::core::final_state::{FinalState, unfinished};
use crate::core::impossible::Impossible;
use crate::core::ruling::Ruling;
use crate::{Anomaly, Budget, Exhausted, Staleness, Witness, words};

pub(super) fn decide(history: &History, budget: &Budget) -> Ruling {
    let mut sets = sets(history);
    sets.retain(|(_, members)| !members.elements.is_empty());
    if sets.is_empty() {
        return Ruling::not_applicable("no operation adds to a set");
    }
    let finals = FinalState::of(history);
    let mut ruling = Ruling::default();
    let mut delays = Delays::default();
    for (key, members) in &mut sets {
        let judged = members.judge(&mut ruling, &mut delays, history, budget);
        if let Err(exhausted) = judged {
            ruling.undecided.push(exhausted.to_string());
            break;
        }
        members.lost(&mut ruling, history, *key, &finals);
    }
    if ruling.judged == 0 {
        ruling.undecided.push("no read began after an element was known".into());
    }
    ruling.figures.staleness = Some(delays.figures());
    ruling
}

/// What clients know of one element.
#[derive(Clone, Debug)]
struct Element<'h> {
    value: &'h Value,
    /// The first addition that may have happened.
    added: Option<OperationId>,
    invoked: Nanos,
    /// The addition that was acknowledged first.
    acknowledged: Option<OperationId>,
    failed: Option<OperationId>,
    known: Nanos,
    removal_tried: bool,
    /// The read that showed it and ended first.
    shown: Option<OperationId>,
    /// When the last of the reads that showed it had ended.
    shown_until: Option<Nanos>,
    /// The read that was called last of those that lack it and that no read which shows it ended after.
    missed: Option<OperationId>,
}

#[derive(Debug, Default)]
struct Members<'h> {
    elements: Vec<Element<'h>>,
    numbers: FxHashMap<&'h Value, u32>,
    /// By invocation.
    reads: Vec<OperationId>,
}

/// The keys, or the one object without a name, that are added to and read as lists.
fn sets(history: &History) -> Vec<(Option<KeyId>, Members<'_>)> {
    let nameless = history.keys().len();
    let mut all: Vec<Members<'_>> = (0..=nameless).map(|_| Members::default()).collect();
    let mut other = vec![false; all.len()];
    for (id, op) in history.iter() {
        let place = op.key.map_or(nameless, KeyId::index);
        let members = &mut all[place];
        match op.function {
            Function::Add => members.add(history, id),
            Function::Remove if op.outcome != Outcome::Fail => {
                let number = members.number(op.call());
                members.elements[number].removal_tried = true;
            }
            Function::Read | Function::ReadAll if op.is_ok() => {
                other[place] |= op.reply().as_list().is_none() && !op.reply().is_null();
                members.reads.push(id);
            }
            Function::Remove | Function::Read | Function::ReadAll | Function::Dump => {}
            _ => other[place] = true,
        }
    }
    let keys = (0..nameless as u32).map(|key| Some(KeyId::new(key))).chain([None]);
    let sets = keys.zip(all).zip(other);
    sets.filter(|(_, other)| !other).map(|(set, _)| set).collect()
}

impl<'h> Members<'h> {
    fn number(&mut self, value: &'h Value) -> usize {
        let next = self.elements.len() as u32;
        let number = *self.numbers.entry(value).or_insert(next);
        if number == next {
            self.elements.push(Element {
                value,
                added: None,
                invoked: Nanos::MAX,
                acknowledged: None,
                failed: None,
                known: Nanos::MAX,
                removal_tried: false,
                shown: None,
                shown_until: None,
                missed: None,
            });
        }
        number as usize
    }

    fn add(&mut self, history: &'h History, id: OperationId) {
        let op = history.operation(id);
        let number = self.number(op.call());
        let element = &mut self.elements[number];
        if op.outcome == Outcome::Fail {
            element.failed.get_or_insert(id);
            return;
        }
        if element.added.is_none() {
            (element.added, element.invoked) = (Some(id), op.invoked);
        }
        if op.is_ok() {
            let earlier = |&first: &OperationId| history.operation(first).completed <= op.completed;
            element.acknowledged = element.acknowledged.filter(earlier).or(Some(id));
            element.known = element.known.min(op.completed);
        }
    }

    /// Looks at every read twice: for what cannot be there, and for what should be.
    fn judge(
        &mut self,
        ruling: &mut Ruling,
        delays: &mut Delays,
        history: &'h History,
        budget: &Budget,
    ) -> Result<(), Exhausted> {
        let mut told = FxHashSet::default();
        for place in 0..self.reads.len() {
            let id = self.reads[place];
            let op = history.operation(id);
            let mut inside = FxHashSet::default();
            for value in op.reply().as_list().unwrap_or_default() {
                let number = self.number(value);
                let flaw = self.flaw(number, op.completed, !inside.insert(number));
                if let Some(kind) = flaw.filter(|_| told.insert(number)) {
                    ruling.anomalies.push(self.impossible(history, id, number, kind));
                }
                let element = &mut self.elements[number];
                let earlier = |&first: &OperationId| history.operation(first).completed <= op.completed;
                element.shown = element.shown.filter(earlier).or(Some(id));
                element.shown_until = element.shown_until.max(Some(op.completed));
                element.known = element.known.min(op.completed);
            }
        }
        let mut by_known: Vec<u32> = (0..self.elements.len() as u32)
            .filter(|&number| self.elements[number as usize].is_kept())
            .collect();
        by_known.sort_by_key(|&number| self.elements[number as usize].known);
        let mut present = vec![usize::MAX; self.elements.len()];
        for place in 0..self.reads.len() {
            if place % 64 == 0 {
                budget.check()?;
            }
            self.delay(place, history, &by_known, &mut present, ruling, delays);
        }
        Ok(())
    }

    /// Why an element cannot have been in a read that ended at a time.
    fn flaw(&self, number: usize, completed: Nanos, doubled: bool) -> Option<AnomalyKind> {
        let element = &self.elements[number];
        match (element.added, element.failed) {
            (None, Some(_)) => Some(AnomalyKind::AbortedRead),
            (None, None) => Some(AnomalyKind::PhantomRead),
            (Some(_), _) if completed < element.invoked => Some(AnomalyKind::FutureRead),
            _ => doubled.then_some(AnomalyKind::DuplicateElement),
        }
    }

    /// What a read should have shown: it was late where another did show it, at the same time or later, and else it missed
    /// it.
    fn delay(
        &mut self,
        place: usize,
        history: &History,
        by_known: &[u32],
        present: &mut [usize],
        ruling: &mut Ruling,
        delays: &mut Delays,
    ) {
        let id = self.reads[place];
        let op = history.operation(id);
        for value in op.reply().as_list().unwrap_or_default() {
            if let Some(&number) = self.numbers.get(value) {
                present[number as usize] = place;
            }
        }
        let due = by_known.partition_point(|&number| self.elements[number as usize].known < op.invoked);
        let mut late: Option<(Nanos, u64)> = None;
        for &number in by_known[..due].iter().filter(|&&number| present[number as usize] != place) {
            let element = &mut self.elements[number as usize];
            if element.shown_until >= Some(op.invoked) {
                late = Some(late.map_or((element.known, 1), |(first, count)| (first, count + 1)));
            } else if op.invoked >= history.seen_from() {
                element.missed = Some(id);
            }
        }
        ruling.judged += due;
        delays.reads += 1;
        if let Some((first, count)) = late {
            delays.by.push(op.invoked.since(first));
            delays.most = delays.most.max(count);
        }
    }

    /// Known elements that no observation shows any more.
    fn lost(
        &self,
        ruling: &mut Ruling,
        history: &History,
        key: Option<KeyId>,
        finals: &Result<FinalState<'_>, String>,
    ) {
        let held = finals.as_ref().map(|finals| finals.held(key)).unwrap_or_default();
        let holds =
            |value: &Value| held.iter().any(|seen| seen.value.as_list().unwrap_or_default().contains(value));
        let dumped = held.iter().map(|seen| seen.operation).min_by_key(|&id| history.operation(id).invoked);
        let looked = finals.as_ref().is_ok_and(|finals| !finals.seen(key).is_empty());
        let why =
            unfinished(history, finals).or_else(|| Some(finals.as_ref().ok()?.may_hide(key)?.to_owned()));
        let name = words::key(history, key);
        let mut undecided = None;
        for element in self.elements.iter().filter(|element| element.is_kept()) {
            let Some(added) = element.acknowledged.or(element.added) else { continue };
            let value = element.value;
            let last = dumped.filter(|&id| {
                Some(history.operation(id).invoked) > element.shown_until.max(Some(element.known))
            });
            match (element.missed.or(last).filter(|_| !holds(value)), &why) {
                (Some(_), Some(why)) => {
                    undecided.get_or_insert_with(|| format!("{name}: the last read lacks {value}; {why}"));
                }
                (Some(missed), None) => ruling.anomalies.push(element.lost(history, added, missed)),
                (None, _) if finals.is_ok() && !looked => {
                    undecided.get_or_insert_with(|| format!("{name}: nobody read it at the end"));
                }
                (None, _) => {}
            }
        }
        ruling.undecided.extend(undecided);
    }

    fn impossible(&self, history: &History, read: OperationId, number: usize, kind: AnomalyKind) -> Anomaly {
        let element = &self.elements[number];
        let other = if kind == AnomalyKind::AbortedRead { element.failed } else { element.added };
        let key = history.operation(read).key;
        Impossible { kind, read, key, value: element.value, other }.anomaly(history, ModelName::Set)
    }
}

impl Element<'_> {
    /// Whether it is known and must still be there.
    fn is_kept(&self) -> bool {
        self.known < Nanos::MAX && !self.removal_tried && self.added.is_some()
    }

    fn lost(&self, history: &History, added: OperationId, now: OperationId) -> Anomaly {
        let noun = words::noun(history, added);
        // What an acknowledgement does not tell in time, a read does.
        let op = |id: OperationId| history.operation(id);
        let acknowledged = self.acknowledged.is_some_and(|id| op(id).completed < op(now).invoked);
        let shown = self.shown.filter(|_| !acknowledged);
        let (verb, note) = match shown {
            None => ("was acknowledged", "was acknowledged"),
            Some(_) => ("was seen to take effect", "added it"),
        };
        let steps: Vec<_> = std::iter::once(words::completed(history, added, note))
            .chain(shown.map(|id| words::completed(history, id, format!("shows {}", self.value))))
            .chain([words::completed(history, now, format!("does not show {}", self.value))])
            .collect();
        Anomaly {
            kind: AnomalyKind::LostWrite,
            edges: Vec::new(),
            not_rechecked: None,
            summary: format!("{noun} {verb} and is gone"),
            key: op(added).key,
            witness: Witness {
                model: ModelName::Set,
                operations: steps.iter().map(|step| step.operation).collect(),
            },
            steps,
            facts: vec!["no read that ended later shows the element, and nobody tried to remove it".into()],
        }
    }
}

/// How late readers saw what was known.
#[derive(Debug, Default)]
struct Delays {
    reads: u64,
    /// Of each stale read, since when the oldest element that it lacks had been known.
    by: Vec<Nanos>,
    /// The most elements that a read lacked.
    most: u64,
}

impl Delays {
    fn figures(mut self) -> Staleness {
        self.by.sort_unstable();
        let at = |share: f64| {
            let rank = (share * self.by.len() as f64).ceil() as usize;
            self.by.get(rank.saturating_sub(1)).map_or(0.0, |delay| delay.as_millis_f64())
        };
        Staleness {
            stale_reads: self.by.len() as u64,
            reads: self.reads,
            p50_ms: at(0.5),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            max_ms: at(1.0),
            gamma_ms: None,
            max_versions: self.most,
        }
    }
}
