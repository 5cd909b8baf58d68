//! From a history to columns: which transactions count, who wrote what was read, and what no write explains.
//!
//! It never guesses a writer: a read of a value that several may have written is left out of the columns, which takes
//! constraints away and adds none. Where operations are malformed there are no columns.

use histories::{History, Value};
use rustc_hash::FxHashMap;

use super::columns::{Columns, Flaw, NONE};
use super::draft::{Draft, Unfit};
use super::resolve::{Resolved, Writers};
use crate::Budget;
use crate::core::accesses;
use crate::core::keys::Names;

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

impl Draft<'_> {
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
