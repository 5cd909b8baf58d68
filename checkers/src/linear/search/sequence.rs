//! Lists and strings that are appended to, replaced and read whole, as a machine on the prefixes of what was read.
//!
//! It never builds a list: a state is a place in a read, and what no read begins with is forgotten.

use finding::{Meter, Stop};
use rustc_hash::FxHashMap;

use super::machine::{FORGOTTEN, IMPOSSIBLE, Machine};
use super::timeline::Operation;
use crate::models::{Effect, Entry};

/// An operation on a list of `T`, or on a string of bytes.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum Passage<'h, T> {
    Read(&'h [T]),
    Write(&'h [T]),
    Append(&'h [T]),
}

impl<T> Clone for Passage<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Passage<'_, T> {}

/// An operation of a history on one list.
pub(crate) type Access<'h, T> = Entry<Passage<'h, T>, ()>;

/// A prefix that some reads share: they are neighbours once sorted.
#[derive(Clone, Copy, Debug)]
struct Prefix {
    first: u32,
    end: u32,
    length: u32,
    /// Until when a read that begins so can return.
    observed_until: u64,
}

pub(super) struct SequenceMachine<'h, T> {
    /// Distinct, sorted, each with the last time at which it was read.
    reads: Vec<(&'h [T], u64)>,
    prefixes: Vec<Prefix>,
    ids: FxHashMap<(u32, u32), u32>,
    pieces: Vec<&'h [T]>,
    /// State after appending a piece to a state.
    appended: FxHashMap<(u32, u32), u32>,
}

const READ: u64 = 0;
const WRITE: u64 = 1 << 62;
const APPEND: u64 = 2 << 62;
const KIND: u64 = 3 << 62;

impl<'h, T: Ord + std::hash::Hash> SequenceMachine<'h, T> {
    /// The machine, its operations, and which access each operation is.
    pub(super) fn new(accesses: &[Access<'h, T>], meter: &mut Meter<'_>) -> Result<Built<Self>, Stop> {
        let mut machine = Self {
            reads: sorted_reads(accesses),
            prefixes: Vec::new(),
            ids: FxHashMap::default(),
            pieces: Vec::new(),
            appended: FxHashMap::default(),
        };
        let root = Prefix { first: 0, end: machine.reads.len() as u32, length: 0, observed_until: 0 };
        machine.intern(root, meter)?;
        let (mut operations, mut source) =
            (Vec::with_capacity(accesses.len()), Vec::with_capacity(accesses.len()));
        let mut pieces = FxHashMap::default();
        for (i, access) in (0..).zip(accesses) {
            if let Some(operation) = machine.operation(access, &mut pieces, meter)? {
                operations.push(operation);
                source.push(i);
            }
        }
        Ok((machine, operations, source))
    }

    fn operation(
        &mut self,
        access: &Access<'h, T>,
        pieces: &mut FxHashMap<&'h [T], u64>,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Operation>, Stop> {
        let (label, to) = match access.call {
            Passage::Read(_) if access.returned.is_none() => return Ok(None),
            Passage::Read(whole) => (READ, self.extend(0, whole, meter)?),
            Passage::Write(whole) => (WRITE, self.extend(0, whole, meter)?),
            Passage::Append(piece) => {
                let id = *pieces.entry(piece).or_insert_with(|| {
                    self.pieces.push(piece);
                    self.pieces.len() as u64 - 1
                });
                (APPEND | id, 0)
            }
        };
        let label = if label & KIND == APPEND { label } else { label | u64::from(to) };
        let Access { invoked, returned, .. } = *access;
        if returned.is_some() {
            return Ok(Some(Operation { invoked, returned, label, required: true }));
        }
        // It may not have happened; once no read that begins so can return, nobody will know.
        if to == FORGOTTEN {
            return Ok(None);
        }
        let until = self.prefixes[to as usize].observed_until;
        Ok((until >= invoked).then_some(Operation { invoked, returned: Some(until), label, required: false }))
    }

    /// The state after `piece` is appended to a state.
    fn extend(&mut self, state: u32, piece: &[T], meter: &mut Meter<'_>) -> Result<u32, Stop> {
        let Prefix { first, end, length, .. } = self.prefixes[state as usize];
        let (from, to) = (length as usize, length as usize + piece.len());
        let reads = &self.reads[first as usize..end as usize];
        let part = |read: &&'h [T]| -> &'h [T] { &read[from.min(read.len())..to.min(read.len())] };
        let skipped = reads.partition_point(|(read, _)| part(read) < piece);
        let shared = reads[skipped..].partition_point(|(read, _)| part(read) == piece);
        if shared == 0 {
            return Ok(FORGOTTEN);
        }
        let first = first + skipped as u32;
        self.intern(Prefix { first, end: first + shared as u32, length: to as u32, observed_until: 0 }, meter)
    }

    fn intern(&mut self, mut prefix: Prefix, meter: &mut Meter<'_>) -> Result<u32, Stop> {
        if let Some(&id) = self.ids.get(&(prefix.first, prefix.length)) {
            return Ok(id);
        }
        let reads = &self.reads[prefix.first as usize..prefix.end as usize];
        for chunk in reads.chunks(1024) {
            meter.tick()?;
            prefix.observed_until =
                chunk.iter().map(|&(_, until)| until).fold(prefix.observed_until, u64::max);
        }
        meter.hold(size_of::<Prefix>() + 32)?;
        let id = self.prefixes.len() as u32;
        self.ids.insert((prefix.first, prefix.length), id);
        self.prefixes.push(prefix);
        Ok(id)
    }

    #[cold]
    fn first_append(&mut self, state: u32, piece: u32, meter: &mut Meter<'_>) -> Result<u32, Stop> {
        meter.tick()?;
        meter.hold(32)?;
        let after = self.extend(state, self.pieces[piece as usize], meter)?;
        self.appended.insert((state, piece), after);
        Ok(after)
    }
}

/// A machine, its operations, and which access each operation is.
pub(super) type Built<M> = (M, Vec<Operation>, Vec<u32>);

fn sorted_reads<'h, T: Ord>(accesses: &[Access<'h, T>]) -> Vec<(&'h [T], u64)> {
    let mut reads: Vec<(&[T], u64)> = accesses
        .iter()
        .filter_map(|access| match (access.call, access.returned) {
            (Passage::Read(whole), Some(returned)) => Some((whole, returned)),
            _ => None,
        })
        .collect();
    reads.sort_unstable();
    reads.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 = kept.1.max(later.1);
        }
        same
    });
    reads
}

impl<T: Ord + std::hash::Hash> Machine for SequenceMachine<'_, T> {
    fn initial(&self) -> u32 {
        0
    }

    #[inline]
    fn effect(&self, label: u64) -> Effect {
        match label & KIND {
            READ => Effect::Reads,
            WRITE => Effect::Overwrites,
            _ => Effect::Blind,
        }
    }

    #[inline]
    fn step(&mut self, state: u32, label: u64, meter: &mut Meter<'_>) -> Result<u32, Stop> {
        let operand = label as u32;
        match label & KIND {
            READ if state == operand => Ok(state),
            READ => Ok(IMPOSSIBLE),
            WRITE => Ok(operand),
            _ if state == FORGOTTEN => Ok(FORGOTTEN),
            _ => match self.appended.get(&(state, operand)) {
                Some(&after) => Ok(after),
                None => self.first_append(state, operand, meter),
            },
        }
    }

    #[inline]
    fn collapse(&self, state: u32, now: u64) -> u32 {
        let forgotten = state < FORGOTTEN && self.prefixes[state as usize].observed_until < now;
        if forgotten { FORGOTTEN } else { state }
    }
}
