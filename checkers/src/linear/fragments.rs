//! Lists and strings that are appended to, as registers.
//!
//! It never decides: it says what each operation put in place or saw, and the rules for chains do the rest. Where what
//! was read could have come about in more than one way it says nothing.
//!
//! Let every piece, which is what one operation writes or appends, be unique, and let none begin another. Then what a
//! read saw was put together in one way only: by the last write before it, if any, and the appends since. So an append
//! that somebody saw stands right after one other operation: it is a compare-and-set from what was there to what is
//! there now. An append that nobody saw stands after the last thing that anybody saw and before the next write, which
//! is exactly where a write that nobody saw can stand, and it is taken for one.

use histories::{AnomalyKind, History, Operation, OperationId};

use crate::registers::{Access, INITIAL, NEVER, NONE, Register, Row, time};
use crate::search::{self, Object, Part, Passage};
use crate::{Anomaly, Budget, Exhausted, words};

use super::witness::{self, STEPS_MAX};

/// A key's lists or strings.
#[derive(Debug)]
pub(crate) enum Assembled {
    Register(Register, Shown),
    Contradiction(Contradiction),
    /// Pieces repeat, or begin each other, or are empty, or are no lists or strings at all.
    Ambiguous,
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
        if !matches!(anomaly.kind, AnomalyKind::ChainOrder | AnomalyKind::Conflict) {
            return;
        }
        let inside = anomaly.witness.operations.clone();
        let is_inside = |row: &&Row| inside.binary_search(&row.operation).is_ok();
        let appends = register.rows.iter().filter(|row| row.access == Access::Cas).filter(is_inside);
        let mut reads: Vec<u32> = appends.map(|row| self.0[row.value as usize]).collect();
        reads.sort_unstable();
        reads.dedup();
        reads.retain(|&row| inside.binary_search(&register.rows[row as usize].operation).is_err());
        for &row in reads.iter().take(STEPS_MAX.saturating_sub(anomaly.steps.len())) {
            let id = register.rows[row as usize].operation;
            let seen = words::told(history.operation(id));
            anomaly.steps.push(words::completed(history, id, format!("saw their order: {seen}")));
        }
        witness::beside(anomaly, register, &reads);
    }
}

pub(crate) fn assemble(history: &History, part: &Part, budget: &Budget) -> Result<Assembled, Exhausted> {
    match part.object {
        Ok(Object::Text) => Source { history, part, said: search::text }.assemble(budget),
        Ok(Object::List) => Source { history, part, said: search::list }.assemble(budget),
        _ => Ok(Assembled::Ambiguous),
    }
}

/// The operations of one key in the terms of lists of `T`, or of strings of them.
struct Source<'h, 'p, T> {
    history: &'h History,
    part: &'p Part,
    said: fn(&'h Operation) -> search::Said<Passage<'h, T>, ()>,
}

impl<'h, T: Ord> Source<'h, '_, T> {
    fn assemble(&self, budget: &Budget) -> Result<Assembled, Exhausted> {
        let Some(pieces) = self.pieces() else { return Ok(Assembled::Ambiguous) };
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
        operations.filter(|(_, op)| search::says_something(op)).filter_map(|(id, op)| {
            let (passage, _) = (self.said)(op).ok()??;
            Some((id, op, passage))
        })
    }

    fn pieces(&self) -> Option<Pieces<'h, T>> {
        let mut pieces = Pieces { sorted: Vec::new(), operations: Vec::new(), appends: Vec::new() };
        let operations = self.part.operations.iter().map(|&id| (id, self.history.operation(id)));
        for (id, op) in operations.filter(|(_, op)| search::says_something(op)) {
            match (self.said)(op).ok()? {
                Some((Passage::Write(piece), _)) => pieces.push(piece, id, false),
                Some((Passage::Append(piece), _)) => pieces.push(piece, id, true),
                _ => {}
            }
        }
        pieces.are_unambiguous().then_some(pieces)
    }

    fn register(&self, reading: &Reading<'h, T>, seen: &[u32]) -> Assembled {
        let mut register = Register::new(self.part.key, self.part.operations.len());
        register.know(reading.pieces.operations.len() as u32);
        register.grows = true;
        let mut shown = Shown(vec![NONE; reading.pieces.operations.len() + 1]);
        let mut seen = seen.iter().copied();
        let mut next = INITIAL;
        for (id, op, passage) in self.passages() {
            let (value, access) = match passage {
                Passage::Read(_) => (seen.next().unwrap_or(INITIAL), Access::Read),
                Passage::Write(_) | Passage::Append(_) => {
                    next += 1;
                    let is_seen = reading.from[next as usize] != NONE;
                    (next, if is_seen { Access::Cas } else { Access::Write })
                }
            };
            let from = if access == Access::Cas { reading.from[value as usize] } else { NONE };
            let ret = if op.is_ok() { time(op.completed.0) } else { NEVER };
            register.has_ok |= op.is_ok();
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
    sorted: Vec<(&'h [T], u32)>,
    operations: Vec<OperationId>,
    appends: Vec<bool>,
}

impl<'h, T: Ord> Pieces<'h, T> {
    fn push(&mut self, piece: &'h [T], operation: OperationId, is_append: bool) {
        self.operations.push(operation);
        self.appends.push(is_append);
        self.sorted.push((piece, self.operations.len() as u32));
    }

    /// Sorts; whether none is empty and none begins another. Those that begin with a piece stand right after it.
    fn are_unambiguous(&mut self) -> bool {
        self.sorted.sort_unstable();
        self.sorted.iter().all(|(piece, _)| !piece.is_empty())
            && self.sorted.windows(2).all(|pair| !pair[1].0.starts_with(pair[0].0))
    }

    /// The piece with which a text begins: of those that are not greater than it, the greatest.
    fn first_of(&self, text: &[T]) -> Option<(&'h [T], u32)> {
        let after = self.sorted.partition_point(|(piece, _)| *piece <= text);
        let (piece, value) = self.sorted[after.checked_sub(1)?];
        text.starts_with(piece).then_some((piece, value))
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

    /// The value that a read saw.
    fn read(&mut self, read: OperationId, whole: &'h [T]) -> Result<u32, Contradiction> {
        let place = self.chain(read, whole)?;
        let chain = &self.chains[place];
        if chain.whole.starts_with(whole) {
            let known = chain.ends.binary_search_by_key(&whole.len(), |&(end, _)| end);
            return known.map(|at| chain.ends[at].1).map_err(|at| {
                let explained = chain.ends[at.saturating_sub(1)].0;
                Contradiction::Unwritten { read, explained }
            });
        }
        if let Some(first) = chain.read
            && !whole.starts_with(chain.whole)
        {
            let shared = chain.whole.iter().zip(whole).take_while(|(a, b)| a == b).count();
            return Err(Contradiction::Apart { first, second: read, shared });
        }
        self.extend(place, read, whole)
    }

    /// The chain that a text belongs to.
    fn chain(&mut self, read: OperationId, whole: &'h [T]) -> Result<usize, Contradiction> {
        if whole.is_empty() {
            return Ok(0);
        }
        let unwritten = Contradiction::Unwritten { read, explained: 0 };
        let (piece, value) = self.pieces.first_of(whole).ok_or(unwritten)?;
        let first = if self.pieces.is_append(value) { INITIAL } else { value };
        if self.chain_of[first as usize] == NONE {
            self.chain_of[first as usize] = self.chains.len() as u32;
            self.chains.push(Chain { whole: piece, read: None, ends: vec![(piece.len(), value)] });
        }
        Ok(self.chain_of[first as usize] as usize)
    }

    /// Learns what was appended to a chain from a read that saw more of it than any before.
    fn extend(&mut self, place: usize, read: OperationId, whole: &'h [T]) -> Result<u32, Contradiction> {
        let chain = &mut self.chains[place];
        let (mut end, mut value) = chain.ends.last().copied().unwrap_or((0, INITIAL));
        let mut first_seen = Vec::new();
        while end < whole.len() {
            let unwritten = Contradiction::Unwritten { read, explained: end };
            let (piece, next) = self.pieces.first_of(&whole[end..]).ok_or(unwritten)?;
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
