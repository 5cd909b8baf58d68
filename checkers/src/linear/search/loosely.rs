//! A part of which some operations need not have happened, though they returned.
//!
//! It never forgets when: such an operation takes effect between its call and its return, or not at all.
//!
//! The search places an operation at its return at the latest, and leaves out what need not have happened. So the choice
//! is made part of the object: its state is the set of all states that it may be in, and an operation that need not have
//! happened leads both to those it was in and to those after it. That is done for objects whose states are few.
//!
//! A proof is sought among the latest operations first. What had returned before some moment is summed up as an object
//! in any state; what was called before that moment and returned after it may have taken effect on either side of it.

use finding::Meter;

use super::compile::{Compiled, Entries};
use super::interned::Interned;
use super::recheck::Numbered;
use super::selection::{Standing, limited};
use super::{Answer, Want, search};
use crate::models::{Counter, Effect, Entry, EntryOf, Model, Mutex};

/// So many operations are tried first; then four times as many, until they are enough.
const LATEST_FIRST: usize = 4;
/// Steps that all trials together may take.
const STEPS_MAX: u64 = 20_000_000;

/// What an object is before the first operation that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Initial,
    Anything,
}

/// A model of whose calls each says whether it certainly happened.
struct Loosely<'m, M: Model> {
    model: &'m M,
    initial: Vec<M::State>,
}

impl<M: Model<State: Ord + Sync>> Model for Loosely<'_, M> {
    /// All states that the object may be in, sorted.
    type State = Vec<M::State>;
    type Call = (M::Call, bool);
    type Reply = M::Reply;

    fn initial(&self) -> Self::State {
        self.initial.clone()
    }

    fn step(
        &self,
        states: &Self::State,
        (call, happened): &Self::Call,
        reply: Option<&M::Reply>,
    ) -> Option<Self::State> {
        let mut next: Vec<M::State> =
            states.iter().filter_map(|state| self.model.step(state, call, reply)).collect();
        if !happened {
            next.extend(states.iter().cloned());
        }
        next.sort_unstable();
        next.dedup();
        (!next.is_empty()).then_some(next)
    }

    fn effect(&self, (call, happened): &Self::Call, reply: Option<&M::Reply>) -> Effect {
        match self.model.effect(call, reply) {
            // Possible in some states only, it leaves fewer of them.
            Effect::Reads if *happened => Effect::Unknown,
            effect if *happened => effect,
            _ => Effect::Blind,
        }
    }

    fn state_bytes(&self, states: &Self::State) -> usize {
        size_of::<Self::State>() + states.iter().map(|state| self.model.state_bytes(state)).sum::<usize>()
    }
}

type LooseEntries<M> = Vec<Entry<(<M as Model>::Call, bool), <M as Model>::Reply>>;

/// The entries that are not dropped, and which each was.
fn loosened<M: Model>(entries: &[EntryOf<M>], standing: &[Standing]) -> (LooseEntries<M>, Vec<u32>) {
    let chosen = (0..).zip(entries).zip(standing).filter(|(_, standing)| **standing != Standing::Dropped);
    chosen
        .map(|((i, entry), standing)| {
            let has_ended = matches!(standing, Standing::Kept | Standing::Within);
            let entry = Entry {
                invoked: entry.invoked,
                returned: entry.returned.filter(|_| has_ended),
                call: (entry.call.clone(), *standing == Standing::Kept),
                reply: entry.reply.clone().filter(|_| *standing != Standing::Weakened),
            };
            (entry, i)
        })
        .unzip()
}

impl Compiled<'_> {
    /// Whether the object has so few states that operations can be left open one by one.
    pub(super) fn is_loose(&self) -> bool {
        matches!(self.entries, Entries::Register(..) | Entries::Mutex(_) | Entries::Counter(_))
    }

    /// As [`Compiled::decide`], where some operations need not have happened. `None` of an object that has too many states.
    pub(super) fn decide_loosely(
        &self,
        standing: &[Standing],
        start: Start,
        meter: &mut Meter<'_>,
    ) -> Option<Answer> {
        fn decide<M: Model<State: Ord + Sync>>(
            model: &M,
            entries: &[EntryOf<M>],
            (standing, initial): (&[Standing], Vec<M::State>),
            meter: &mut Meter<'_>,
        ) -> Answer {
            let (entries, kept) = loosened::<M>(entries, standing);
            let model = Loosely { model, initial };
            let (mut machine, operations, source) = Interned::new(&model, &entries);
            search(operations, &mut machine, meter, Want::Verdict).renumbered(&source).renumbered(&kept)
        }
        Some(match (&self.entries, start) {
            (Entries::Register(accesses, _), Start::Initial) => {
                decide(&Numbered, accesses, (standing, vec![Numbered.initial()]), meter)
            }
            (Entries::Register(accesses, values), Start::Anything) => {
                decide(&Numbered, accesses, (standing, (0..*values as u32).collect()), meter)
            }
            (Entries::Mutex(entries), Start::Initial) => {
                decide(&Mutex, entries, (standing, vec![false]), meter)
            }
            (Entries::Mutex(entries), Start::Anything) => {
                decide(&Mutex, entries, (standing, vec![false, true]), meter)
            }
            (Entries::Counter(entries), Start::Initial) => {
                decide(&Counter::default(), entries, (standing, vec![0]), meter)
            }
            _ => return None,
        })
    }
}

/// Few operations that no order explains, whatever all others did in their time. `None` of an object that has too many
/// states, and where that takes too long to find.
pub(super) fn shrink(compiled: &Compiled<'_>, last: u32, meter: &Meter<'_>) -> Option<Vec<Standing>> {
    if !compiled.is_loose() {
        return None;
    }
    let end = compiled.times(last as usize).1?;
    let mut calls: Vec<u64> =
        (0..compiled.len()).map(|i| compiled.times(i).0).filter(|&invoked| invoked <= end).collect();
    calls.sort_unstable_by(|a, b| b.cmp(a));
    let mut shrinking = Shrinking {
        compiled,
        meter: limited(meter, STEPS_MAX),
        start: Start::Anything,
        standing: Vec::new(),
    };
    let mut count = LATEST_FIRST;
    loop {
        let from = calls.get(count - 1).copied();
        shrinking.start = if from.is_some() { Start::Anything } else { Start::Initial };
        shrinking.standing = latest(compiled, from.unwrap_or(0), end);
        if shrinking.is_invalid(&shrinking.standing.clone())? {
            break;
        }
        from?;
        count *= 4;
    }
    shrinking.run();
    Some(shrinking.standing)
}

/// What was called from a moment on, as far as it had returned by another; what was under way at either need not have
/// happened.
fn latest(compiled: &Compiled<'_>, from: u64, end: u64) -> Vec<Standing> {
    let standing = |i: usize| match compiled.times(i) {
        (invoked, _) if invoked > end => Standing::Dropped,
        (_, Some(returned)) if returned < from => Standing::Dropped,
        (invoked, Some(returned)) if invoked >= from && returned <= end => Standing::Kept,
        _ if compiled.only_reads(i) => Standing::Dropped,
        (_, Some(returned)) if returned <= end => Standing::Within,
        _ => Standing::Weakened,
    };
    (0..compiled.len()).map(standing).collect()
}

struct Shrinking<'a, 'h, 'b> {
    compiled: &'a Compiled<'h>,
    meter: Meter<'b>,
    start: Start,
    standing: Vec<Standing>,
}

impl Shrinking<'_, '_, '_> {
    /// Leaves the choice with as many as possible, halves at first and single ones at last, the oldest first.
    fn run(&mut self) {
        let kept = |standing: &[Standing]| -> Vec<usize> {
            (0..standing.len()).filter(|&i| standing[i] == Standing::Kept).collect()
        };
        let mut length = kept(&self.standing).len().div_ceil(2);
        while length > 0 {
            for some in kept(&self.standing).chunks(length) {
                let mut trial = self.standing.clone();
                for &i in some {
                    trial[i] = if self.compiled.only_reads(i) { Standing::Dropped } else { Standing::Within };
                }
                if self.is_invalid(&trial) == Some(true) {
                    self.standing = trial;
                }
            }
            length /= 2;
        }
    }

    /// `None` where that takes too long to tell.
    fn is_invalid(&mut self, standing: &[Standing]) -> Option<bool> {
        let mut meter = self.meter.clone();
        let answer = self.compiled.decide_loosely(standing, self.start, &mut meter);
        self.meter.count(meter.steps());
        match answer? {
            Answer::Unexplained { .. } => Some(true),
            Answer::Explained { .. } => Some(false),
            Answer::Undecided { .. } => None,
        }
    }
}
