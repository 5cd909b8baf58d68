//! Lists and strings that are appended to, as registers.
//!
//! It never decides: it says what each operation put in place or saw, and the rules for chains do the rest.
//!
//! A *piece* is what one operation writes or appends. Let every piece be unique, and let none begin another. Then what a
//! read saw was put together in one way only: by the last write before it, if any, and the appends since. So an append
//! that a read saw stands right after one other operation: it is a compare-and-set from what was there to what is
//! there now. An append that no read saw stands after the last thing that any read saw and before the next write, which
//! is exactly where a write that no read saw can stand, and it is taken for one.
//!
//! Where a piece repeats, or begins another, what a read of it saw could have come about in more than one way. Such reads
//! are left out, which takes constraints away and adds none: what the rest contradicts is a contradiction, and where the
//! rest has an order, nothing is decided. An append of nothing changes nothing, and is left out as well.

use histories::{AnomalyKind, History, Operation, OperationId};

use crate::core::anomaly::beside;
use crate::core::calls::{Said, says_something};
use crate::core::object::{Object, Part};
use crate::core::registers::{Access, INITIAL, NEVER, NONE, Register, Row, Uncertain, time};
use crate::{Anomaly, Budget, Exhausted, words};

use super::search::{self, Passage};
use super::witness::STEPS_MAX;

/// A key's lists or strings.
#[derive(Debug)]
pub(crate) enum Assembled {
    Register(Register, Shown),
    Contradiction(Contradiction),
    /// They are no lists or strings.
    Unfit,
}

/// Reads that contradict each other or the appends, whatever the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contradiction {
    /// Nothing that was written or appended makes what this read saw. So many of its items are explained.
    Unwritten { read: OperationId, explained: usize },
    /// What was appended once was seen in two places: by two reads, or twice by one.
    Twice { append: OperationId, first: OperationId, second: OperationId },
    /// Two reads begin with the same write, and neither is a beginning of the other. They share so many items.
    Apart { first: OperationId, second: OperationId, shared: usize },
}

/// By value id, the row of the read that showed what the value was appended to.
#[derive(Debug, Default)]
pub(crate) struct Shown(Vec<u32>);

impl Shown {
    /// Adds to an anomaly that rests on the order of appends the reads that show it.
    pub(crate) fn tell(&self, history: &History, register: &Register, anomaly: &mut Anomaly) {
        let of_order = matches!(anomaly.kind, AnomalyKind::ChainOrder | AnomalyKind::Conflict);
        if !of_order && anomaly.kind != AnomalyKind::StaleRead {
            return;
        }
        let inside = anomaly.witness.operations.clone();
        let is_inside = |row: &&Row| inside.binary_search(&row.operation).is_ok();
        let appends = register.rows.iter().filter(|row| row.access == Access::Cas).filter(is_inside);
        let mut reads: Vec<u32> = appends.map(|row| self.0[row.value as usize]).collect();
        reads.sort_unstable();
        reads.dedup();
        reads.retain(|&row| inside.binary_search(&register.rows[row as usize].operation).is_err());
        let told = if of_order { STEPS_MAX.saturating_sub(anomaly.steps.len()) } else { 0 };
        for &row in reads.iter().take(told) {
            let id = register.rows[row as usize].operation;
            let seen = words::told(history.operation(id));
            anomaly.steps.push(words::completed(history, id, format!("saw their order: {seen}")));
        }
        beside(anomaly, register, &reads);
    }
}

pub(crate) fn assemble(history: &History, part: &Part, budget: &Budget) -> Result<Assembled, Exhausted> {
    match part.object {
        Ok(Object::Text) => Source { history, part, said: search::text }.assemble(budget),
        Ok(Object::List) => Source { history, part, said: search::list }.assemble(budget),
        _ => Ok(Assembled::Unfit),
    }
}

/// The operations of one key in the terms of lists of `T`, or of strings of them.
struct Source<'h, 'p, T> {
    history: &'h History,
    part: &'p Part,
    said: fn(&'h Operation) -> Said<Passage<'h, T>, ()>,
}

impl<'h, T: Ord> Source<'h, '_, T> {
    fn assemble(&self, budget: &Budget) -> Result<Assembled, Exhausted> {
        let Some(pieces) = self.pieces() else { return Ok(Assembled::Unfit) };
        budget.check()?;
        let mut reading = Reading::new(pieces);
        let mut seen = Vec::new();
        for (count, (id, _, passage)) in self.passages().enumerate() {
            if count % 1024 == 0 {
                budget.check()?;
            }
            if let Passage::Read(whole) = passage {
                match reading.read(id, whole) {
                    Ok(value) => seen.push(value),
                    Err(contradiction) => return Ok(Assembled::Contradiction(contradiction)),
                }
            }
        }
        Ok(self.register(&reading, &seen))
    }

    /// What happened or may have, and says something. What is malformed is left out: [`Source::pieces`] finds it.
    fn passages(&self) -> impl Iterator<Item = (OperationId, &'h Operation, Passage<'h, T>)> {
        let operations = self.part.operations.iter().map(|&id| (id, self.history.operation(id)));
        operations.filter(|(_, op)| says_something(op)).filter_map(|(id, op)| {
            let (passage, _) = (self.said)(op).ok()??;
            Some((id, op, passage))
        })
    }

    fn pieces(&self) -> Option<Pieces<'h, T>> {
        let mut pieces = Pieces::default();
        let operations = self.part.operations.iter().map(|&id| (id, self.history.operation(id)));
        for (id, op) in operations.filter(|(_, op)| says_something(op)) {
            match (self.said)(op).ok()? {
                Some((Passage::Write(piece), _)) => pieces.push(piece, id, false),
                Some((Passage::Append(piece), _)) => pieces.push(piece, id, true),
                _ => {}
            }
        }
        pieces.settle();
        Some(pieces)
    }

    /// `seen` tells for each read what it saw, where that is certain.
    fn register(&self, reading: &Reading<'h, T>, seen: &[Option<u32>]) -> Assembled {
        let mut register = Register::new(self.part.key, self.part.operations.len());
        register.know(reading.pieces.operations.len() as u32);
        register.grows = true;
        let mut shown = Shown(vec![NONE; reading.pieces.operations.len() + 1]);
        let mut seen = seen.iter().copied();
        let mut next = INITIAL;
        for (id, op, passage) in self.passages() {
            register.has_ok |= op.is_ok();
            let (value, access) = match passage {
                Passage::Read(_) => {
                    let Some(value) = seen.next().flatten() else {
                        let new = Uncertain { operations: 0, first: id };
                        register.uncertain.get_or_insert(new).operations += 1;
                        continue;
                    };
                    (value, Access::Read)
                }
                Passage::Write(piece) | Passage::Append(piece) => {
                    next += 1;
                    if piece.is_empty() && matches!(passage, Passage::Append(_)) {
                        continue;
                    }
                    let is_seen = reading.from[next as usize] != NONE;
                    (next, if is_seen { Access::Cas } else { Access::Write })
                }
            };
            let from = if access == Access::Cas { reading.from[value as usize] } else { NONE };
            let ret = if op.is_ok() { time(op.completed.0) } else { NEVER };
            if access == Access::Read {
                for &value in reading.shows(id) {
                    shown.0[value as usize] = register.rows.len() as u32;
                }
            }
            register.push(Row { call: time(op.invoked.0), ret, operation: id, value, from, access });
        }
        Assembled::Register(register, shown)
    }
}

/// What is written and appended. A piece's value id is one more than its place among the operations.
struct Pieces<'h, T> {
    /// None of them begins another, once they are settled.
    sorted: Vec<Piece<'h, T>>,
    operations: Vec<OperationId>,
    appends: Vec<bool>,
    /// Whether all of them are certain.
    all_certain: bool,
    /// Whether nothing is written, so that it is not certain when there is nothing.
    resets: bool,
}

struct Piece<'h, T> {
    items: &'h [T],
    value: u32,
    /// No other piece is the same, or begins with it.
    is_certain: bool,
}

impl<T> Default for Pieces<'_, T> {
    fn default() -> Self {
        Self {
            sorted: Vec::new(),
            operations: Vec::new(),
            appends: Vec::new(),
            all_certain: true,
            resets: false,
        }
    }
}

impl<'h, T: Ord> Pieces<'h, T> {
    fn push(&mut self, piece: &'h [T], operation: OperationId, is_append: bool) {
        self.operations.push(operation);
        self.appends.push(is_append);
        if piece.is_empty() {
            self.resets |= !is_append;
            return;
        }
        self.sorted.push(Piece { items: piece, value: self.operations.len() as u32, is_certain: true });
    }

    /// Sorts, and keeps of those that begin with a piece only that piece. They stand right after it.
    fn settle(&mut self) {
        self.sorted.sort_unstable_by_key(|piece| (piece.items, piece.value));
        self.sorted.dedup_by(|later, kept| {
            let begins = later.items.starts_with(kept.items);
            kept.is_certain &= !begins;
            begins
        });
        self.all_certain = self.sorted.iter().all(|piece| piece.is_certain);
    }

    /// The piece with which a text begins: of those that are not greater than it, the greatest.
    fn first_of(&self, text: &[T]) -> Option<&Piece<'h, T>> {
        let after = self.sorted.partition_point(|piece| piece.items <= text);
        Some(&self.sorted[after.checked_sub(1)?]).filter(|piece| text.starts_with(piece.items))
    }

    /// Whether a text was made in one way at most.
    fn are_certain(&self, mut text: &[T]) -> bool {
        if self.all_certain {
            return true;
        }
        while let Some(piece) = self.first_of(text) {
            if !piece.is_certain {
                return false;
            }
            text = &text[piece.items.len()..];
        }
        true
    }

    fn is_append(&self, value: u32) -> bool {
        self.appends[value as usize - 1]
    }

    fn operation(&self, value: u32) -> OperationId {
        self.operations[value as usize - 1]
    }
}

/// What was made of a write, or of nothing, as far as anybody read it.
struct Chain<'h, T> {
    whole: &'h [T],
    /// Who read that, and was the first to.
    read: Option<OperationId>,
    /// How long the text was after each operation, and the value that it then was.
    ends: Vec<(usize, u32)>,
}

struct Reading<'h, T> {
    pieces: Pieces<'h, T>,
    chains: Vec<Chain<'h, T>>,
    /// By the value of the write that it begins with, [`INITIAL`] for nothing.
    chain_of: Vec<u32>,
    /// By the value of an append that somebody saw, what it was appended to.
    from: Vec<u32>,
    /// For each read that saw appends first, in the order of reads, and those values.
    firsts: Vec<(OperationId, Vec<u32>)>,
}

impl<'h, T: Ord> Reading<'h, T> {
    fn new(pieces: Pieces<'h, T>) -> Self {
        let values = pieces.operations.len() + 1;
        let mut chain_of = vec![NONE; values];
        chain_of[INITIAL as usize] = 0;
        let nothing = Chain { whole: &[], read: None, ends: vec![(0, INITIAL)] };
        Self { pieces, chains: vec![nothing], chain_of, from: vec![NONE; values], firsts: Vec::new() }
    }

    /// The value that a read saw, where that is certain.
    fn read(&mut self, read: OperationId, whole: &'h [T]) -> Result<Option<u32>, Contradiction> {
        let Some(place) = self.chain(read, whole)? else { return Ok(None) };
        let chain = &self.chains[place];
        if chain.whole.starts_with(whole) {
            let known = chain.ends.binary_search_by_key(&whole.len(), |&(end, _)| end);
            return known.map(|at| Some(chain.ends[at].1)).map_err(|at| {
                let explained = chain.ends[at.saturating_sub(1)].0;
                Contradiction::Unwritten { read, explained }
            });
        }
        let known = if whole.starts_with(chain.whole) { chain.whole.len() } else { 0 };
        if !self.pieces.are_certain(&whole[known..]) {
            return Ok(None);
        }
        if let Some(first) = chain.read
            && !whole.starts_with(chain.whole)
        {
            let shared = chain.whole.iter().zip(whole).take_while(|(a, b)| a == b).count();
            return Err(Contradiction::Apart { first, second: read, shared });
        }
        self.extend(place, read, whole).map(Some)
    }

    /// The chain that a text belongs to, where that is certain.
    fn chain(&mut self, read: OperationId, whole: &'h [T]) -> Result<Option<usize>, Contradiction> {
        if whole.is_empty() {
            return Ok(Some(0).filter(|_| !self.pieces.resets));
        }
        let unwritten = Contradiction::Unwritten { read, explained: 0 };
        let &Piece { items: piece, value, is_certain } = self.pieces.first_of(whole).ok_or(unwritten)?;
        let first = if self.pieces.is_append(value) { INITIAL } else { value };
        if !is_certain || first == INITIAL && self.pieces.resets {
            return Ok(None);
        }
        if self.chain_of[first as usize] == NONE {
            self.chain_of[first as usize] = self.chains.len() as u32;
            self.chains.push(Chain { whole: piece, read: None, ends: vec![(piece.len(), value)] });
        }
        Ok(Some(self.chain_of[first as usize] as usize))
    }

    /// Learns what was appended to a chain from a read that saw more of it than any before.
    fn extend(&mut self, place: usize, read: OperationId, whole: &'h [T]) -> Result<u32, Contradiction> {
        let chain = &mut self.chains[place];
        let (mut end, mut value) = chain.ends.last().copied().unwrap_or((0, INITIAL));
        let mut first_seen = Vec::new();
        while end < whole.len() {
            let unwritten = Contradiction::Unwritten { read, explained: end };
            let &Piece { items: piece, value: next, .. } =
                self.pieces.first_of(&whole[end..]).ok_or(unwritten)?;
            if !self.pieces.is_append(next) {
                return Err(unwritten);
            }
            if self.from[next as usize] != NONE {
                let (append, second) = (self.pieces.operation(next), read);
                let elsewhere = self.firsts.iter().find(|(_, values)| values.contains(&next));
                let first = elsewhere.map_or(read, |&(read, _)| read);
                return Err(Contradiction::Twice { append, first, second });
            }
            self.from[next as usize] = value;
            first_seen.push(next);
            (end, value) = (end + piece.len(), next);
            chain.ends.push((end, value));
        }
        (chain.whole, chain.read) = (whole, Some(read));
        self.firsts.push((read, first_seen));
        Ok(value)
    }

    /// The values that a read was the first to show.
    fn shows(&self, read: OperationId) -> &[u32] {
        let place = self.firsts.binary_search_by_key(&read, |&(read, _)| read);
        place.map_or(&[], |place| &self.firsts[place].1)
    }
}

#[cfg(test)]
mod tests;
