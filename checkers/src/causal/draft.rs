//! All transactions of a history that may have happened, with what each read and wrote.
//!
//! Which write a read saw is found out later, by [`super::resolve`]. Where operations are malformed there is no draft.

use histories::{Function, History, Operation, OperationId, Outcome, Value};
use rustc_hash::FxHashMap;

use super::columns::NONE;
use crate::core::accesses::{self, Access, Malformed, Target};
use crate::core::interner::Interner;
use crate::core::keys::Keys;
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
    pub(super) history: &'h History,
    pub(super) keys: Keys<'h>,
    values: Interner,
    pub(super) operations: Vec<OperationId>,
    pub(super) processes: Vec<u32>,
    /// Whether the outcome is unknown.
    pub(super) unknown: Vec<bool>,
    starts: Vec<u32>,
    pub(super) cells: Vec<Cell>,
    /// Writes that failed, by key and value.
    pub(super) aborted: FxHashMap<(u32, u32), OperationId>,
    pub(super) has_transactions: bool,
    pub(super) beside: Option<String>,
}

impl<'h> Draft<'h> {
    pub(super) fn new(history: &'h History) -> Self {
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

    pub(super) fn collect(&mut self, budget: &Budget) -> Result<(), Unfit> {
        self.starts.push(0);
        for (i, id) in by_completion(self.history).into_iter().enumerate() {
            if i % 65_536 == 0 {
                budget.check()?;
            }
            self.add(id, self.history.operation(id))?;
        }
        for key in 0..self.keys.shapes.len() {
            // A list that is read whole and that no operation wrote whole is of another data type, whose changes all failed.
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
