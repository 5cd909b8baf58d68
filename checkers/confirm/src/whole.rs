//! The operations of a witness on one object, beside anything that the others may have done, have no legal order.

use std::collections::BTreeSet;

use finding::Anomaly;
use histories::{Function, History, OperationId, Outcome, Value};

use crate::action::{Action, Step};
use crate::orders::{Entry, Timed, linearizable};
use crate::parts::{Kind, Part, QueueOrder, parts};
use crate::state::State;
use crate::{Unconfirmed, loose, named};

/// An operation of the object, as it was answered.
#[derive(Clone)]
pub(crate) struct Read {
    pub(crate) id: OperationId,
    pub(crate) invoked: u64,
    /// `u64::MAX` where nothing bounds when it took effect.
    pub(crate) returned: u64,
    pub(crate) action: Action,
}

impl Read {
    fn timed(&self, required: bool, action: Action) -> Timed {
        let returned = if required { self.returned } else { u64::MAX };
        Timed { invoked: self.invoked, returned, entry: Entry { action, object: 0, required } }
    }
}

/// All operations of an object that can matter. A drain whose answer never came stands for as many takings of one element
/// as there are elements that nothing else is known to have taken.
pub(crate) fn read(history: &History, part: &Part) -> Result<Vec<Read>, Unconfirmed> {
    let kind = part.kind.clone()?;
    let mut all = Vec::new();
    for &id in &part.operations {
        let op = history.operation(id);
        let Some(action) = Action::of(kind, op)? else { continue };
        all.push(Read { id, invoked: op.invoked.0, returned: op.returned().0, action });
    }
    let count = |counts: &dyn Fn(&Action) -> usize| all.iter().map(|op| counts(&op.action)).sum::<usize>();
    let put = count(&|action| usize::from(matches!(action, Action::Enqueue(_))));
    let taken = count(&|action| match action {
        Action::Dequeue(Some(_)) | Action::Drain(_) => action.elements().len(),
        _ => 0,
    });
    let is_open_drain = |id: OperationId| {
        let op = history.operation(id);
        op.function == Function::Drain && op.outcome == Outcome::Info
    };
    let copies = |op: &Read| if is_open_drain(op.id) { put.saturating_sub(taken) } else { 1 };
    Ok(all.iter().flat_map(|op| std::iter::repeat_n(op.clone(), copies(op))).collect())
}

pub(crate) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    let inside: BTreeSet<OperationId> = anomaly.witness.operations.iter().copied().collect();
    let first = anomaly.witness.operations.first().ok_or("the witness is empty")?;
    let last = anomaly.witness.operations.last().ok_or("the witness is empty")?;
    let is_of = |part: &Part| part.key == anomaly.key && part.operations.contains(first);
    let part = parts(history).into_iter().find(is_of).ok_or("the key has no operations")?;
    let (kind, all) = (part.kind.clone()?, read(history, &part)?);
    let initial = || State::initial(kind, QueueOrder::Fifo);
    if let Some(restricted) = restricted(kind, &all, &inside)
        && linearizable(restricted, initial()) == Some(false)
    {
        return Ok(());
    }
    let end = history.operation(*last).returned().0;
    let too_many = Unconfirmed::too_many_operations(all.len());
    let mut is_undecided = false;
    if matches!(kind, Kind::Register | Kind::Mutex | Kind::Counter) {
        let open = left_open(&all, &inside, end);
        match loose::is_impossible(&open).then_some(false).or_else(|| linearizable(open, initial())) {
            Some(false) => return Ok(()),
            Some(true) => {}
            None => is_undecided = true,
        }
    }
    let is_closed = matches!(kind, Kind::Register | Kind::Registers);
    if is_closed && let Some(id) = lacking(&all, &inside, end) {
        let lacks = || format!("the witness lacks {}", named(history, id)).into();
        return Err(if is_undecided { too_many } else { lacks() });
    }
    match linearizable(witnessed(&all, &inside, end, is_closed), initial()) {
        Some(false) => Ok(()),
        // An order of registers alone leaves the others out, as they may be.
        Some(true) if is_closed || !is_undecided => Err("the witness has a valid order".into()),
        Some(true) | None => Err(too_many),
    }
}

/// The operations of a witness and all others on its elements, without other elements: a set, a queue or a stack
/// restricted to some elements is one of these. `None` for objects without elements.
fn restricted(kind: Kind, all: &[Read], inside: &BTreeSet<OperationId>) -> Option<Vec<Timed>> {
    if !matches!(kind, Kind::Set | Kind::Queue | Kind::Stack) {
        return None;
    }
    let named = all.iter().filter(|op| inside.contains(&op.id));
    let mut elements: BTreeSet<Value> = named.clone().flat_map(|op| op.action.elements().to_vec()).collect();
    let known: BTreeSet<&Value> = all.iter().flat_map(|op| op.action.elements()).collect();
    for op in named {
        if let Action::Show(seen) = &op.action {
            let seen = crate::action::items(seen).iter();
            elements.extend(seen.filter(|element| !known.contains(element)).take(1).cloned());
        }
    }
    let restricted = all.iter().filter_map(|op| {
        let is_inside = inside.contains(&op.id);
        let action = of_elements(&op.action, &elements)?;
        let says = match &action {
            Action::Show(_) => is_inside,
            // What it took is not known: it may be one of the elements.
            Action::Dequeue(None) | Action::Pop(None) => true,
            _ => is_inside || !action.elements().is_empty(),
        };
        says.then(|| op.timed(op.returned != u64::MAX, action))
    });
    Some(restricted.collect())
}

/// What an action says of some elements of a set, a queue or a stack; `None` where it is about another one.
pub(crate) fn of_elements(action: &Action, elements: &BTreeSet<Value>) -> Option<Action> {
    let kept = |list: &Value| {
        let kept = crate::action::items(list).iter().filter(|element| elements.contains(element));
        Value::list(kept.cloned())
    };
    match action {
        Action::Show(seen) => Some(Action::Show(kept(seen))),
        Action::Drain(taken) => Some(Action::Drain(kept(taken))),
        _ => action.elements().iter().all(|element| elements.contains(element)).then(|| action.clone()),
    }
}

/// Those that a witness names, and all others as far as they change the object: they may have taken effect in their time.
fn left_open(all: &[Read], inside: &BTreeSet<OperationId>, end: u64) -> Vec<Timed> {
    let timed = all.iter().filter(|op| op.invoked <= end).filter_map(|op| {
        let required = inside.contains(&op.id) && op.returned <= end && op.returned != u64::MAX;
        if !required && op.action.only_looks() {
            return None;
        }
        let returned = if op.returned <= end { op.returned } else { u64::MAX };
        Some(Timed { returned, ..op.timed(required, op.action.clone()) })
    });
    timed.collect()
}

/// What a witness says of each operation, of what happened until `end`: those that it names are required, or open where
/// they ended later. Of registers the others are left out; of other objects those that change it may have happened.
fn witnessed(all: &[Read], inside: &BTreeSet<OperationId>, end: u64, is_closed: bool) -> Vec<Timed> {
    let timed = all.iter().filter_map(|op| {
        let is_inside = inside.contains(&op.id);
        if is_inside && op.returned <= end && op.returned != u64::MAX {
            return Some(op.timed(true, op.action.clone()));
        }
        let is_answered = op.returned != u64::MAX && op.action.unanswered().as_ref() != Some(&op.action);
        if is_inside && is_answered {
            return Some(op.timed(false, op.action.clone()));
        }
        if op.invoked > end || is_closed && !is_inside || op.action.only_looks() {
            return None;
        }
        op.action.unanswered().map(|action| op.timed(false, action))
    });
    timed.collect()
}

/// An operation outside the witness that may have left what an operation of the witness saw, or what such an operation
/// saw itself.
fn lacking(all: &[Read], inside: &BTreeSet<OperationId>, end: u64) -> Option<OperationId> {
    let exchanges: Vec<Exchange> = all.iter().map(|op| Exchange::of(&op.action)).collect();
    let is_inside = |op: &Read| inside.contains(&op.id) && op.returned <= end;
    let mut seen: BTreeSet<Held> = exchanges.iter().flat_map(|e| e.initial.iter().cloned()).collect();
    loop {
        let known = seen.len();
        for (op, exchange) in all.iter().zip(&exchanges) {
            if is_inside(op) || exchange.left.iter().any(|held| seen.contains(held)) {
                seen.extend(exchange.seen.iter().cloned());
            }
        }
        if seen.len() == known {
            break;
        }
    }
    let lacks = |(op, exchange): &(&Read, &Exchange)| {
        !inside.contains(&op.id) && op.invoked <= end && exchange.left.iter().any(|held| seen.contains(held))
    };
    all.iter().zip(&exchanges).find(lacks).map(|(op, _)| op.id)
}

/// A register, null where there is only one, and its value.
type Held = (Value, Value);

/// What an action on registers saw of others, and what it left behind.
#[derive(Default)]
struct Exchange {
    seen: Vec<Held>,
    left: Vec<Held>,
    /// Reads of null, which registers hold at first.
    initial: Vec<Held>,
}

impl Exchange {
    fn of(action: &Action) -> Self {
        let mut exchange = Self { initial: vec![(Value::Null, Value::Null)], ..Self::default() };
        let alone = |value: &Value| (Value::Null, value.clone());
        match action {
            Action::Show(value) => exchange.seen.push(alone(value)),
            Action::Put(value) => exchange.left.push(alone(value)),
            Action::Swap { from, to } => {
                exchange.seen.push(alone(from));
                exchange.left.push(alone(to));
            }
            Action::Transaction(steps) => steps.iter().for_each(|step| exchange.add(step)),
            _ => {}
        }
        exchange
    }

    fn add(&mut self, step: &Step) {
        match step {
            Step::Write(key, value) => {
                self.left.retain(|(other, _)| other != key);
                self.left.push((key.clone(), value.clone()));
            }
            Step::Read(key, Some(value)) => {
                let held = (key.clone(), value.clone());
                if value.is_null() {
                    self.initial.push(held.clone());
                }
                if self.left.iter().all(|(other, _)| other != key) {
                    self.seen.push(held);
                }
            }
            Step::Read(_, None) => {}
        }
    }
}
