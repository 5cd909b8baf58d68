//! The operations of a witness alone have no legal order.
//!
//! It never leaves out what a part of the witness may owe its answer to, so an order of the whole history would be one
//! of these: of registers with unique values the writer of each value that is read, of other objects all that changes
//! them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use histories::{AnomalyKind, Function, History, KeyId, Operation, OperationId, Outcome, Value};

use super::Unconfirmed;
use super::causal::{Part, Relation, closure, cyclic, happened, relation};
use crate::Anomaly;
use crate::models::QueueCall;
use crate::sequential::accesses::{Deed, Objects};
use crate::sequential::objects::{self, State};

/// Beyond this the table is too large.
const OPERATIONS_MAX: usize = 512;
/// States of the trial of all orders.
const STATES_MAX: usize = 200_000;

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    if matches!(anomaly.kind, AnomalyKind::PhantomRead | AnomalyKind::AbortedRead) {
        return super::linear::confirm(history, anomaly);
    }
    let inside = &anomaly.witness.operations;
    if inside.len() > OPERATIONS_MAX {
        return Err(Unconfirmed::too_many_operations(inside.len()));
    }
    let Err(why) = registers(history, inside) else { return Ok(()) };
    if super::growth::confirm(history, inside).is_ok() || transactions(history, inside) {
        return Ok(());
    }
    objects(history, inside).map_err(|other| match (why, other) {
        (Unconfirmed::Refuted(why), Unconfirmed::Refuted(other)) => format!("{why}; {other}").into(),
        (large @ Unconfirmed::TooLarge { .. }, _) | (_, large) => large,
    })
}

fn registers(history: &History, inside: &[OperationId]) -> Result<(), Unconfirmed> {
    if let Some(id) = inside.iter().find(|&&id| !happened(history, id)) {
        return Err(format!("nobody saw that operation {} happened", id.0).into());
    }
    let registers_only =
        |op: &Operation| matches!(op.function, Function::Read | Function::Write | Function::Cas);
    let operations: Vec<&Operation> = inside.iter().map(|&id| history.operation(id)).collect();
    if let Some(op) = operations.iter().find(|op| !registers_only(op)) {
        return Err(format!("an {} is no operation of a register", op.function).into());
    }
    let mut accesses = Vec::new();
    for op in operations {
        let seen = read(op);
        let writers = seen.map_or(0, |seen| other_writers(history, op, seen));
        let is_absent = seen.is_none_or(|(_, value)| value.is_null());
        if writers == 0 && !is_absent {
            return Ok(()); // Nothing else wrote what it saw.
        }
        let read = seen.filter(|_| writers == usize::from(!is_absent));
        accesses.push(Access { op, read, written: written(op) });
    }
    let lacks_writer =
        |read: &Held<'_>| !read.1.is_null() && accesses.iter().all(|access| access.written != Some(*read));
    if let Some(read) = accesses.iter().filter_map(|access| access.read).find(lacks_writer) {
        return Err(format!("the witness lacks the write of {}", read.1).into());
    }
    let mut order = relation(accesses.len(), |a, b| accesses[a].comes_before(&accesses[b]));
    if saturates_to_a_cycle(&accesses, &mut order) {
        return Ok(());
    }
    match legal(&accesses, &order) {
        Some(false) => Ok(()),
        Some(true) => Err("the witness has a valid order".into()),
        None => Err(Unconfirmed::too_many_operations(accesses.len())),
    }
}

/// What an operation certainly saw, and what it wrote.
struct Access<'h> {
    op: &'h Operation,
    /// None where it is not certain whose write it saw, or where it saw nothing.
    read: Option<Held<'h>>,
    written: Option<Held<'h>>,
}

type Held<'h> = (Option<KeyId>, &'h Value);

fn read(op: &Operation) -> Option<Held<'_>> {
    match (&op.function, op.outcome) {
        (Function::Read, Outcome::Ok) => Some((op.key, op.reply())),
        (Function::Cas, Outcome::Fail) if op.seen().is_some() => Some((op.key, op.reply())),
        (Function::Cas, Outcome::Ok | Outcome::Info) => op.call().as_pair().map(|(from, _)| (op.key, from)),
        _ => None,
    }
}

fn written(op: &Operation) -> Option<Held<'_>> {
    match op.function {
        _ if op.outcome == Outcome::Fail => None,
        Function::Write => Some((op.key, op.call())),
        Function::Cas => op.call().as_pair().map(|(_, to)| (op.key, to)),
        _ => None,
    }
}

/// How many other operations may have left what one saw.
fn other_writers(history: &History, reader: &Operation, seen: Held<'_>) -> usize {
    let others = history.operations().iter().filter(|op| op.call_event != reader.call_event);
    others.filter(|op| written(op) == Some(seen)).count()
}

impl Access<'_> {
    /// In one session, or the one read what the other wrote or was there before it.
    fn comes_before(&self, other: &Self) -> bool {
        let (a, b) = (self.op, other.op);
        let in_session = a.process == b.process && a.outcome != Outcome::Info && a.call_event < b.call_event;
        let same = a.call_event == b.call_event;
        let read_from = !same && self.written.is_some() && self.written == other.read;
        let initial = self
            .read
            .is_some_and(|(key, value)| value.is_null() && other.written.is_some_and(|held| held.0 == key));
        in_session || read_from || (initial && !same)
    }
}

/// Between a write and a read of it stands no other write of the key.
fn saturates_to_a_cycle(accesses: &[Access<'_>], order: &mut Relation) -> bool {
    loop {
        *order = closure(std::mem::take(order));
        if cyclic(order) {
            return true;
        }
        let mut grew = false;
        for (reader, access) in accesses.iter().enumerate() {
            let Some(seen) = access.read else { continue };
            let wrote = |(i, other): (usize, &Access<'_>)| i != reader && other.written == Some(seen);
            let Some(writer) = accesses.iter().enumerate().position(wrote) else { continue };
            let others = |i: &usize| accesses[*i].written.is_some_and(|held| held.0 == seen.0);
            for other in (0..accesses.len()).filter(others).filter(|&i| i != writer && i != reader) {
                grew |= order[other][reader] && !std::mem::replace(&mut order[other][writer], true);
                grew |= order[writer][other] && !std::mem::replace(&mut order[reader][other], true);
            }
        }
        if !grew {
            return false;
        }
    }
}

/// Whether some order of all operations is legal; `None` where that takes too many states.
fn legal(operations: &[Access<'_>], before: &Relation) -> Option<bool> {
    type State<'h> = (BTreeSet<usize>, BTreeMap<Option<KeyId>, &'h Value>);
    let mut tried: BTreeSet<State<'_>> = BTreeSet::new();
    let mut stack: Vec<State<'_>> = vec![State::default()];
    while let Some((done, registers)) = stack.pop() {
        if done.len() == operations.len() {
            return Some(true);
        }
        if tried.len() > STATES_MAX {
            return None;
        }
        let left = |i: &usize| !done.contains(i);
        let next = (0..operations.len()).filter(left).filter(|&i| {
            let current = registers.get(&operations[i].op.key).copied().unwrap_or(&Value::Null);
            let waits = (0..operations.len()).filter(left).any(|other| before[other][i]);
            !waits && operations[i].read.is_none_or(|(_, value)| value == current)
        });
        let mut next: Vec<usize> = next.collect();
        // A read that is possible now loses nothing by being next.
        if let Some(&only) = next.iter().find(|&&i| operations[i].written.is_none()) {
            next = vec![only];
        }
        for i in next {
            let (mut done, mut registers) = (done.clone(), registers.clone());
            done.insert(i);
            if let Some((key, value)) = operations[i].written {
                registers.insert(key, value);
            }
            if tried.insert((done.clone(), registers.clone())) {
                stack.push((done, registers));
            }
        }
    }
    Some(false)
}

/// Of whole transactions, by what was read from whom.
fn transactions(history: &History, inside: &[OperationId]) -> bool {
    inside.iter().all(|&id| happened(history, id)) && Part::of(history, inside).has_no_serial_order()
}

/// Of objects of any kind, by their models: all that changes what the witness reads is in the witness, but for what puts
/// a value in a register that the witness never finds there.
fn objects(history: &History, inside: &[OperationId]) -> Result<(), Unconfirmed> {
    let mut objects = Objects::of(history)?;
    let chosen: BTreeSet<OperationId> = inside.iter().copied().collect();
    let named = |deed: &Deed| chosen.contains(&deed.operation);
    let read: BTreeSet<u32> =
        objects.deeds.iter().filter(|deed| named(deed)).map(|deed| deed.object).collect();
    let found: BTreeSet<(u32, &Value)> = objects
        .deeds
        .iter()
        .filter(|deed| named(deed))
        .filter_map(|deed| Some((deed.object, deed.access.found()?)))
        .collect();
    let elements = elements(&objects.deeds, named);
    let of_elements =
        |deed: &Deed| deed.access.of_elements(|element| elements.contains(&(deed.object, element.clone())));
    let changes = |deed: &&Deed| {
        let matters = deed.access.made().is_none_or(|made| found.contains(&(deed.object, made)));
        let changes = of_elements(deed).is_some_and(|access| !access.only_reads());
        read.contains(&deed.object) && changes && matters
    };
    if let Some(lacking) = objects.deeds.iter().filter(changes).find(|deed| !named(deed)) {
        return Err(format!("the witness lacks operation {}", lacking.operation.0).into());
    }
    let witnessed = objects.deeds.iter().filter(|deed| named(deed));
    let witnessed = witnessed.filter_map(|deed| Some(Deed { access: of_elements(deed)?, ..deed.clone() }));
    objects.deeds = witnessed.collect();
    match has_order(&objects) {
        Some(false) => Ok(()),
        Some(true) => Err("the witness has a valid order".into()),
        None => Err(Unconfirmed::too_many_operations(objects.deeds.len())),
    }
}

/// The elements of queues and stacks that a witness is about: those that it puts in or takes out one by one, and those that
/// it takes out with others and that nothing puts in. An order of all elements is one of these, without the others.
fn elements(deeds: &[Deed], named: impl Fn(&Deed) -> bool) -> BTreeSet<(u32, Value)> {
    let mut elements = BTreeSet::new();
    for deed in deeds.iter().filter(|deed| named(deed)) {
        elements.extend(deed.access.element().map(|element| (deed.object, element.clone())));
        if let objects::Access::Queue(QueueCall::Drain, Some(taken)) = &deed.access {
            let is_put = |element: &Value| {
                let put = objects::Access::Queue(QueueCall::Enqueue(element.clone()), None);
                deeds.iter().any(|other| other.object == deed.object && other.access == put)
            };
            let taken = taken.as_list().unwrap_or_default().iter().filter(|element| !is_put(element));
            elements.extend(taken.map(|element| (deed.object, element.clone())));
        }
    }
    elements
}

/// Whether some order of what is acknowledged, and any of the rest, is legal; `None` where that takes too many states.
fn has_order(objects: &Objects) -> Option<bool> {
    let deeds = &objects.deeds;
    let mut tried: HashSet<(BTreeSet<usize>, Vec<State>)> = HashSet::new();
    let mut stack = vec![(BTreeSet::new(), objects.initial.clone())];
    while let Some((done, states)) = stack.pop() {
        if (0..deeds.len()).all(|i| done.contains(&i) || !deeds[i].acknowledged) {
            return Some(true);
        }
        if tried.len() > STATES_MAX {
            return None;
        }
        let left = |i: &usize| !done.contains(i);
        let waits = |i: usize| {
            (0..i)
                .filter(left)
                .any(|other| deeds[other].process == deeds[i].process && deeds[other].acknowledged)
        };
        for i in (0..deeds.len()).filter(left).filter(|&i| !waits(i)) {
            let object = deeds[i].object as usize;
            let Some(after) = states[object].step(&deeds[i].access) else { continue };
            let (mut done, mut states) = (done.clone(), states.clone());
            done.insert(i);
            states[object] = after;
            if tried.insert((done.clone(), states.clone())) {
                stack.push((done, states));
            }
        }
    }
    Some(false)
}
