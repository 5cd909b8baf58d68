//! Operations and their events in the order of time, with a slot for each operation while it is pending.
//!
//! It knows no model: a label is whatever the machine takes it for.

use super::bits::SLOTS_MAX;
use super::meter::{Meter, Stop};

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

/// All events in order. Because intervals are closed, invocations come before returns at the same time.
#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) operations: Vec<Operation>,
    pub(super) events: Vec<Event>,
    slots: Vec<u16>,
    /// The most operations that are pending at once.
    pub(super) width: usize,
}

impl Timeline {
    pub(super) fn new(operations: Vec<Operation>, meter: &mut Meter<'_>) -> Result<Self, Stop> {
        meter
            .hold(operations.len() * (size_of::<Operation>() + 2 * size_of::<Event>() + size_of::<u16>()))?;
        let events = merge(&operations);
        let mut timeline = Self { operations, events, slots: Vec::new(), width: 0 };
        timeline.assign_slots()?;
        Ok(timeline)
    }

    #[inline]
    pub(super) fn slot(&self, operation: usize) -> usize {
        usize::from(self.slots[operation])
    }

    fn assign_slots(&mut self) -> Result<(), Stop> {
        self.slots = vec![0; self.operations.len()];
        let mut free: Vec<u16> = Vec::new();
        for event in &self.events {
            let operation = event.operation();
            if event.is_return() {
                free.push(self.slots[operation]);
            } else if let Some(slot) = free.pop() {
                self.slots[operation] = slot;
            } else if self.width < SLOTS_MAX {
                self.slots[operation] = self.width as u16;
                self.width += 1;
            } else {
                return Err(Stop::Concurrency);
            }
        }
        Ok(())
    }
}

fn merge(operations: &[Operation]) -> Vec<Event> {
    let mut invocations: Vec<u32> = (0..operations.len() as u32).collect();
    if !operations.is_sorted_by_key(|operation| operation.invoked) {
        invocations.sort_by_key(|&i| operations[i as usize].invoked);
    }
    // What ceases to matter at some moment still matters to what returns at it.
    let mut returns: Vec<(u64, Order)> = (0..)
        .zip(operations)
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
