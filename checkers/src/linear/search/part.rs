//! One part of a history decided by search, with its counterexample in words.
//!
//! The crate `confirm`, which knows nothing of the search, re-checks what this module reports.

use std::collections::BTreeSet;

use finding::Meter;
use histories::{AnomalyKind, History, ModelName, OperationId, Outcome};

use super::compile::{Compiled, Entries, compile};
use super::kinds::{self, Otherwise};
use super::loosely::{self, Start};
use super::selection::{QueueOrder, Standing, limited};
use super::sets::Ruled;
use super::shrink::shrink;
use super::{Answer, Stop, Want, queues, serial, sets};
use crate::core::object::Part;
use crate::{Anomaly, Budget, Side, Step, Witness, words};

/// What a part came to.
#[derive(Debug)]
pub(crate) enum Decided {
    Holds,
    Violated(Box<Anomaly>),
    /// Why, and how far it got.
    Undecided(String),
}

/// How many operations of the order that explains the rest are told.
const ORDER_TOLD_MAX: usize = 8;
const PREFIX_STEPS_MAX: u64 = 5_000_000;
/// What it may take to learn whether a read would have been right at another time.
const MOVED_STEPS_MAX: u64 = 500_000;

/// Decides a part, and says by what method; `searches` of them share the memory budget.
pub(crate) fn decide_part(
    history: &History,
    part: &Part,
    order: QueueOrder,
    budget: &Budget,
    searches: usize,
) -> (Decided, &'static str) {
    let compiled = match compile(history, part) {
        Ok(compiled) => compiled,
        Err(why) => return (Decided::Undecided(why), "search"),
    };
    let meter = Meter::sharing(budget, searches);
    let (method, ruled) = by_rules(&compiled, order, &mut meter.clone());
    let decided = match ruled {
        Ok(None) => by_search(history, part, &compiled, order, &meter),
        Ok(Some(Ruled::Holds)) => Decided::Holds,
        Ok(Some(Ruled::Violated(entries))) => {
            Decided::Violated(Box::new(ruled_out(history, part, &compiled, &entries)))
        }
        Err(stop) => Decided::Undecided(stop.to_string()),
    };
    (decided, method)
}

/// What rules of its own say of an object, and what they are called.
fn by_rules(
    compiled: &Compiled<'_>,
    order: QueueOrder,
    meter: &mut Meter<'_>,
) -> (&'static str, Result<Option<Ruled>, Stop>) {
    let (method, ruled) = match &compiled.entries {
        Entries::Set(entries) => ("sets", sets::decide(entries, meter)),
        Entries::Queue(entries) if order == QueueOrder::Fifo => ("queues", queues::decide(entries, meter)),
        Entries::Transactions(entries) => {
            ("serial order", serial::order(entries, meter).map(|order| order.map(|_| Ruled::Holds)))
        }
        _ => ("search", Ok(None)),
    };
    (if ruled == Ok(None) { "search" } else { method }, ruled)
}

/// Whether transactions that are executed in the order of time, as far as that goes, explain what they read.
pub(crate) fn follows_time(history: &History, part: &Part, budget: &Budget) -> bool {
    match compile(history, part).map(|compiled| compiled.entries) {
        Ok(Entries::Transactions(entries)) => {
            matches!(serial::order(&entries, &mut Meter::new(budget)), Ok(Some(_)))
        }
        _ => false,
    }
}

fn ruled_out(history: &History, part: &Part, compiled: &Compiled<'_>, entries: &[u32]) -> Anomaly {
    let mut operations: Vec<OperationId> = entries.iter().map(|&i| compiled.ids[i as usize]).collect();
    operations.sort_unstable();
    operations.dedup();
    let otherwise = Projected { compiled, chosen: entries };
    let fact = if operations.len() == 1 {
        "nothing in the history explains its answer".to_owned()
    } else {
        "no order of these operations respects real time and explains every answer".to_owned()
    };
    told(history, part, (&operations, &[]), &otherwise, vec![fact])
}

/// The words for operations that no order explains, beside which others may have happened. Told last is what returned
/// last: by then the contradiction was there.
fn told(
    history: &History,
    part: &Part,
    (operations, beside): (&[OperationId], &[OperationId]),
    otherwise: &impl Otherwise,
    facts: Vec<String>,
) -> Anomaly {
    if let Some(mut anomaly) = kinds::unwritten(history, part, operations) {
        if anomaly.kind == AnomalyKind::FutureRead {
            anomaly.witness.operations.splice(0..0, beside.iter().copied());
        }
        return anomaly;
    }
    let seen = operations.iter().filter(|id| history.operation(**id).outcome != Outcome::Info);
    let last = seen.max_by_key(|id| (history.operation(**id).returned(), **id)).or(operations.first());
    let last = last.copied().unwrap_or(OperationId(0));
    let named = kinds::named(history, part, operations, otherwise);
    let mut anomaly = Anomaly {
        kind: AnomalyKind::NotLinearizable,
        edges: Vec::new(),
        not_rechecked: None,
        summary: format!("{}, which no order of the operations explains", words::clause(history, last)),
        key: part.key,
        steps: operations.iter().map(|&id| step(history, id, last)).collect(),
        facts,
        witness: Witness { model: ModelName::Linearizable, operations: [operations, beside].concat() },
    };
    // The re-check looks at what had happened when the last of them returned.
    anomaly.witness.operations.retain(|&id| id != last);
    anomaly.witness.operations.push(last);
    if let Some(named) = named {
        (anomaly.kind, anomaly.summary, anomaly.facts) = (named.kind, named.summary, named.facts);
        if let Some(step) = anomaly.steps.iter_mut().find(|step| step.operation == last) {
            let deed = words::deed(history, last);
            step.note = if named.kind == AnomalyKind::StaleRead { format!("still {deed}") } else { deed };
        }
        if !named.steps.is_empty() {
            anomaly.steps = named.steps;
        }
    }
    anomaly
}

fn by_search(
    history: &History,
    part: &Part,
    compiled: &Compiled<'_>,
    order: QueueOrder,
    meter: &Meter<'_>,
) -> Decided {
    match compiled.decide(None, order, &mut meter.clone(), Want::Verdict) {
        Answer::Explained { .. } => Decided::Holds,
        Answer::Undecided { operation, stop } => {
            Decided::Undecided(how_far(history, compiled, operation, stop))
        }
        Answer::Unexplained { operation, .. } => {
            let loose = loosely::shrink(compiled, operation, meter);
            let is_loose = loose.is_some();
            let standing = loose.unwrap_or_else(|| shrink(compiled, operation, order, meter));
            // What is left may be contradictory without the operation at which the search ended.
            let kept = (0..).zip(&standing).filter(|(_, standing)| **standing == Standing::Kept);
            let latest = kept.map(|(i, _)| i).max_by_key(|&i| (compiled.times(i as usize).1, i == operation));
            let last = latest.unwrap_or(operation);
            let telling = Telling { history, part, compiled, last, standing, is_loose };
            Decided::Violated(Box::new(telling.anomaly(order, meter)))
        }
    }
}

/// The operations of a part in an order that explains them, without those that took no effect. `None` where there is
/// no such order, or none was found within the budget and in so many steps.
pub(crate) fn order_of_part(
    history: &History,
    part: &Part,
    order: QueueOrder,
    budget: &Budget,
    steps_max: u64,
) -> Option<Vec<OperationId>> {
    let compiled = compile(history, part).ok()?;
    let meter = &mut limited(&Meter::new(budget), steps_max);
    let by_rules = match &compiled.entries {
        Entries::Set(entries) => sets::order(entries, meter).ok()?,
        Entries::Transactions(entries) => serial::order(entries, meter).ok()?,
        _ => None,
    };
    let entries = match by_rules {
        Some(entries) => entries,
        None => match compiled.decide(None, order, meter, Want::Order) {
            Answer::Explained { order } => order,
            _ => return None,
        },
    };
    Some(entries.into_iter().map(|i| compiled.ids[i as usize]).collect())
}

/// Those that a witness names are kept; all others may have taken effect in their time.
fn left_open(compiled: &Compiled<'_>, chosen: &[u32], end: u64) -> Vec<Standing> {
    let mut standing: Vec<Standing> = (0..compiled.len())
        .map(|i| match compiled.times(i) {
            (invoked, _) if invoked > end || compiled.only_reads(i) => Standing::Dropped,
            (_, Some(returned)) if returned <= end => Standing::Within,
            _ => Standing::Weakened,
        })
        .collect();
    for &i in chosen {
        let has_ended = compiled.times(i as usize).1.is_some_and(|returned| returned <= end);
        standing[i as usize] = if has_ended { Standing::Kept } else { standing[i as usize] };
    }
    standing
}

fn how_far(history: &History, compiled: &Compiled<'_>, operation: u32, stop: Stop) -> String {
    let Some(&id) = compiled.ids.get(operation as usize) else { return stop.to_string() };
    let event = history.operation(id).reply_event;
    let before =
        (0..compiled.len()).filter(|&i| history.operation(compiled.ids[i]).reply_event < event).count();
    format!("{stop}; linearizable through event {event}, {before} of {} operations", compiled.len())
}

/// Operations that rules found to contradict each other, had one been called or answered at another time.
struct Projected<'a, 'h> {
    compiled: &'a Compiled<'h>,
    chosen: &'a [u32],
}

impl Otherwise for Projected<'_, '_> {
    fn explained_if(&self, operation: OperationId, side: Side) -> bool {
        self.compiled.moved(operation, side).recheck_projected(self.chosen) == Some(true)
    }
}

/// The same of operations that the search found.
struct Moved<'a, 'h, 'b> {
    telling: &'a Telling<'a, 'h>,
    order: QueueOrder,
    meter: &'a Meter<'b>,
}

impl Otherwise for Moved<'_, '_, '_> {
    fn explained_if(&self, operation: OperationId, side: Side) -> bool {
        let Telling { compiled, standing, last, .. } = self.telling;
        let moved = compiled.moved(operation, side);
        let mut meter = limited(self.meter, MOVED_STEPS_MAX);
        let answer = if self.telling.is_loose {
            let end = compiled.times(*last as usize).1.unwrap_or(u64::MAX);
            let kept = (0..).zip(standing).filter(|(_, standing)| **standing == Standing::Kept);
            let kept: Vec<u32> = kept.map(|(i, _)| i).collect();
            let mut open = left_open(compiled, &kept, end);
            if side == Side::Completed {
                // All that came later may be what it saw.
                open = left_open(compiled, &kept, u64::MAX - 1);
            }
            moved.decide_loosely(&open, Start::Initial, &mut meter)
        } else {
            Some(moved.decide(Some(standing), self.order, &mut meter, Want::Verdict))
        };
        matches!(answer, Some(Answer::Explained { .. }))
    }
}

struct Telling<'a, 'h> {
    history: &'h History,
    part: &'a Part,
    compiled: &'a Compiled<'h>,
    last: u32,
    standing: Vec<Standing>,
    /// Whether what is not kept may have taken effect in its time.
    is_loose: bool,
}

impl Telling<'_, '_> {
    fn anomaly(&self, order: QueueOrder, meter: &Meter<'_>) -> Anomaly {
        let is_closed = self.compiled.is_closed() && !self.is_loose;
        let kept = self.with(Standing::Kept);
        let open = self.with(Standing::Open);
        let beside = if is_closed { self.with(Standing::Weakened) } else { Vec::new() };
        let facts = self.facts(is_closed, order, meter);
        let otherwise = Moved { telling: self, order, meter };
        let mut anomaly =
            told(self.history, self.part, (&kept, &[open.clone(), beside].concat()), &otherwise, facts);
        if anomaly.kind == AnomalyKind::NotLinearizable {
            let last = self.compiled.ids[self.last as usize];
            let place = anomaly.steps.len().saturating_sub(1);
            anomaly.steps.splice(place..place, open.iter().map(|&id| step(self.history, id, last)));
        }
        anomaly
    }

    fn with(&self, standing: Standing) -> Vec<OperationId> {
        let ids = self.compiled.ids.iter().zip(&self.standing);
        // A drain is told of once, however much it took.
        let ids: BTreeSet<OperationId> =
            ids.filter(|(_, other)| **other == standing).map(|(&id, _)| id).collect();
        ids.into_iter().collect()
    }

    fn facts(&self, is_closed: bool, order: QueueOrder, meter: &Meter<'_>) -> Vec<String> {
        let others = self.standing.iter().filter(|standing| **standing == Standing::Weakened).count();
        let mut facts = if others == 0 || is_closed {
            vec!["no order of these operations respects real time and explains every answer".to_owned()]
        } else if self.is_loose {
            vec![
                "no order of these operations explains every answer, whatever all others did in their time"
                    .to_owned(),
            ]
        } else {
            vec![format!(
                "no order of these operations explains every answer, whenever, if at all, {} took effect",
                words::count(others, "other")
            )]
        };
        facts.extend(self.prefix(order, meter));
        facts
    }

    /// An order that explains everything up to the operation that nothing explains.
    fn prefix(&self, order: QueueOrder, meter: &Meter<'_>) -> Option<String> {
        let end = self.compiled.times(self.last as usize).1?;
        let standing: Vec<Standing> = (0..self.compiled.len())
            .map(|i| match self.compiled.times(i) {
                (_, Some(returned)) if returned < end => Standing::Kept,
                (invoked, _) if invoked > end => Standing::Dropped,
                _ => Standing::Weakened,
            })
            .collect();
        let mut meter = limited(meter, PREFIX_STEPS_MAX);
        let Answer::Explained { order } =
            self.compiled.decide(Some(&standing), order, &mut meter, Want::Order)
        else {
            return None;
        };
        let skipped = order.len().saturating_sub(ORDER_TOLD_MAX);
        let told: Vec<String> = order[skipped..]
            .iter()
            .map(|&i| {
                let op = self.history.as_recorded(self.compiled.ids[i as usize]);
                format!("{} {} (client {})", op.function, words::told(&op), op.process)
            })
            .collect();
        let dots = if skipped > 0 { "…, " } else { "" };
        let count = words::count(order.len(), "operation");
        let have = if order.len() == 1 { "has" } else { "have" };
        (!told.is_empty())
            .then(|| format!("the {count} before it {have} an order: {dots}{}", told.join(", ")))
    }
}

fn step(history: &History, id: OperationId, last: OperationId) -> Step {
    let op = history.as_recorded(id);
    let value = words::told(&op);
    let note = match op.outcome {
        _ if id == last => "no order explains this answer".to_owned(),
        Outcome::Ok if op.returned() > history.operation(last).returned() => {
            format!("was still open, and came to {value} if it happened by now")
        }
        Outcome::Info => "may have happened at any time since".to_owned(),
        Outcome::Fail => format!("found {value}"),
        Outcome::Ok if op.function.is_read() => format!("saw {value}"),
        Outcome::Ok => "had happened by now".to_owned(),
    };
    words::completed(history, id, note)
}
