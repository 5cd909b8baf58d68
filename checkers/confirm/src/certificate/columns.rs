//! The transactions of a history in sessions, and whose writes they read. A single operation is a transaction of one.

use std::collections::BTreeMap;

use histories::{Function, History, Outcome, Value};

use crate::accesses::{What, accesses};
use crate::named;
use crate::parts::parts;

/// What a read saw: the place of the transaction that wrote it, none where the register was never written.
pub(super) type Source = Option<u32>;

/// Transactions by operation. One that failed, that nothing tells to have happened, or that did nothing is empty.
pub(super) struct Columns {
    /// Per operation, each register that it read before it wrote it, with the source.
    pub(super) reads: Vec<Vec<(u32, Source)>>,
    /// Per operation, each register that it wrote.
    pub(super) writes: Vec<Vec<u32>>,
    /// Per operation, its session, and its place among those of the session that count.
    pub(super) place: Vec<(u32, u32)>,
    /// Per operation, whether it counts.
    pub(super) counts: Vec<bool>,
    /// By session, the operations that count, in order.
    pub(super) sessions: Vec<Vec<u32>>,
}

/// By register and value, the operation that may have written it; the second is true where several may have.
type Writers = BTreeMap<(u32, Value), (u32, bool)>;

impl Columns {
    /// Errs where some read does not tell what it read, or something is no register.
    pub(super) fn of(history: &History) -> Result<Self, String> {
        if let Some(part) = parts(history).iter().find(|part| !part.is_of_registers()) {
            let key = part.key.map(|key| history.key(key).to_string()).unwrap_or_default();
            return Err(format!("{key} is no register"));
        }
        let mut keys: BTreeMap<String, u32> = BTreeMap::new();
        let mut writers = Writers::new();
        let mut all = Vec::with_capacity(history.operations().len());
        for (id, op) in history.iter() {
            let known = matches!(
                op.function,
                Function::Read | Function::Write | Function::Cas | Function::Txn | Function::Dump
            );
            if !known {
                return Err(format!("{} is no operation on registers", named(history, id)));
            }
            let (mut reads, mut writes): (Vec<(u32, Value)>, BTreeMap<u32, Value>) = <_>::default();
            for access in accesses(history, op) {
                let next = keys.len() as u32;
                let key = *keys.entry(access.key).or_insert(next);
                match access.what {
                    What::Other => {
                        return Err(format!("{} is no transaction on registers", named(history, id)));
                    }
                    What::Write => drop(writes.insert(key, access.value)),
                    What::Read if writes.get(&key).is_some_and(|own| *own != access.value) => {
                        return Err(format!("{} does not see its own write", named(history, id)));
                    }
                    What::Read if writes.contains_key(&key) => {}
                    What::Read => reads.push((key, access.value)),
                }
            }
            for (&key, value) in &writes {
                let writer = writers.entry((key, value.clone())).or_insert((id.0, false));
                writer.1 |= writer.0 != id.0;
            }
            all.push((reads, writes));
        }
        let mut columns = Self {
            reads: Vec::with_capacity(all.len()),
            writes: all.iter().map(|(_, writes)| writes.keys().copied().collect()).collect(),
            place: vec![(0, 0); all.len()],
            counts: vec![false; all.len()],
            sessions: Vec::new(),
        };
        for (id, (reads, _)) in (0..).zip(&all) {
            let sources = reads.iter().map(|(key, value)| Ok((*key, source(&writers, id, *key, value)?)));
            columns.reads.push(sources.collect::<Result<_, String>>()?);
        }
        columns.count(history);
        Ok(columns)
    }

    /// What certainly happened counts, and so does what it read from.
    fn count(&mut self, history: &History) {
        let is_certain = |id: usize| history.operations()[id].outcome != Outcome::Info;
        let says = |id: &usize| !self.reads[*id].is_empty() || !self.writes[*id].is_empty();
        let mut open: Vec<usize> = (0..self.reads.len()).filter(|&id| is_certain(id)).filter(says).collect();
        while let Some(id) = open.pop() {
            if !std::mem::replace(&mut self.counts[id], true) {
                open.extend(self.reads[id].iter().filter_map(|(_, source)| Some((*source)? as usize)));
            }
        }
        let mut sessions: BTreeMap<u32, u32> = BTreeMap::new();
        for (id, op) in history.operations().iter().enumerate().filter(|(id, _)| self.counts[*id]) {
            let next = sessions.len() as u32;
            let session = *sessions.entry(op.process).or_insert(next);
            if session == next {
                self.sessions.push(Vec::new());
            }
            let of_session = &mut self.sessions[session as usize];
            self.place[id] = (session, of_session.len() as u32);
            of_session.push(id as u32);
        }
    }
}

fn source(writers: &Writers, reader: u32, key: u32, value: &Value) -> Result<Source, String> {
    match writers.get(&(key, value.clone())) {
        None if value.is_null() => Ok(None),
        None => Err(format!("operation {reader} read {value}, which nothing wrote")),
        Some(&(writer, several)) if several || value.is_null() || writer == reader => {
            Err(format!("operation {reader} read {value}, which does not tell what it read"))
        }
        Some(&(writer, _)) => Ok(Some(writer)),
    }
}

/// The writes of each register by session: places in the session, ascending.
pub(super) fn writes_by_session(columns: &Columns) -> BTreeMap<u32, Vec<(u32, Vec<u32>)>> {
    let mut by_key: BTreeMap<u32, Vec<(u32, Vec<u32>)>> = BTreeMap::new();
    for (session, operations) in (0..).zip(&columns.sessions) {
        for (place, &id) in (0..).zip(operations) {
            for &key in &columns.writes[id as usize] {
                let sessions = by_key.entry(key).or_default();
                match sessions.last_mut() {
                    Some((last, places)) if *last == session => places.push(place),
                    _ => sessions.push((session, vec![place])),
                }
            }
        }
    }
    by_key
}
