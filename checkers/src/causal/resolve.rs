//! Each read with its writer, and the reads that no order of transactions explains.
//!
//! It never guesses: a read of which it is not certain who wrote the value is counted, and left out.

use rustc_hash::{FxHashMap, FxHashSet};

use super::columns::{Flaw, FlawKind, NONE, Read};
use super::draft::{Cell, Draft};
use crate::core::registers::INITIAL;

/// By value, who wrote it: nearly always one transaction, for values are mostly unique at least by key.
#[derive(Default)]
pub(super) struct Writers {
    /// By value id, key and transaction of the first that wrote it.
    first: Vec<(u32, u32)>,
    others: FxHashMap<(u32, u32), u32>,
    /// By key and value, all who wrote it, where there are several.
    several: FxHashMap<(u32, u32), Vec<u32>>,
}

impl Writers {
    pub(super) fn insert(&mut self, cell: Cell, t: u32) {
        let (key, value) = (cell.key(), cell.value as usize);
        if value >= self.first.len() {
            self.first.resize((value + 1).next_power_of_two(), (NONE, NONE));
        }
        if self.first[value].0 == NONE {
            self.first[value] = (key, t);
            return;
        }
        let first = if self.first[value].0 == key {
            self.first[value].1
        } else {
            *self.others.entry((key, cell.value)).or_insert(t)
        };
        if first != t {
            let several = self.several.entry((key, cell.value)).or_insert_with(|| vec![first]);
            if several.last() != Some(&t) {
                several.push(t);
            }
        }
    }

    fn first(&self, cell: Cell) -> Option<u32> {
        let &(key, t) = self.first.get(cell.value as usize)?;
        if key == cell.key() {
            return Some(t);
        }
        if key == NONE { None } else { self.others.get(&(cell.key(), cell.value)).copied() }
    }

    /// Who a transaction can have read a value from, that it did not write itself before.
    fn source(&self, cell: Cell, reader: u32, overwritten: &Overwritten) -> Source {
        let Some(first) = self.first(cell) else {
            return if cell.value == INITIAL { Source::One(NONE) } else { Source::Nobody };
        };
        let all = self.several.get(&(cell.key(), cell.value));
        let others = all.map_or(std::slice::from_ref(&first), Vec::as_slice).iter();
        let mut others = others.copied().filter(|&t| t != reader);
        // What was there at first can have been read, too.
        let initial = Some(NONE).filter(|_| cell.value == INITIAL);
        let leaves = |t: &u32| !overwritten.contains(&(cell.key(), cell.value, *t));
        let mut left = initial.into_iter().chain(others.clone().filter(leaves));
        match (left.next(), left.next(), others.next()) {
            (Some(one), None, _) => Source::One(one),
            (Some(_), Some(_), _) => Source::Several,
            (None, _, Some(overwrote)) => Source::Overwritten(overwrote),
            (None, _, None) => Source::Itself,
        }
    }
}

/// Who wrote what was read.
enum Source {
    Nobody,
    /// The reader alone, later.
    Itself,
    /// Only transactions that overwrote it; one of them.
    Overwritten(u32),
    /// This transaction; [`NONE`] where the key was as at first.
    One(u32),
    Several,
}

/// Each read with its writer, by the numbers of the draft.
pub(super) struct Resolved {
    starts: Vec<u32>,
    reads: Vec<Read>,
    /// With the transactions that they belong to.
    pub(super) flaws: Vec<(u32, Flaw)>,
    /// How many reads have more than one possible writer, and transaction and access of the first.
    pub(super) uncertain: u64,
    pub(super) first_uncertain: Option<(u32, u32)>,
}

/// What a transaction knows of a key while its accesses are followed.
#[derive(Clone, Copy)]
struct Known {
    transaction: u32,
    value: u32,
    own: bool,
}

impl Resolved {
    pub(super) fn of(draft: &Draft<'_>, writers: &Writers) -> Self {
        let count = draft.operations.len();
        let overwritten = overwritten(draft);
        let mut resolved = Self {
            starts: Vec::with_capacity(count + 1),
            reads: Vec::with_capacity(draft.cells.len()),
            flaws: Vec::new(),
            uncertain: 0,
            first_uncertain: None,
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
                    let source = || writers.source(cell, t, &overwritten);
                    resolved.read(draft, source, (t, access), cell, before)
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
        source: impl FnOnce() -> Source,
        (t, access): (u32, u32),
        cell: Cell,
        before: Option<Known>,
    ) -> Option<FlawKind> {
        if let Some(known) = before.filter(|known| known.own) {
            return (known.value != cell.value).then_some(FlawKind::Internal);
        }
        let read = |writer| Read { key: cell.key(), writer };
        match source() {
            Source::Nobody => {
                let failed = draft.aborted.get(&(cell.key(), cell.value));
                return Some(failed.map_or(FlawKind::ThinAir, |&id| FlawKind::Aborted(id)));
            }
            Source::Itself => return Some(FlawKind::Internal),
            Source::Overwritten(writer) => {
                self.reads.push(read(writer));
                return Some(FlawKind::Intermediate(draft.operations[writer as usize]));
            }
            Source::One(writer) => self.reads.push(read(writer)),
            Source::Several => {
                self.uncertain += 1;
                self.first_uncertain.get_or_insert((t, access));
            }
        }
        before.filter(|known| known.value != cell.value).map(|_| FlawKind::NonRepeatable)
    }

    /// Without the transactions that do not count, and by the numbers of those that do.
    pub(super) fn restrict(&self, kept: &[bool]) -> Self {
        let number = numbering(kept);
        let mut restricted = Self { starts: vec![0], reads: Vec::new(), flaws: Vec::new(), ..*self };
        for t in (0..kept.len()).filter(|&t| kept[t]) {
            restricted.reads.extend(self.reads(t as u32).iter().map(|read| Read {
                writer: if read.writer == NONE { NONE } else { number[read.writer as usize] },
                ..*read
            }));
            restricted.starts.push(restricted.reads.len() as u32);
        }
        restricted
    }

    /// Where each transaction's reads start, and the reads.
    pub(super) fn into_columns(self) -> (Vec<u32>, Vec<Read>) {
        (self.starts, self.reads)
    }

    fn reads(&self, t: u32) -> &[Read] {
        &self.reads[self.starts[t as usize] as usize..self.starts[t as usize + 1] as usize]
    }

    pub(super) fn sources(&self, t: u32) -> impl Iterator<Item = u32> + '_ {
        self.reads(t).iter().map(|read| read.writer).filter(|&writer| writer != NONE)
    }
}

/// Key, value and transaction, where it wrote the value and then another.
type Overwritten = FxHashSet<(u32, u32, u32)>;

/// Values that their own transaction did not leave.
fn overwritten(draft: &Draft<'_>) -> Overwritten {
    let mut overwritten = Overwritten::default();
    if !draft.has_transactions {
        return overwritten;
    }
    let mut last = vec![(NONE, INITIAL); draft.keys.foreign.len()];
    for t in 0..draft.operations.len() {
        for (_, cell) in draft.cells(t).filter(|(_, cell)| cell.is_write()) {
            let state = &mut last[cell.key() as usize];
            if state.0 == t as u32 {
                overwritten.insert((cell.key(), state.1, t as u32));
            }
            *state = (t as u32, cell.value);
            overwritten.remove(&(cell.key(), cell.value, t as u32));
        }
    }
    overwritten
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
