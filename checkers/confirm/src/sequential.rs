//! The operations of a witness alone have no legal order.
//!
//! It never leaves out what a part of the witness may owe its answer to, so an order of the whole history would be one
//! of these: of registers with unique values the writer of each value that is read, of other objects all that changes
//! them.

use std::collections::{BTreeMap, BTreeSet};

use finding::Anomaly;
use histories::{AnomalyKind, Function, History, KeyId, Operation, OperationId, Outcome, Value};

use super::Unconfirmed;
use super::causal::{Part, Relation, closure, cyclic, happened, relation};
use crate::action::Action;
use crate::apart;
use crate::orders::{Entry, legal};
use crate::parts::{Kind, QueueOrder, parts};
use crate::state::State;
use crate::whole;

/// Beyond this the table is too large.
const OPERATIONS_MAX: usize = 512;

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
    match has_order_of_registers(&accesses, &order) {
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
fn has_order_of_registers(operations: &[Access<'_>], before: &Relation) -> Option<bool> {
    let keys: BTreeSet<Option<KeyId>> = operations.iter().map(|access| access.op.key).collect();
    let keys: Vec<Option<KeyId>> = keys.into_iter().collect();
    let entry = |access: &Access<'_>| {
        let action = match (access.read, access.written) {
            (Some((_, from)), Some((_, to))) => Action::Swap { from: from.clone(), to: to.clone() },
            (None, Some((_, value))) => Action::Put(value.clone()),
            (Some((_, value)), None) => Action::Show(value.clone()),
            (None, None) => return None,
        };
        let object = keys.iter().position(|key| *key == access.op.key)?;
        Some(Entry { action, object, required: true })
    };
    // What neither certainly saw nor wrote anything fits everywhere; the relation is closed, so that it can be left out.
    let (places, entries): (Vec<usize>, Vec<Entry>) =
        operations.iter().enumerate().filter_map(|(i, access)| Some((i, entry(access)?))).unzip();
    let initial = keys.iter().map(|_| State::Register(Value::Null)).collect();
    legal(&entries, |a, b| before[places[a]][places[b]], initial)
}

/// Of whole transactions, by what was read from whom.
fn transactions(history: &History, inside: &[OperationId]) -> bool {
    inside.iter().all(|&id| happened(history, id)) && Part::of(history, inside).has_no_serial_order()
}

/// An operation on some object.
#[derive(Clone)]
struct Deed {
    id: OperationId,
    process: u32,
    entry: Entry,
}

/// All operations on all objects, in the order of the sessions, and what the objects hold at first. Registers of transactions
/// that share none are objects apart.
fn deeds(history: &History) -> Result<(Vec<Deed>, Vec<State>), Unconfirmed> {
    let (mut deeds, mut initial) = (Vec::new(), Vec::new());
    for part in parts(history) {
        let kind = part.kind.clone()?;
        if kind == Kind::Bank {
            return Err("what accounts hold in the order of sessions is not re-checked".into());
        }
        for apart in apart::groups(whole::read(history, &part)?) {
            for read in apart {
                let op = history.operation(read.id);
                let required = op.outcome != Outcome::Info;
                let entry = Entry { action: read.action, object: initial.len(), required };
                deeds.push(Deed { id: read.id, process: op.process, entry });
            }
            initial.push(State::initial(kind, QueueOrder::Fifo));
        }
    }
    deeds.sort_by_key(|deed| (deed.process, deed.id));
    Ok((deeds, initial))
}

/// Of objects of any kind: all that changes what the witness reads is in the witness, but for what puts a value in a register
/// that the witness never finds there.
fn objects(history: &History, inside: &[OperationId]) -> Result<(), Unconfirmed> {
    let (all, initial) = deeds(history)?;
    let chosen: BTreeSet<OperationId> = inside.iter().copied().collect();
    let named = |deed: &&Deed| chosen.contains(&deed.id);
    let read: BTreeSet<usize> = all.iter().filter(named).map(|deed| deed.entry.object).collect();
    let found: BTreeSet<(usize, &Value)> = all
        .iter()
        .filter(named)
        .filter_map(|deed| Some((deed.entry.object, found(&initial, &deed.entry)?)))
        .collect();
    let elements = elements(&all, named);
    let of_elements = |entry: &Entry| {
        if !matches!(initial[entry.object], State::Queue(_) | State::Stack(_)) {
            return Some(entry.action.clone());
        }
        let none = BTreeSet::new();
        whole::of_elements(&entry.action, elements.get(&entry.object).unwrap_or(&none))
    };
    let changes = |deed: &&Deed| {
        let object = deed.entry.object;
        let matters = made(&initial, &deed.entry).is_none_or(|made| found.contains(&(object, made)));
        let changes = of_elements(&deed.entry).is_some_and(|action| !action.only_looks());
        read.contains(&object) && changes && matters
    };
    if let Some(lacking) = all.iter().filter(changes).find(|deed| !named(deed)) {
        return Err(format!("the witness lacks {}", super::named(history, lacking.id)).into());
    }
    let witnessed = all.iter().filter(named).filter_map(|deed| {
        let entry = Entry { action: of_elements(&deed.entry)?, ..deed.entry.clone() };
        Some((deed.process, entry))
    });
    let (processes, entries): (Vec<u32>, Vec<Entry>) = witnessed.unzip();
    let before = |a: usize, b: usize| a < b && processes[a] == processes[b] && entries[a].required;
    match legal(&entries, before, initial) {
        Some(false) => Ok(()),
        Some(true) => Err("the witness has a valid order".into()),
        None => Err(Unconfirmed::too_many_operations(entries.len())),
    }
}

/// Of a register the value that an operation finds there.
fn found<'e>(initial: &[State], entry: &'e Entry) -> Option<&'e Value> {
    match (&initial[entry.object], &entry.action) {
        (State::Register(_), Action::Show(value) | Action::Swap { from: value, .. }) => Some(value),
        _ => None,
    }
}

/// Of a register the value that an operation puts there.
fn made<'e>(initial: &[State], entry: &'e Entry) -> Option<&'e Value> {
    match (&initial[entry.object], &entry.action) {
        (State::Register(_), Action::Put(value) | Action::Swap { to: value, .. }) => Some(value),
        _ => None,
    }
}

/// By object, the elements of queues and stacks that a witness is about: those that it puts in or takes out one by one, and
/// those that it takes out with others and that nothing puts in. An order of all elements is one of these, without the
/// others.
fn elements(all: &[Deed], named: impl Fn(&&Deed) -> bool) -> BTreeMap<usize, BTreeSet<Value>> {
    let mut elements: BTreeMap<usize, BTreeSet<Value>> = BTreeMap::new();
    for deed in all.iter().filter(named) {
        let is_put = |element: &Value| {
            let put = Action::Enqueue(element.clone());
            all.iter().any(|other| other.entry.object == deed.entry.object && other.entry.action == put)
        };
        let about = deed.entry.action.elements().iter();
        let drains = matches!(deed.entry.action, Action::Drain(_));
        let about = about.filter(|element| !drains || !is_put(element)).cloned();
        elements.entry(deed.entry.object).or_default().extend(about);
    }
    elements
}
