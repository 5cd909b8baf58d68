//! From a history to columns: which transactions count, who wrote what was read, and what no write explains.
//!
//! It never guesses a writer: where written values repeat, or operations are malformed, there are no columns.

use histories::{Function, History, Key, KeyId, Operation, OperationId, Outcome, Value};
use rustc_hash::FxHashMap;

use super::accesses::{self, Access, Malformed, Target};
use super::columns::{Columns, Flaw, FlawKind, NONE, Read};
use crate::registers::{INITIAL, Interner};
use crate::{Budget, Exhausted};

/// Why a history has no columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    Repeats {
        key: String,
        value: Value,
    },
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
    let writers = draft.writers()?;
    let resolved = Resolved::of(&draft, &writers);
    let kept = draft.observed(&resolved);
    Ok(Compiled {
        columns: draft.columns(resolved, &kept),
        names: Names { history, named: draft.keys.named },
        has_transactions: draft.has_transactions,
        beside: draft.beside,
    })
}

/// What the keys of columns are called.
#[derive(Debug)]
pub(crate) struct Names<'h> {
    pub(crate) history: &'h History,
    /// Those that only transactions name.
    named: Vec<&'h Value>,
}

impl<'h> Names<'h> {
    pub(crate) fn key_id(&self, key: u32) -> Option<KeyId> {
        ((key as usize) < self.history.keys().len()).then_some(KeyId(key))
    }

    pub(crate) fn key(&self, key: u32) -> String {
        let own = self.history.keys().len();
        let target = match (key as usize).checked_sub(own + 1) {
            Some(named) => Target::Named(self.named[named]),
            None => Target::Own(self.key_id(key)),
        };
        target.text(self.history)
    }

    /// What an operation wrote to a key last, or read of it first.
    pub(crate) fn value(&self, operation: OperationId, key: u32, access: Access) -> Option<&'h Value> {
        let key = self.key(key);
        let mut found = None;
        accesses::each(self.history.operation(operation), |kind, target, value| {
            let fits = kind == access && (access == Access::Write || found.is_none());
            if fits && target.text(self.history) == key {
                found = Some(value);
            }
        })
        .ok()?;
        found
    }
}

/// An access with interned key and value; the key's highest bit tells a write.
#[derive(Clone, Copy, Debug)]
struct Cell {
    key: u32,
    value: u32,
}

const WRITE: u32 = 1 << 31;

impl Cell {
    fn key(self) -> u32 {
        self.key & !WRITE
    }

    fn is_write(self) -> bool {
        self.key & WRITE != 0
    }
}

/// All transactions that may have happened, in the order of completion, with their accesses.
struct Draft<'h> {
    history: &'h History,
    keys: Keys<'h>,
    values: Interner<'h>,
    operations: Vec<OperationId>,
    /// Whether the outcome is unknown.
    unknown: Vec<bool>,
    starts: Vec<u32>,
    cells: Vec<Cell>,
    /// Writes that failed, by key and value.
    aborted: FxHashMap<(u32, u32), OperationId>,
    has_transactions: bool,
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
                Access::Read => cells.push(Cell { key, value: values.id(value) }),
                Access::Write => cells.push(Cell { key: key | WRITE, value: values.id(value) }),
                Access::Other => others.push(key),
            }
        })
        .map_err(|Malformed| Unfit::Malformed(id))?;
        for key in others {
            self.foreign(key, "append");
        }
        if self.cells.len() > first {
            self.operations.push(id);
            self.unknown.push(op.outcome == Outcome::Info);
            self.starts.push(self.cells.len() as u32);
        }
        Ok(())
    }

    fn aborted(&mut self, id: OperationId, op: &'h Operation) -> Result<(), Malformed> {
        let (keys, values, aborted) = (&mut self.keys, &mut self.values, &mut self.aborted);
        accesses::aborted(op, |target, value| {
            aborted.entry((keys.id(target), values.id(value))).or_insert(id);
        })
    }

    fn foreign(&mut self, key: u32, function: &str) {
        self.keys.foreign[key as usize] = true;
        self.beside.get_or_insert_with(|| function.to_owned());
    }

    /// A transaction's accesses with their places in it, but for those to keys of other data types.
    fn cells(&self, t: usize) -> impl Iterator<Item = (u32, Cell)> + '_ {
        let cells = &self.cells[self.starts[t] as usize..self.starts[t + 1] as usize];
        (0..).zip(cells.iter().copied()).filter(|(_, cell)| !self.keys.foreign[cell.key() as usize])
    }

    fn writers(&self) -> Result<Writers, Unfit> {
        let mut writers = Writers::default();
        for t in 0..self.operations.len() {
            for (access, cell) in self.cells(t) {
                if !cell.is_write() {
                    continue;
                }
                if cell.value == INITIAL || !writers.insert(cell, t as u32) {
                    return Err(self.repeats(t, access));
                }
            }
        }
        Ok(writers)
    }

    fn repeats(&self, t: usize, access: u32) -> Unfit {
        let id = self.operations[t];
        accesses::nth(self.history.operation(id), access).map_or(Unfit::Malformed(id), |(target, value)| {
            Unfit::Repeats { key: target.text(self.history), value: value.clone() }
        })
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

    fn columns(&self, resolved: Resolved, kept: &[bool]) -> Columns {
        let number = numbering(kept);
        let mut columns = Columns { keys: self.keys.foreign.len() as u32, ..Columns::default() };
        let mut sessions = Sessions::default();
        let mut last = vec![NONE; self.keys.foreign.len()];
        for t in (0..self.operations.len()).filter(|&t| kept[t]) {
            let process = self.history.operation(self.operations[t]).process;
            let id = columns.len() as u32;
            let (chain, place, previous) = sessions.place(process, id, self.unknown[t]);
            columns.push(self.operations[t], chain, place, previous);
            for read in resolved.reads(t as u32) {
                let writer = if read.writer == NONE { NONE } else { number[read.writer as usize] };
                columns.reads.push(Read { key: read.key, writer });
            }
            for (_, cell) in self.cells(t).filter(|(_, cell)| cell.is_write()) {
                if last[cell.key() as usize] != id {
                    last[cell.key() as usize] = id;
                    columns.writes.push(cell.key());
                }
            }
            let first = columns.write_start.last().copied().unwrap_or_default() as usize;
            columns.writes[first..].sort_unstable();
            columns.close();
        }
        columns.chains = sessions.chains;
        let counts = |flaw: &(u32, Flaw)| kept[flaw.0 as usize];
        columns.flaws = resolved.flaws.into_iter().filter(counts).map(|(_, flaw)| flaw).collect();
        columns
    }
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

fn numbering(kept: &[bool]) -> Vec<u32> {
    let mut next = 0;
    kept.iter()
        .map(|&kept| {
            let id = next;
            next += u32::from(kept);
            if kept { id } else { NONE }
        })
        .collect()
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

/// Keys to dense ids: the history's own first, then that of a system without keys, then others that
/// transactions name.
struct Keys<'h> {
    history: &'h History,
    names: Interner<'h>,
    by_name: Vec<u32>,
    named: Vec<&'h Value>,
    foreign: Vec<bool>,
}

impl<'h> Keys<'h> {
    fn new(history: &'h History, count: usize) -> Self {
        let own = history.keys().len();
        Self {
            history,
            names: Interner::new(count),
            by_name: Vec::new(),
            named: Vec::new(),
            foreign: vec![false; own + 1],
        }
    }

    fn id(&mut self, target: Target<'h>) -> u32 {
        match target {
            Target::Own(Some(key)) => key.0,
            Target::Own(None) => self.history.keys().len() as u32,
            Target::Named(name) => {
                let index = self.names.id(name) as usize;
                if index >= self.by_name.len() {
                    self.by_name.resize(index + 1, NONE);
                }
                if self.by_name[index] == NONE {
                    self.by_name[index] = self.add(name);
                }
                self.by_name[index]
            }
        }
    }

    fn add(&mut self, name: &'h Value) -> u32 {
        if let Some(key) = self.history.key_id(&Key::from(Target::Named(name).text(self.history))) {
            return key.0;
        }
        self.named.push(name);
        self.foreign.push(false);
        self.foreign.len() as u32 - 1
    }
}

/// By value, who wrote it: nearly always one transaction, for values are unique at least by key.
#[derive(Default)]
struct Writers {
    /// By value id, key and transaction of the first that wrote it.
    first: Vec<(u32, u32)>,
    others: FxHashMap<(u32, u32), u32>,
}

impl Writers {
    /// Says whether the value was new to its key.
    fn insert(&mut self, cell: Cell, t: u32) -> bool {
        let (key, value) = (cell.key(), cell.value as usize);
        if value >= self.first.len() {
            self.first.resize((value + 1).next_power_of_two(), (NONE, NONE));
        }
        if self.first[value].0 == NONE {
            self.first[value] = (key, t);
            return true;
        }
        self.first[value].0 != key && self.others.insert((key, cell.value), t).is_none()
    }

    fn get(&self, cell: Cell) -> Option<u32> {
        let &(key, t) = self.first.get(cell.value as usize)?;
        if key == cell.key() {
            return Some(t);
        }
        if key == NONE { None } else { self.others.get(&(cell.key(), cell.value)).copied() }
    }
}

/// Each read with its writer, by the numbers of the draft.
struct Resolved {
    starts: Vec<u32>,
    reads: Vec<Read>,
    flaws: Vec<(u32, Flaw)>,
}

/// What a transaction knows of a key while its accesses are followed.
#[derive(Clone, Copy)]
struct Known {
    transaction: u32,
    value: u32,
    own: bool,
}

impl Resolved {
    fn of(draft: &Draft<'_>, writers: &Writers) -> Self {
        let count = draft.operations.len();
        let overwritten = overwritten(draft);
        let mut resolved = Self {
            starts: Vec::with_capacity(count + 1),
            reads: Vec::with_capacity(draft.cells.len()),
            flaws: Vec::new(),
        };
        resolved.starts.push(0);
        let unknown = Known { transaction: NONE, value: INITIAL, own: false };
        let mut known = vec![unknown; draft.keys.foreign.len()];
        for t in 0..count as u32 {
            for (access, cell) in draft.cells(t as usize) {
                let state = &mut known[cell.key() as usize];
                let before = Some(*state).filter(|known| known.transaction == t);
                let own = cell.is_write() || before.is_some_and(|known| known.own);
                let flaw = if cell.is_write() {
                    None
                } else {
                    resolved.read(draft, writers, &overwritten, t, cell, before)
                };
                if cell.is_write() || !own {
                    *state = Known { transaction: t, value: cell.value, own };
                }
                if let Some(kind) = flaw {
                    let operation = draft.operations[t as usize];
                    resolved.flaws.push((t, Flaw { kind, operation, access }));
                }
            }
            resolved.starts.push(resolved.reads.len() as u32);
        }
        resolved
    }

    fn read(
        &mut self,
        draft: &Draft<'_>,
        writers: &Writers,
        overwritten: &FxHashMap<(u32, u32), OperationId>,
        t: u32,
        cell: Cell,
        before: Option<Known>,
    ) -> Option<FlawKind> {
        if let Some(known) = before.filter(|known| known.own) {
            return (known.value != cell.value).then_some(FlawKind::Internal);
        }
        let writer = if cell.value == INITIAL { None } else { writers.get(cell) };
        match writer {
            Some(writer) if writer == t => return Some(FlawKind::Internal),
            None if cell.value != INITIAL => {
                let failed = draft.aborted.get(&(cell.key(), cell.value));
                return Some(failed.map_or(FlawKind::ThinAir, |&id| FlawKind::Aborted(id)));
            }
            _ => {}
        }
        self.reads.push(Read { key: cell.key(), writer: writer.unwrap_or(NONE) });
        if let Some(&id) = overwritten.get(&(cell.key(), cell.value)) {
            return Some(FlawKind::Intermediate(id));
        }
        before.filter(|known| known.value != cell.value).map(|_| FlawKind::NonRepeatable)
    }

    fn reads(&self, t: u32) -> &[Read] {
        &self.reads[self.starts[t as usize] as usize..self.starts[t as usize + 1] as usize]
    }

    fn sources(&self, t: u32) -> impl Iterator<Item = u32> + '_ {
        self.reads(t).iter().map(|read| read.writer).filter(|&writer| writer != NONE)
    }
}

/// Values that their own transaction overwrote.
fn overwritten(draft: &Draft<'_>) -> FxHashMap<(u32, u32), OperationId> {
    let mut overwritten = FxHashMap::default();
    if !draft.has_transactions {
        return overwritten;
    }
    let mut last = vec![(NONE, INITIAL); draft.keys.foreign.len()];
    for t in 0..draft.operations.len() {
        for (_, cell) in draft.cells(t).filter(|(_, cell)| cell.is_write()) {
            let state = &mut last[cell.key() as usize];
            if state.0 == t as u32 {
                overwritten.insert((cell.key(), state.1), draft.operations[t]);
            }
            *state = (t as u32, cell.value);
        }
    }
    overwritten
}
