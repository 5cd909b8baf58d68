//! A compiled part, decided whole or with some of its operations left out or their evidence weakened.
//!
//! Each selection here is sound: what no order explains of it, no order explains of the whole.

pub use confirm::QueueOrder;
use finding::Meter;
use histories::OperationId;

use super::compile::{Compiled, Entries};
use super::interned::Interned;
use super::register::{Action, RegisterMachine};
use super::sequence::{Access, SequenceMachine};
use super::{Answer, Want, search};
use crate::Side;
use crate::models::{
    Bank, Counter, Effect, Entry, FifoQueue, Model, MultiRegister, Mutex, PowerSet, Set, Stack,
    UnorderedQueue,
};

/// What a selection makes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// As it is.
    Kept,
    /// It took effect in its time, or never; decided by [`Compiled::decide_loosely`] only.
    Within,
    /// It may take effect at any time after its call, or never, but if so with the answer that it got in the end. So an
    /// operation counts that had not been answered yet.
    Open,
    /// It may take effect at any time after its call, or never: all that is known of it is that it was called.
    Weakened,
    Dropped,
}

impl Compiled<'_> {
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Decides the operations that `standing` keeps, or all of them.
    pub(crate) fn decide(
        &self,
        standing: Option<&[Standing]>,
        order: QueueOrder,
        meter: &mut Meter<'_>,
        want: Want,
    ) -> Answer {
        match &self.entries {
            Entries::Register(accesses, values) => {
                let (accesses, kept) = select(accesses, standing);
                let (mut machine, operations, source) = RegisterMachine::new(&accesses, *values);
                search(operations, &mut machine, meter, want).renumbered(&source).renumbered(&kept)
            }
            Entries::Text(accesses) => sequence(accesses, standing, meter, want),
            Entries::List(accesses) => sequence(accesses, standing, meter, want),
            Entries::Set(entries) => model(&Set, entries, standing, meter, want),
            Entries::Counter(entries) => model(&Counter::default(), entries, standing, meter, want),
            Entries::Queue(entries) => match order {
                QueueOrder::Fifo => model(&FifoQueue, entries, standing, meter, want),
                QueueOrder::Any => model(&PowerSet(UnorderedQueue), entries, standing, meter, want),
            },
            Entries::Stack(entries) => model(&Stack, entries, standing, meter, want),
            Entries::Mutex(entries) => model(&Mutex, entries, standing, meter, want),
            Entries::Bank(entries) => model(&Bank, entries, standing, meter, want),
            Entries::Transactions(entries) => {
                model(&MultiRegister::default(), entries, standing, meter, want)
            }
        }
    }

    /// Whether an operation changes nothing, so that it can be left out of what is to be explained.
    pub(crate) fn only_reads(&self, i: usize) -> bool {
        fn reads<M: Model>(model: &M, entry: &Entry<M::Call, M::Reply>) -> bool {
            model.effect(&entry.call, entry.reply.as_ref()) == Effect::Reads
        }
        use super::sequence::Passage;
        match &self.entries {
            Entries::Register(accesses, _) => matches!(accesses[i].call, Action::Read(_)),
            Entries::Text(accesses) => matches!(accesses[i].call, Passage::Read(_)),
            Entries::List(accesses) => matches!(accesses[i].call, Passage::Read(_)),
            Entries::Set(entries) => reads(&Set, &entries[i]),
            Entries::Counter(entries) => reads(&Counter::default(), &entries[i]),
            Entries::Queue(entries) => reads(&FifoQueue, &entries[i]),
            Entries::Stack(entries) => reads(&Stack, &entries[i]),
            Entries::Mutex(entries) => reads(&Mutex, &entries[i]),
            Entries::Bank(entries) => reads(&Bank, &entries[i]),
            Entries::Transactions(entries) => reads(&MultiRegister::default(), &entries[i]),
        }
    }

    /// Whether what reads saw tells what they owe their answers to, so that all else can be left out.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.entries, Entries::Register(..) | Entries::Transactions(_))
    }

    /// Whether the answer of an operation tells more than that it happened. What reads of registers and sequences saw is
    /// part of their call.
    pub(crate) fn has_reply(&self, i: usize) -> bool {
        fn of<C, R>(entry: &Entry<C, R>) -> bool {
            entry.reply.is_some()
        }
        match &self.entries {
            Entries::Register(..) | Entries::Text(_) | Entries::List(_) => false,
            Entries::Set(entries) => of(&entries[i]),
            Entries::Counter(entries) => of(&entries[i]),
            Entries::Queue(entries) => of(&entries[i]),
            Entries::Stack(entries) => of(&entries[i]),
            Entries::Mutex(entries) => of(&entries[i]),
            Entries::Bank(entries) => of(&entries[i]),
            Entries::Transactions(entries) => of(&entries[i]),
        }
    }

    /// With one operation called before all others, or answered after all others.
    pub(super) fn moved(&self, operation: OperationId, side: Side) -> Self {
        fn of<C, R>(entry: &mut Entry<C, R>, side: Side) {
            match side {
                Side::Invoked => entry.invoked = 0,
                Side::Completed => entry.returned = entry.returned.map(|_| u64::MAX - 1),
            }
        }
        let mut moved = self.clone();
        for (i, _) in self.ids.iter().enumerate().filter(|(_, id)| **id == operation) {
            match &mut moved.entries {
                Entries::Register(entries, _) => of(&mut entries[i], side),
                Entries::Text(entries) => of(&mut entries[i], side),
                Entries::List(entries) => of(&mut entries[i], side),
                Entries::Set(entries) => of(&mut entries[i], side),
                Entries::Counter(entries) => of(&mut entries[i], side),
                Entries::Queue(entries) => of(&mut entries[i], side),
                Entries::Stack(entries) => of(&mut entries[i], side),
                Entries::Mutex(entries) => of(&mut entries[i], side),
                Entries::Bank(entries) => of(&mut entries[i], side),
                Entries::Transactions(entries) => of(&mut entries[i], side),
            }
        }
        moved
    }

    pub(crate) fn times(&self, i: usize) -> (u64, Option<u64>) {
        fn of<C, R>(entry: &Entry<C, R>) -> (u64, Option<u64>) {
            (entry.invoked, entry.returned)
        }
        match &self.entries {
            Entries::Register(entries, _) => of(&entries[i]),
            Entries::Text(entries) => of(&entries[i]),
            Entries::List(entries) => of(&entries[i]),
            Entries::Set(entries) => of(&entries[i]),
            Entries::Counter(entries) => of(&entries[i]),
            Entries::Queue(entries) => of(&entries[i]),
            Entries::Stack(entries) => of(&entries[i]),
            Entries::Mutex(entries) => of(&entries[i]),
            Entries::Bank(entries) => of(&entries[i]),
            Entries::Transactions(entries) => of(&entries[i]),
        }
    }
}

/// The entries that are kept or weakened, and which each was.
pub(super) fn select<'e, C: Clone, R: Clone>(
    entries: &'e [Entry<C, R>],
    standing: Option<&[Standing]>,
) -> (std::borrow::Cow<'e, [Entry<C, R>]>, Vec<u32>) {
    let Some(standing) = standing else {
        return (entries.into(), (0..entries.len() as u32).collect());
    };
    let chosen = (0..).zip(entries).zip(standing).filter(|(_, standing)| **standing != Standing::Dropped);
    let (selected, kept): (Vec<_>, Vec<u32>) = chosen
        .map(|((i, entry), standing)| {
            let mut entry = entry.clone();
            match standing {
                Standing::Kept | Standing::Dropped => {}
                Standing::Open => entry.returned = None,
                Standing::Weakened | Standing::Within => (entry.returned, entry.reply) = (None, None),
            }
            (entry, i)
        })
        .unzip();
    (selected.into(), kept)
}

fn sequence<T: Ord + std::hash::Hash>(
    accesses: &[Access<'_, T>],
    standing: Option<&[Standing]>,
    meter: &mut Meter<'_>,
    want: Want,
) -> Answer {
    let (accesses, kept) = select(accesses, standing);
    match SequenceMachine::new(&accesses, meter) {
        Ok((mut machine, operations, source)) => {
            search(operations, &mut machine, meter, want).renumbered(&source).renumbered(&kept)
        }
        Err(stop) => Answer::Undecided { operation: 0, stop },
    }
}

fn model<M: Model>(
    model: &M,
    entries: &[Entry<M::Call, M::Reply>],
    standing: Option<&[Standing]>,
    meter: &mut Meter<'_>,
    want: Want,
) -> Answer {
    let (entries, kept) = select(entries, standing);
    let (mut machine, operations, source) = Interned::new(model, &entries);
    search(operations, &mut machine, meter, want).renumbered(&source).renumbered(&kept)
}

/// A short search: so many steps, then undecided.
pub(super) fn limited<'b>(meter: &Meter<'b>, steps: u64) -> Meter<'b> {
    let mut limited = meter.clone();
    limited.limit_steps(steps);
    limited
}
