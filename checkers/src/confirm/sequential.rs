//! The operations of a witness alone have no legal order.
//!
//! It never leaves out what a part of the witness may owe its answer to, so an order of the whole history would be one
//! of these: of registers with unique values the writer of each value that is read, of other objects all that changes
//! them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use histories::{AnomalyKind, Function, History, KeyId, Operation, OperationId, Outcome, Value};

use super::causal::{Part, Relation, closure, cyclic, happened, relation};
use crate::Anomaly;
use crate::sequential::accesses::{Deed, Objects};
use crate::sequential::objects::State;

/// Beyond this the table is too large.
const OPERATIONS_MAX: usize = 512;
/// States of the trial of all orders.
const STATES_MAX: usize = 200_000;

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), String> {
    if matches!(anomaly.kind, AnomalyKind::PhantomRead | AnomalyKind::AbortedRead) {
        return super::linear::confirm(history, anomaly);
    }
    let inside = &anomaly.witness.operations;
    if inside.len() > OPERATIONS_MAX {
        return Err(format!("{} operations are too many to re-check", inside.len()));
    }
    let Err(why) = registers(history, inside) else { return Ok(()) };
    if super::growth::confirm(history, inside).is_ok() || transactions(history, inside) {
        return Ok(());
    }
    objects(history, inside).map_err(|other| format!("{why}; {other}"))
}

fn registers(history: &History, inside: &[OperationId]) -> Result<(), String> {
    if let Some(id) = inside.iter().find(|&&id| !happened(history, id)) {
        return Err(format!("nobody saw that operation {} happened", id.0));
    }
    let registers_only =
        |op: &Operation| matches!(op.function, Function::Read | Function::Write | Function::Cas);
    let operations: Vec<&Operation> = inside.iter().map(|&id| history.operation(id)).collect();
    if let Some(op) = operations.iter().find(|op| !registers_only(op)) {
        return Err(format!("an {} is no operation of a register", op.function));
    }
    if let Some(value) =
        operations.iter().filter_map(|op| read(op)).find(|read| !has_one_writer(history, &operations, *read))
    {
        return Err(format!("{} has not one writer, and that in the witness", value.1));
    }
    let mut order = relation(operations.len(), |a, b| comes_before(operations[a], operations[b]));
    if saturates_to_a_cycle(&operations, &mut order) {
        return Ok(());
    }
    match legal(&operations, &order) {
        Some(false) => Ok(()),
        Some(true) => Err("the witness has a valid order".into()),
        None => Err(format!("the orders of {} operations are too many to re-check", operations.len())),
    }
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

fn has_one_writer(history: &History, inside: &[&Operation], read: Held<'_>) -> bool {
    let writers = |op: &&Operation| written(op) == Some(read);
    let anywhere = history.operations().iter().filter(writers).count();
    let within = inside.iter().copied().filter(writers).count();
    (read.1.is_null() && anywhere == 0) || (anywhere == 1 && within == 1)
}

/// In one session, or the one read what the other wrote or was there before it.
fn comes_before(a: &Operation, b: &Operation) -> bool {
    let in_session = a.process == b.process && a.outcome != Outcome::Info && a.call_event < b.call_event;
    let same = a.call_event == b.call_event;
    let read_from = !same && written(a).is_some() && written(a) == read(b);
    let initial =
        read(a).is_some_and(|(key, value)| value.is_null() && written(b).is_some_and(|held| held.0 == key));
    in_session || read_from || (initial && !same)
}

/// Between a write and a read of it stands no other write of the key.
fn saturates_to_a_cycle(operations: &[&Operation], order: &mut Relation) -> bool {
    loop {
        *order = closure(std::mem::take(order));
        if cyclic(order) {
            return true;
        }
        let mut grew = false;
        for (reader, op) in operations.iter().enumerate() {
            let Some(seen) = read(op) else { continue };
            let Some(writer) = operations.iter().position(|other| written(other) == Some(seen)) else {
                continue;
            };
            let others = |i: &usize| written(operations[*i]).is_some_and(|held| held.0 == seen.0);
            for other in (0..operations.len()).filter(others).filter(|&i| i != writer && i != reader) {
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
fn legal(operations: &[&Operation], before: &Relation) -> Option<bool> {
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
            let current = registers.get(&operations[i].key).copied().unwrap_or(&Value::Null);
            let waits = (0..operations.len()).filter(left).any(|other| before[other][i]);
            !waits && read(operations[i]).is_none_or(|(_, value)| value == current)
        });
        let mut next: Vec<usize> = next.collect();
        // A read that is possible now loses nothing by being next.
        if let Some(&only) = next.iter().find(|&&i| written(operations[i]).is_none()) {
            next = vec![only];
        }
        for i in next {
            let (mut done, mut registers) = (done.clone(), registers.clone());
            done.insert(i);
            if let Some((key, value)) = written(operations[i]) {
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
    let part = Part::of(history, inside);
    inside.iter().all(|&id| happened(history, id))
        && part.reads_are_certain(history)
        && part.has_no_serial_order()
}

/// Of objects of any kind, by their models: all that changes what the witness reads is in the witness.
fn objects(history: &History, inside: &[OperationId]) -> Result<(), String> {
    let mut objects = Objects::of(history)?;
    let chosen: BTreeSet<OperationId> = inside.iter().copied().collect();
    let named = |deed: &Deed| chosen.contains(&deed.operation);
    let read: BTreeSet<u32> =
        objects.deeds.iter().filter(|deed| named(deed)).map(|deed| deed.object).collect();
    let changes = |deed: &&Deed| read.contains(&deed.object) && !deed.access.only_reads();
    if let Some(lacking) = objects.deeds.iter().filter(changes).find(|deed| !named(deed)) {
        return Err(format!("the witness lacks operation {}", lacking.operation.0));
    }
    objects.deeds.retain(named);
    match has_order(&objects) {
        Some(false) => Ok(()),
        Some(true) => Err("the witness has a valid order".into()),
        None => Err(format!("the orders of {} operations are too many to re-check", objects.deeds.len())),
    }
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
