//! From a history to columns: which transactions count, who wrote what was read, and what no write explains.
//!
//! It never guesses a writer: a read of a value that several may have written is left out of the columns, which takes
//! constraints away and adds none. Where operations are malformed there are no columns.

use histories::{Function, History, Operation, OperationId, Outcome, Value};
use rustc_hash::FxHashMap;

use super::columns::{Columns, Flaw, NONE};
use super::resolve::{Resolved, Writers};
use crate::core::accesses::{self, Access, Malformed, Target};
use crate::core::keys::{Keys, Names};
use crate::core::registers::Interner;
use crate::{Budget, Exhausted};

/// Why a history has no columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    Malformed(OperationId),
    /// An operation that may change any key in ways unknown here.
    Foreign(String),
    NoRegisters,
    NothingObserved,
    Exhausted,
}

impl From<Exhausted> for Unfit {
    fn from(_: Exhausted) -> Self {
        Self::Exhausted
    }
}

/// What a history holds beside its columns.
#[derive(Debug)]
pub(crate) struct Compiled<'h> {
    pub(crate) columns: Columns,
    pub(crate) names: Names<'h>,
    pub(crate) has_transactions: bool,
    /// Another data type at work on some keys, which are left out.
    pub(crate) beside: Option<String>,
    /// Reads whose writer is not certain, which are left out.
    pub(crate) uncertain: Option<Uncertain>,
}

/// Reads of values that more than one transaction may have left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uncertain {
    pub(crate) reads: u64,
    /// Of the first of them.
    pub(crate) key: String,
    pub(crate) value: Value,
}

pub(crate) fn compile<'h>(history: &'h History, budget: &Budget) -> Result<Compiled<'h>, Unfit> {
    let mut draft = Draft::new(history);
    draft.collect(budget)?;
    if draft.cells.iter().all(|cell| draft.keys.foreign[cell.key() as usize]) {
        return Err(Unfit::NoRegisters);
    }
    if draft.unknown.iter().all(|&unknown| unknown) {
        return Err(Unfit::NothingObserved);
    }
    let resolved = Resolved::of(&draft, &draft.writers());
    let kept = draft.observed(&resolved);
    let uncertain = draft.uncertain(&resolved);
    Ok(Compiled {
        columns: draft.columns(resolved, &kept),
        names: draft.keys.into_names(),
        has_transactions: draft.has_transactions,
        beside: draft.beside,
        uncertain,
    })
}

/// An access with interned key and value; the key's highest bit tells a write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    key: u32,
    pub(super) value: u32,
}

const WRITE: u32 = 1 << 31;

impl Cell {
    pub(super) fn key(self) -> u32 {
        self.key & !WRITE
    }

    pub(super) fn is_write(self) -> bool {
        self.key & WRITE != 0
    }
}

/// All transactions that may have happened, in the order of completion, with their accesses.
pub(super) struct Draft<'h> {
    history: &'h History,
    pub(super) keys: Keys<'h>,
    values: Interner,
    pub(super) operations: Vec<OperationId>,
    processes: Vec<u32>,
    /// Whether the outcome is unknown.
    unknown: Vec<bool>,
    starts: Vec<u32>,
    pub(super) cells: Vec<Cell>,
    /// Writes that failed, by key and value.
    pub(super) aborted: FxHashMap<(u32, u32), OperationId>,
    pub(super) has_transactions: bool,
    beside: Option<String>,
}

impl<'h> Draft<'h> {
    fn new(history: &'h History) -> Self {
        let count = history.operations().len();
        Self {
            history,
            keys: Keys::new(history, count),
            values: Interner::new(count),
            operations: Vec::with_capacity(count),
            processes: Vec::with_capacity(count),
            unknown: Vec::with_capacity(count),
            starts: Vec::with_capacity(count + 1),
            cells: Vec::with_capacity(count),
            aborted: FxHashMap::default(),
            has_transactions: false,
            beside: None,
        }
    }

    fn collect(&mut self, budget: &Budget) -> Result<(), Unfit> {
        self.starts.push(0);
        for (i, id) in by_completion(self.history).into_iter().enumerate() {
            if i % 65_536 == 0 {
                budget.check()?;
            }
            self.add(id, self.history.operation(id))?;
        }
        for key in 0..self.keys.shapes.len() {
            // A whole list that nobody wrote as one belongs to another data type, whose changes all failed.
            if self.keys.shapes[key].read && !self.keys.shapes[key].written {
                self.foreign(key as u32, "appending");
            }
        }
        // From here on values are only numbers.
        self.values = Interner::new(0);
        Ok(())
    }

    fn add(&mut self, id: OperationId, op: &'h Operation) -> Result<(), Unfit> {
        match &op.function {
            Function::Read | Function::Write | Function::Cas => {}
            Function::Txn => self.has_transactions = true,
            Function::Dump | Function::ReadAll => return Ok(()),
            other => {
                let Some(key) = op.key else { return Err(Unfit::Foreign(other.name().to_owned())) };
                let key = self.keys.id(Target::Own(Some(key)));
                self.foreign(key, other.name());
                return Ok(());
            }
        }
        self.aborted(id, op).map_err(|Malformed| Unfit::Malformed(id))?;
        let first = self.cells.len();
        let mut others = Vec::new();
        let (keys, values, cells) = (&mut self.keys, &mut self.values, &mut self.cells);
        accesses::each(op, |access, target, value| {
            let key = keys.id(target);
            match access {
                Access::Read => {
                    keys.shapes[key as usize].read |= is_collection(&value);
                    cells.push(Cell { key, value: values.id(&value) });
                }
                Access::Write => {
                    keys.shapes[key as usize].written |= is_collection(&value);
                    cells.push(Cell { key: key | WRITE, value: values.id(&value) });
                }
                Access::Other => others.push(key),
            }
        })
        .map_err(|Malformed| Unfit::Malformed(id))?;
        for key in others {
            self.foreign(key, "append");
        }
        if self.cells.len() > first {
            self.operations.push(id);
            self.processes.push(op.process);
            self.unknown.push(op.outcome == Outcome::Info);
            self.starts.push(self.cells.len() as u32);
        }
        Ok(())
    }

    fn aborted(&mut self, id: OperationId, op: &'h Operation) -> Result<(), Malformed> {
        let (keys, values, aborted) = (&mut self.keys, &mut self.values, &mut self.aborted);
        accesses::aborted(op, |target, value| {
            aborted.entry((keys.id(target), values.id(&value))).or_insert(id);
        })
    }

    fn foreign(&mut self, key: u32, function: &str) {
        self.keys.foreign[key as usize] = true;
        self.beside.get_or_insert_with(|| function.to_owned());
    }

    /// A transaction's accesses with their places in it, but for those to keys of other data types.
    pub(super) fn cells(&self, t: usize) -> impl Iterator<Item = (u32, Cell)> + '_ {
        let cells = &self.cells[self.starts[t] as usize..self.starts[t + 1] as usize];
        (0..).zip(cells.iter().copied()).filter(|(_, cell)| !self.keys.foreign[cell.key() as usize])
    }

    fn writers(&self) -> Writers {
        let mut writers = Writers::default();
        for t in 0..self.operations.len() {
            for (_, cell) in self.cells(t).filter(|(_, cell)| cell.is_write()) {
                writers.insert(cell, t as u32);
            }
        }
        writers
    }

    fn uncertain(&self, resolved: &Resolved) -> Option<Uncertain> {
        let (t, access) = resolved.first_uncertain?;
        let (target, value) = accesses::nth(self.history.operation(self.operations[t as usize]), access)?;
        let (key, value) = (target.text(self.history), value.into_owned());
        Some(Uncertain { reads: resolved.uncertain, key, value })
    }

    /// Which transactions count: those of unknown outcome only where one that counts read from them.
    fn observed(&self, resolved: &Resolved) -> Vec<bool> {
        let mut kept: Vec<bool> = self.unknown.iter().map(|&unknown| !unknown).collect();
        if !self.unknown.contains(&true) {
            return kept;
        }
        let mut open: Vec<u32> = (0..kept.len() as u32).filter(|&t| kept[t as usize]).collect();
        while let Some(t) = open.pop() {
            for writer in resolved.sources(t) {
                if !kept[writer as usize] {
                    kept[writer as usize] = true;
                    open.push(writer);
                }
            }
        }
        kept
    }

    fn columns(&mut self, mut resolved: Resolved, kept: &[bool]) -> Columns {
        let mut columns = Columns { keys: self.keys.foreign.len() as u32, ..Columns::default() };
        let kept_only = || (0..kept.len()).filter(|&t| kept[t]);
        self.written(kept_only(), &mut columns);
        self.cells = Vec::new();
        let mut sessions = Sessions::default();
        for (id, t) in (0..).zip(kept_only()) {
            let (chain, place, previous) = sessions.place(self.processes[t], id, self.unknown[t]);
            columns.chain.push(chain);
            columns.place.push(place);
            columns.previous.push(previous);
        }
        columns.chains = sessions.chains;
        let counts = |flaw: &(u32, Flaw)| kept[flaw.0 as usize];
        let flaws = std::mem::take(&mut resolved.flaws);
        columns.flaws = flaws.into_iter().filter(counts).map(|(_, flaw)| flaw).collect();
        columns.operation = std::mem::take(&mut self.operations);
        if kept.contains(&false) {
            resolved = resolved.restrict(kept);
            let mut kept = kept.iter();
            columns.operation.retain(|_| kept.next() == Some(&true));
        }
        (columns.read_start, columns.reads) = resolved.into_columns();
        columns.reads.shrink_to_fit();
        columns
    }

    fn written(&self, kept: impl Iterator<Item = usize>, columns: &mut Columns) {
        let mut last = vec![NONE; self.keys.foreign.len()];
        columns.write_start.push(0);
        for t in kept {
            let first = columns.writes.len();
            for (_, cell) in self.cells(t).filter(|(_, cell)| cell.is_write()) {
                if last[cell.key() as usize] != t as u32 {
                    last[cell.key() as usize] = t as u32;
                    columns.writes.push(cell.key());
                }
            }
            columns.writes[first..].sort_unstable();
            columns.write_start.push(columns.writes.len() as u32);
        }
    }
}

fn is_collection(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Map(_))
}

/// The operations in the order of their completions; those of unknown outcome at their invocations, which is as
/// early as they can have happened.
fn by_completion(history: &History) -> Vec<OperationId> {
    let mut at_event = vec![NONE; history.event_count() as usize];
    for (id, op) in history.iter() {
        let event = if op.outcome == Outcome::Info { op.call_event } else { op.reply_event };
        if let Some(slot) = at_event.get_mut(event as usize) {
            *slot = id.0;
        }
    }
    at_event.into_iter().filter(|&id| id != NONE).map(OperationId).collect()
}

/// Hands out places in chains.
#[derive(Default)]
struct Sessions {
    chains: u32,
    open: FxHashMap<u32, Session>,
}

struct Session {
    chain: u32,
    next: u32,
    /// The last of known outcome.
    last: u32,
    sealed: bool,
}

impl Sessions {
    fn place(&mut self, process: u32, id: u32, unknown: bool) -> (u32, u32, u32) {
        let chains = &mut self.chains;
        let mut fresh = || {
            *chains += 1;
            *chains - 1
        };
        let session = self.open.entry(process).or_insert_with(|| Session {
            chain: fresh(),
            next: 0,
            last: NONE,
            sealed: false,
        });
        if session.sealed {
            (session.chain, session.next, session.sealed) = (fresh(), 0, false);
        }
        let placed = (session.chain, session.next, session.last);
        session.next += 1;
        if unknown {
            session.sealed = true;
        } else {
            session.last = id;
        }
        placed
    }
}
