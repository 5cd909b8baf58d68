//! The transactions of a witness alone contradict a causal model, by relations written out in full.
//!
//! Every relation here is a square table and every rule a loop to a fixed point: slow, and plain to see.

use std::collections::{BTreeMap, BTreeSet};

use finding::Anomaly;
use histories::{AnomalyKind, Function, History, ModelName, Operation, OperationId, Outcome, Value};

use super::Unconfirmed;
use crate::accesses::{What, accesses};

/// Beyond this the tables are too large.
const TRANSACTIONS_MAX: usize = 1_024;

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    let inside = &anomaly.witness.operations;
    match anomaly.kind {
        AnomalyKind::PhantomRead
        | AnomalyKind::AbortedRead
        | AnomalyKind::IntermediateRead
        | AnomalyKind::InternalRead
        | AnomalyKind::NonRepeatableRead => {
            let shows = inside.iter().any(|&id| unexplained(history, history.operation(id), anomaly.kind));
            return if shows { Ok(()) } else { Err(format!("no operation shows a {}", anomaly.kind).into()) };
        }
        _ => {}
    }
    if inside.len() > TRANSACTIONS_MAX {
        return Err(Unconfirmed::too_many_operations(inside.len()));
    }
    if let Some(id) = inside.iter().find(|&&id| !happened(history, id)) {
        return Err(format!("nobody saw that operation {} happened", id.0).into());
    }
    let part = Part::of(history, inside);
    if part.contradicts(anomaly.witness.model) { Ok(()) } else { Err("the witness has a valid order".into()) }
}

/// One transaction: the keys it read from elsewhere in order, and its last write of each key.
struct Transaction<'h> {
    op: &'h Operation,
    reads: Vec<(String, Value)>,
    writes: BTreeMap<String, Value>,
}

impl<'h> Transaction<'h> {
    fn of(history: &'h History, op: &'h Operation) -> Self {
        let mut transaction = Self { op, reads: Vec::new(), writes: BTreeMap::new() };
        for access in accesses(history, op) {
            match access.what {
                What::Write => drop(transaction.writes.insert(access.key, access.value)),
                What::Read if !transaction.writes.contains_key(&access.key) => {
                    transaction.reads.push((access.key, access.value));
                }
                What::Read | What::Other => {}
            }
        }
        transaction
    }
}

/// Whether an operation's outcome is known, or one that happened read what no other can have written.
pub(super) fn happened(history: &History, id: OperationId) -> bool {
    let mut open = vec![id];
    let mut seen = Vec::new();
    while let Some(id) = open.pop() {
        let op = history.operation(id);
        if op.outcome != Outcome::Info {
            return true;
        }
        seen.push(id);
        let written = Transaction::of(history, op).writes;
        for (reader, other) in history.iter().filter(|&(reader, _)| reader != id) {
            let reads = Transaction::of(history, other).reads;
            let mut read = reads.iter().filter(|(key, value)| written.get(key) == Some(value));
            let only = |(key, value): &(String, Value)| {
                writers(history, key, value).into_iter().all(|writer| writer == id || writer == reader)
                    && !value.is_null()
            };
            if !seen.contains(&reader) && read.any(only) {
                open.push(reader);
            }
        }
    }
    false
}

/// All that may have left a value under a key.
fn writers(history: &History, key: &str, value: &Value) -> Vec<OperationId> {
    let wanted = BTreeSet::from([(key, value)]);
    writers_of(history, &wanted).into_values().flatten().collect()
}

/// By key and value, all that may have left the value there.
fn writers_of<'w>(
    history: &History,
    wanted: &BTreeSet<(&'w str, &'w Value)>,
) -> BTreeMap<(&'w str, &'w Value), Vec<OperationId>> {
    let values: BTreeSet<&Value> = wanted.iter().map(|&(_, value)| value).collect();
    let mut found: BTreeMap<(&str, &Value), Vec<OperationId>> = BTreeMap::new();
    for (id, op) in history.iter() {
        if !may_write(op, &values) {
            continue;
        }
        for (key, value) in &Transaction::of(history, op).writes {
            let named = wanted.iter().find(|&&(of, wanted)| of == key && wanted == value);
            if let Some(&named) = named {
                found.entry(named).or_default().push(id);
            }
        }
    }
    found
}

/// Whether an operation may write one of these values, to any key.
fn may_write(op: &Operation, values: &BTreeSet<&Value>) -> bool {
    match op.function {
        Function::Write => values.contains(op.call()),
        Function::Cas => op.call().as_pair().is_some_and(|(_, to)| values.contains(to)),
        Function::Txn => {
            let micros = if op.is_ok() { op.reply().micros() } else { op.call().micros() };
            micros
                .into_iter()
                .flatten()
                .flatten()
                .any(|micro| micro.function == "w" && values.contains(&*micro.value))
        }
        _ => false,
    }
}

/// Whether an operation holds a read that no order explains.
fn unexplained(history: &History, op: &Operation, kind: AnomalyKind) -> bool {
    let writes_it = |other: &Operation, key: &str, value: &Value| {
        may_write(other, &BTreeSet::from([value]))
            && accesses(history, other)
                .iter()
                .any(|access| access.what == What::Write && access.value == *value && access.key == key)
    };
    let others = || history.operations().iter().filter(|other| other.call_event != op.call_event);
    let mut own: BTreeMap<String, Value> = BTreeMap::new();
    let mut seen: BTreeMap<String, Value> = BTreeMap::new();
    let mut found = false;
    for access in accesses(history, op) {
        let (key, value) = (access.key, &access.value);
        if access.what == What::Write {
            own.insert(key, access.value);
            continue;
        }
        let elsewhere = others().any(|other| writes_it(other, &key, value));
        found |= match kind {
            AnomalyKind::InternalRead => {
                own.get(&key).map_or(writes_it(op, &key, value) && !elsewhere, |written| written != value)
            }
            _ if own.contains_key(&key) => false,
            AnomalyKind::PhantomRead | AnomalyKind::AbortedRead => {
                !value.is_null() && !elsewhere && !writes_it(op, &key, value)
            }
            AnomalyKind::IntermediateRead => {
                let overwrote = |other: &Operation| Transaction::of(history, other).writes[&key] != *value;
                elsewhere && others().filter(|other| writes_it(other, &key, value)).all(overwrote)
            }
            _ => seen.get(&key).is_some_and(|before| before != value),
        };
        seen.insert(key, access.value);
    }
    found
}

pub(super) type Relation = Vec<Vec<bool>>;

/// The transactions of a witness with what is plain of them.
pub(super) struct Part<'h> {
    transactions: Vec<Transaction<'h>>,
    session: Relation,
    reads_from: Relation,
    /// Reader, key and writer, none for the initial value; in the order of the reads.
    reads: Vec<(usize, String, Option<usize>)>,
}

impl<'h> Part<'h> {
    pub(super) fn of(history: &'h History, inside: &[OperationId]) -> Self {
        let transactions: Vec<_> =
            inside.iter().map(|&id| Transaction::of(history, history.operation(id))).collect();
        let count = transactions.len();
        let mut part = Self {
            session: relation(count, |a, b| {
                let (a, b) = (transactions[a].op, transactions[b].op);
                a.process == b.process && a.outcome != Outcome::Info && a.call_event < b.call_event
            }),
            reads_from: relation(count, |_, _| false),
            reads: Vec::new(),
            transactions,
        };
        let reads = part.transactions.iter().flat_map(|transaction| &transaction.reads);
        let wanted = reads.map(|(key, value)| (key.as_str(), value)).collect();
        let written = writers_of(history, &wanted);
        let mut found = Vec::new();
        for (reader, &id) in inside.iter().enumerate() {
            for (key, value) in &part.transactions[reader].reads {
                let by = written.get(&(key.as_str(), value)).map_or(&[][..], Vec::as_slice);
                let mut others = by.iter().filter(|&&other| other != id);
                let (first, more) = (others.next(), others.next());
                match first {
                    // Where several may have left the value, or one outside, the read says nothing here.
                    Some(first) if more.is_none() && !value.is_null() => {
                        let writer = inside.iter().position(|other| other == first);
                        found.extend(writer.map(|writer| (reader, key.clone(), Some(writer))));
                    }
                    None if value.is_null() => found.push((reader, key.clone(), None)),
                    _ => {}
                }
            }
        }
        for (reader, _, writer) in &found {
            if let Some(writer) = *writer {
                part.reads_from[writer][*reader] = true;
            }
        }
        part.reads = found;
        part
    }

    fn contradicts(&self, model: ModelName) -> bool {
        let causality = closure(union(&self.session, &self.reads_from));
        let count = self.transactions.len();
        match model {
            ModelName::Causal => {
                cyclic(&causality)
                    || (0..count).any(|reader| self.circular(&causality, &causality, |t| t == reader))
            }
            ModelName::CausalConvergence => self.circular(&causality, &causality, |_| true),
            ModelName::RealTimeCausal => {
                let real_time =
                    relation(count, |a, b| self.transactions[a].op.precedes(self.transactions[b].op));
                self.circular(&causality, &union(&causality, &real_time), |_| true)
            }
            ModelName::CausalMemory => self.ends().any(|last| {
                let past = |t: usize| t == last || causality[t][last];
                let base = relation(count, |a, b| causality[a][b] && past(a) && past(b));
                self.saturated(base, last)
            }),
            ModelName::Pram => self.ends().any(|last| {
                let own = |t: usize| t == last || self.session[t][last];
                let base = relation(count, |a, b| self.session[a][b] || (self.reads_from[a][b] && own(b)));
                self.saturated(closure(base), last)
            }),
            ModelName::ReadAtomic => {
                let direct = union(&self.session, &self.reads_from);
                self.circular(&direct, &causality, |_| true)
            }
            ModelName::ReadCommittedBe => self.goes_back(causality),
            _ => false,
        }
    }

    /// Whether no order of whole transactions explains all reads: between what was read and its reader stands no other
    /// writer of the key, to a fixed point.
    pub(super) fn has_no_serial_order(&self) -> bool {
        let count = self.transactions.len();
        let mut order = union(&self.session, &self.reads_from);
        loop {
            order = closure(order);
            if cyclic(&order) {
                return true;
            }
            let mut grew = false;
            for (reader, key, writer) in &self.reads {
                let writes = |t: &usize| self.transactions[*t].writes.contains_key(key);
                for other in (0..count).filter(writes).filter(|t| t != reader && Some(*t) != *writer) {
                    let (before, after) = writer.map_or((false, true), |writer| {
                        (order[other][*reader] && !order[other][writer], order[writer][other])
                    });
                    if let Some(writer) = writer.filter(|_| before) {
                        order[other][writer] = true;
                    }
                    grew |= before || after && !order[*reader][other];
                    order[*reader][other] |= after;
                }
            }
            if !grew {
                return false;
            }
        }
    }

    /// The transactions that no other of their session follows.
    fn ends(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.transactions.len()).filter(|&t| !self.session[t].contains(&true))
    }

    /// Where a transaction `newer` precedes the reader of a key that it wrote too: `newer` comes before what was read.
    fn overwrites(
        &self,
        before: &Relation,
        reader_counts: impl Fn(usize) -> bool,
    ) -> Vec<(usize, Option<usize>)> {
        let mut found = Vec::new();
        for (reader, key, writer) in &self.reads {
            for newer in (0..self.transactions.len()).filter(|&newer| Some(newer) != *writer) {
                let overwrote = before[newer][*reader] && self.transactions[newer].writes.contains_key(key);
                if overwrote && reader_counts(*reader) {
                    found.push((newer, *writer));
                }
            }
        }
        found
    }

    /// Whether what `before` obliges contradicts `order`.
    fn circular(&self, before: &Relation, order: &Relation, reader_counts: impl Fn(usize) -> bool) -> bool {
        let mut order = order.clone();
        for (newer, older) in self.overwrites(before, reader_counts) {
            let Some(older) = older else { return true };
            order[newer][older] = true;
        }
        cyclic(&closure(order))
    }

    /// Whether the reads of a session up to `last` contradict each other.
    fn saturated(&self, mut order: Relation, last: usize) -> bool {
        loop {
            let own = |t: usize| t == last || self.session[t][last];
            let mut grew = false;
            for (newer, older) in self.overwrites(&order, own) {
                let Some(older) = older else { return true };
                grew |= !order[newer][older];
                order[newer][older] = true;
            }
            order = closure(order);
            if cyclic(&order) {
                return true;
            }
            if !grew {
                return false;
            }
        }
    }

    /// Whether a read obliged by an earlier one of its transaction contradicts the order.
    fn goes_back(&self, mut order: Relation) -> bool {
        for (at, (reader, key, writer)) in self.reads.iter().enumerate() {
            for (_, _, newer) in self.reads[..at].iter().filter(|(other, ..)| other == reader) {
                let Some(newer) = newer.filter(|newer| Some(*newer) != *writer) else { continue };
                if self.transactions[newer].writes.contains_key(key) {
                    let Some(older) = writer else { return true };
                    order[newer][*older] = true;
                }
            }
        }
        cyclic(&closure(order))
    }
}

pub(super) fn relation(count: usize, holds: impl Fn(usize, usize) -> bool) -> Relation {
    (0..count).map(|a| (0..count).map(|b| holds(a, b)).collect()).collect()
}

fn union(a: &Relation, b: &Relation) -> Relation {
    relation(a.len(), |from, to| a[from][to] || b[from][to])
}

pub(super) fn closure(mut order: Relation) -> Relation {
    for middle in 0..order.len() {
        let onward = order[middle].clone();
        for row in &mut order {
            if row[middle] {
                row.iter_mut().zip(&onward).for_each(|(reached, &further)| *reached |= further);
            }
        }
    }
    order
}

pub(super) fn cyclic(closed: &Relation) -> bool {
    (0..closed.len()).any(|t| closed[t][t])
}
