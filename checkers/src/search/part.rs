//! One part of a history decided by search, with its counterexample in words.
//!
//! It never re-checks what it reports: [`confirm_part`] does, which knows nothing of the search.

use std::collections::BTreeSet;
use std::time::Duration;

use histories::{AnomalyKind, History, ModelName, OperationId, Outcome};

use super::closure::Closure;
use super::compile::{Compiled, Entries, compile};
use super::meter::Meter;
use super::object::{Part, parts};
use super::selection::{QueueOrder, Standing, limited};
use super::sets::Ruled;
use super::shrink::shrink;
use super::{Answer, Stop, Want, queues, serial, sets};
use crate::{Anomaly, Budget, Step, Unconfirmed, Witness, words};

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
const RECHECK_BYTES_MAX: usize = 1 << 30;
const RECHECK_STEPS_MAX: u64 = 50_000_000;
const PREFIX_STEPS_MAX: u64 = 5_000_000;

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

fn ruled_out(history: &History, part: &Part, compiled: &Compiled<'_>, entries: &[u32]) -> Anomaly {
    let mut operations: Vec<OperationId> = entries.iter().map(|&i| compiled.ids[i as usize]).collect();
    operations.sort_unstable();
    operations.dedup();
    // Told last is what returned last: by then the contradiction was there.
    let returned = |id: &OperationId| history.operation(*id).returned();
    let seen = operations.iter().filter(|id| history.operation(**id).is_ok());
    let last = seen.max_by_key(|id| (returned(id), **id)).copied().unwrap_or(operations[0]);
    let told = words::clause(history, last);
    let count = words::count(operations.len(), "operation");
    Anomaly {
        kind: AnomalyKind::NotLinearizable,
        edges: Vec::new(),
        summary: format!("{told}, which no order of the operations explains"),
        key: part.key,
        steps: operations.iter().map(|&id| step(history, id, last)).collect(),
        facts: vec![if operations.len() == 1 {
            "nothing in the history explains its answer".to_owned()
        } else {
            format!("no order of these {count} respects real time and explains every answer")
        }],
        witness: Witness { model: ModelName::Linearizable, operations },
    }
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
            let standing = shrink(compiled, operation, order, meter);
            // What is left may be contradictory without the operation at which the search ended.
            let kept = (0..).zip(&standing).filter(|(_, standing)| **standing == Standing::Kept);
            let latest = kept.map(|(i, _)| i).max_by_key(|&i| (compiled.times(i as usize).1, i == operation));
            let last = latest.unwrap_or(operation);
            let telling = Telling { history, part, compiled, last, standing };
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

/// Whether the operations of a witness, beside anything that the rest may have done, really admit no order.
pub(crate) fn confirm_part(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    let first = anomaly.witness.operations.first().ok_or("the witness is empty")?;
    let is_of = |part: &Part| part.key == anomaly.key && part.operations.contains(first);
    let part = parts(history).into_iter().find(is_of);
    let part = part.ok_or("the key has no operations")?;
    let compiled = compile(history, &part)?;
    let witness: BTreeSet<OperationId> = anomaly.witness.operations.iter().copied().collect();
    let chosen: Vec<u32> =
        (0..compiled.len() as u32).filter(|&i| witness.contains(&compiled.ids[i as usize])).collect();
    if compiled.recheck_projected(&chosen) == Some(false) {
        return Ok(());
    }
    let last = anomaly.witness.operations.last().ok_or("the witness is empty")?;
    let end = history.operation(*last).returned().0;
    let standing = witnessed(&compiled, &chosen, end);
    let closure = Closure::of(&compiled);
    let counts = |i: usize| compiled.times(i).0 <= end;
    if let Some(writer) = closure.and_then(|closure| closure.lacking(&standing, counts)) {
        let id = compiled.ids[writer as usize];
        return Err(format!("the witness lacks {}", words::short(history, id)).into());
    }
    let budget = Budget::new(Duration::MAX, RECHECK_BYTES_MAX);
    let mut meter = limited(&Meter::new(&budget), RECHECK_STEPS_MAX);
    let explained = compiled.recheck(&standing, QueueOrder::Fifo).or_else(|| {
        match compiled.decide(Some(&standing), QueueOrder::Fifo, &mut meter, Want::Verdict) {
            Answer::Explained { .. } => Some(true),
            Answer::Unexplained { .. } => Some(false),
            Answer::Undecided { .. } => None,
        }
    });
    match explained {
        Some(false) => Ok(()),
        Some(true) => Err("the witness has a valid order".into()),
        None => Err(Unconfirmed::too_many_operations(compiled.len())),
    }
}

/// What a witness says of each operation, of what happened until `end`: those that it names are kept, or open where they
/// ended later. Of registers and transactions the others are left out; of any other object those that change it may have
/// happened or not.
fn witnessed(compiled: &Compiled<'_>, chosen: &[u32], end: u64) -> Vec<Standing> {
    let is_closed = compiled.is_closed();
    let mut is_chosen = vec![false; compiled.len()];
    for &i in chosen {
        is_chosen[i as usize] = true;
    }
    (0..compiled.len())
        .map(|i| {
            let (invoked, returned) = compiled.times(i);
            let has_ended = returned.is_some_and(|returned| returned <= end);
            let unneeded = !is_chosen[i] && is_closed || invoked > end;
            if is_chosen[i] && has_ended {
                Standing::Kept
            } else if is_chosen[i] && compiled.has_reply(i) {
                Standing::Open
            } else if unneeded || compiled.only_reads(i) {
                Standing::Dropped
            } else {
                Standing::Weakened
            }
        })
        .collect()
}

fn how_far(history: &History, compiled: &Compiled<'_>, operation: u32, stop: Stop) -> String {
    let Some(&id) = compiled.ids.get(operation as usize) else { return stop.to_string() };
    let event = history.operation(id).reply_event;
    let before =
        (0..compiled.len()).filter(|&i| history.operation(compiled.ids[i]).reply_event < event).count();
    format!("{stop}; linearizable through event {event}, {before} of {} operations", compiled.len())
}

struct Telling<'a, 'h> {
    history: &'h History,
    part: &'a Part,
    compiled: &'a Compiled<'h>,
    last: u32,
    standing: Vec<Standing>,
}

impl Telling<'_, '_> {
    fn anomaly(&self, order: QueueOrder, meter: &Meter<'_>) -> Anomaly {
        let last = self.compiled.ids[self.last as usize];
        let mut operations = self.with(Standing::Kept);
        operations.extend(self.with(Standing::Open));
        if self.compiled.is_closed() {
            operations.extend(self.with(Standing::Weakened));
        }
        operations.sort_unstable();
        operations.dedup();
        let steps: Vec<Step> = operations.iter().map(|&id| step(self.history, id, last)).collect();
        // The re-check looks at what had happened when the last of them returned.
        operations.retain(|&id| id != last);
        operations.push(last);
        let told = words::clause(self.history, last);
        Anomaly {
            kind: AnomalyKind::NotLinearizable,
            edges: Vec::new(),
            summary: format!("{told}, which no order of the operations explains"),
            key: self.part.key,
            facts: self.facts(steps.len(), order, meter),
            steps,
            witness: Witness { model: ModelName::Linearizable, operations },
        }
    }

    fn with(&self, standing: Standing) -> Vec<OperationId> {
        let ids = self.compiled.ids.iter().zip(&self.standing);
        ids.filter(|(_, other)| **other == standing).map(|(&id, _)| id).collect()
    }

    fn facts(&self, told: usize, order: QueueOrder, meter: &Meter<'_>) -> Vec<String> {
        let weakened = self.with(Standing::Weakened).len();
        let operations = words::count(told, "operation");
        let mut facts = if weakened == 0 || self.compiled.is_closed() {
            vec![format!("no order of these {operations} respects real time and explains every answer")]
        } else {
            vec![format!(
                "no order of these {operations} explains every answer, whenever, if at all, the other {weakened} took effect"
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
        (!told.is_empty()).then(|| format!("the {count} before it have an order: {dots}{}", told.join(", ")))
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
