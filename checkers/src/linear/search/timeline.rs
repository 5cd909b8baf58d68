//! Operations and their events in the order of time, with a slot for each operation while it is pending. Operations
//! that need not take effect and are alike share a number: how many of them did.
//!
//! It knows no model: a label is whatever the machine takes it for.

use finding::{Meter, Stop};
use rustc_hash::FxHashMap;

use super::bits::{Field, SLOTS_MAX};

/// An operation that the search orders.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) invoked: u64,
    /// When it must have taken effect; of an operation that need not, when it ceases to matter.
    pub(super) returned: Option<u64>,
    /// Two operations with the same label do the same in every state.
    pub(super) label: u64,
    /// Whether it certainly took effect.
    pub(super) required: bool,
}

/// An invocation or a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event(u32);

impl Event {
    fn new(operation: usize, is_return: bool) -> Self {
        Self((operation as u32) << 1 | u32::from(is_return))
    }

    #[inline]
    pub(super) fn operation(self) -> usize {
        (self.0 >> 1) as usize
    }

    #[inline]
    pub(super) fn is_return(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Where configurations keep what became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seat {
    Slot(usize),
    /// Among those of a crowd.
    Crowd(usize),
}

/// Operations that need not take effect and do the same in every state, in the order of their invocations. They all
/// cease to matter at the same moment, so that which of them took effect never matters, only how many.
#[derive(Debug)]
pub(super) struct Crowd {
    pub(super) label: u64,
    pub(super) operations: Vec<u32>,
    /// Where a configuration counts those that took effect.
    pub(super) field: Field,
}

/// All events in order. Because intervals are closed, invocations come before returns at the same time.
#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) operations: Vec<Operation>,
    pub(super) events: Vec<Event>,
    seats: Vec<u16>,
    pub(super) crowds: Vec<Crowd>,
    /// How many bits a configuration needs: for the most operations that are pending at once, and to count.
    pub(super) width: usize,
}

/// A seat in a crowd, apart from slots.
const CROWD: u16 = 1 << 15;

impl Timeline {
    pub(super) fn new(operations: Vec<Operation>, meter: &mut Meter<'_>) -> Result<Self, Stop> {
        meter
            .hold(operations.len() * (size_of::<Operation>() + 2 * size_of::<Event>() + size_of::<u16>()))?;
        let mut timeline = Self {
            seats: vec![0; operations.len()],
            operations,
            events: Vec::new(),
            crowds: Vec::new(),
            width: 0,
        };
        timeline.gather()?;
        timeline.events = merge(&timeline.operations, |operation| timeline.is_one_of_more(operation));
        timeline.assign_slots()?;
        timeline.assign_fields()?;
        Ok(timeline)
    }

    #[inline]
    pub(super) fn seat(&self, operation: usize) -> Seat {
        let seat = self.seats[operation];
        if seat & CROWD == 0 {
            Seat::Slot(usize::from(seat))
        } else {
            Seat::Crowd(usize::from(seat & !CROWD))
        }
    }

    /// Gathers in crowds what need not take effect and is alike.
    fn gather(&mut self) -> Result<(), Stop> {
        let mut alike: FxHashMap<u64, Vec<u32>> = FxHashMap::default();
        for (i, operation) in (0..).zip(&self.operations).filter(|(_, operation)| !operation.required) {
            alike.entry(operation.label).or_default().push(i);
        }
        // order never shows: sorted at once
        let mut crowds: Vec<(u64, Vec<u32>)> = alike.into_iter().filter(|(_, all)| all.len() > 1).collect();
        crowds.sort_unstable();
        for (label, mut operations) in crowds {
            operations.sort_by_key(|&i| self.operations[i as usize].invoked);
            let seat = u16::try_from(self.crowds.len()).ok().filter(|crowd| crowd & CROWD == 0);
            let seat = seat.ok_or(Stop::Concurrency { operations_max: SLOTS_MAX })? | CROWD;
            for &i in &operations {
                self.seats[i as usize] = seat;
            }
            let (field, _) = Field::new(0, operations.len());
            self.crowds.push(Crowd { label, operations, field });
        }
        Ok(())
    }

    /// A crowd ceases to matter as a whole, with the event of its last.
    fn is_one_of_more(&self, operation: usize) -> bool {
        let Seat::Crowd(crowd) = self.seat(operation) else { return false };
        self.crowds[crowd].operations.last() != Some(&(operation as u32))
    }

    fn assign_slots(&mut self) -> Result<(), Stop> {
        let mut free: Vec<u16> = Vec::new();
        for event in &self.events {
            let operation = event.operation();
            if self.seats[operation] & CROWD != 0 {
                continue;
            }
            if event.is_return() {
                free.push(self.seats[operation]);
            } else if let Some(slot) = free.pop() {
                self.seats[operation] = slot;
            } else if self.width < SLOTS_MAX {
                self.seats[operation] = self.width as u16;
                self.width += 1;
            } else {
                return Err(Stop::Concurrency { operations_max: SLOTS_MAX });
            }
        }
        Ok(())
    }

    fn assign_fields(&mut self) -> Result<(), Stop> {
        for crowd in &mut self.crowds {
            (crowd.field, self.width) = Field::new(self.width, crowd.operations.len());
        }
        if self.width > SLOTS_MAX { Err(Stop::Concurrency { operations_max: SLOTS_MAX }) } else { Ok(()) }
    }
}

/// The events of all operations, but for the returns that are to be left out.
fn merge(operations: &[Operation], without_return: impl Fn(usize) -> bool) -> Vec<Event> {
    let mut invocations: Vec<u32> = (0..operations.len() as u32).collect();
    if !operations.is_sorted_by_key(|operation| operation.invoked) {
        invocations.sort_by_key(|&i| operations[i as usize].invoked);
    }
    // What ceases to matter at some moment still matters to what returns at it.
    let mut returns: Vec<(u64, Order)> = (0..)
        .zip(operations)
        .filter(|&(i, _)| !without_return(i as usize))
        .filter_map(|(i, operation)| operation.returned.map(|returned| (returned, Order::new(i, operation))))
        .collect();
    returns.sort_unstable();
    let mut returns = returns.into_iter().peekable();
    let mut events = Vec::with_capacity(operations.len() + returns.len());
    for i in invocations {
        let invoked = operations[i as usize].invoked;
        while let Some((_, returning)) = returns.next_if(|&(returned, _)| returned < invoked) {
            events.push(Event::new(returning.operation(), true));
        }
        events.push(Event::new(i as usize, false));
    }
    events.extend(returns.map(|(_, returning)| Event::new(returning.operation(), true)));
    events
}

/// An operation among those that return at the same time: the required ones come first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Order(u32);

impl Order {
    const OPTIONAL: u32 = 1 << 31;

    fn new(i: u32, operation: &Operation) -> Self {
        Self(if operation.required { i } else { i | Self::OPTIONAL })
    }

    fn operation(self) -> usize {
        (self.0 & !Self::OPTIONAL) as usize
    }
}
