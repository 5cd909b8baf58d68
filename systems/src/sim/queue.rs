//! What is going to happen, in order of time. Events of the same moment happen in the order in which they were planned;
//! it never looks into one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use histories::Nanos;

/// A binary heap of moments. The events themselves lie still beside it, so that sifting moves 16 bytes and no message.
#[derive(Debug)]
pub(super) struct Queue<E> {
    heap: BinaryHeap<Reverse<(Nanos, Ticket)>>,
    events: Vec<Option<E>>,
    free: Vec<u32>,
    planned: u64,
}

/// When an event was planned, and where it lies: the first decides the order, the second only comes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket(u64);

impl Ticket {
    /// So many events may wait at once; more than two million million may be planned in a run.
    const SLOT_BITS: u32 = 22;

    fn new(planned: u64, slot: u32) -> Self {
        Self(planned << Self::SLOT_BITS | u64::from(slot))
    }

    fn slot(self) -> usize {
        (self.0 & ((1 << Self::SLOT_BITS) - 1)) as usize
    }
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), events: Vec::new(), free: Vec::new(), planned: 0 }
    }
}

impl<E> Queue<E> {
    pub(super) fn push(&mut self, at: Nanos, event: E) {
        let slot = if let Some(slot) = self.free.pop() {
            slot
        } else {
            self.events.push(None);
            self.events.len() as u32 - 1
        };
        self.events[slot as usize] = Some(event);
        self.planned += 1;
        self.heap.push(Reverse((at, Ticket::new(self.planned, slot))));
    }

    /// The next event, if its time is at `until` or before.
    pub(super) fn pop(&mut self, until: Nanos) -> Option<(Nanos, E)> {
        let Reverse((at, ticket)) = *self.heap.peek()?;
        if at > until {
            return None;
        }
        self.heap.pop();
        self.free.push(ticket.slot() as u32);
        self.events[ticket.slot()].take().map(|event| (at, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_those_of_one_moment_as_they_were_planned() {
        let mut queue = Queue::default();
        for (at, event) in [(5, 'c'), (3, 'a'), (5, 'd'), (4, 'b'), (9, 'e')] {
            queue.push(Nanos(at), event);
        }
        let mut order = String::new();
        while let Some((_, event)) = queue.pop(Nanos(5)) {
            order.push(event);
            if event == 'a' {
                // It takes the slot that became free, and its turn all the same.
                queue.push(Nanos(5), 'x');
            }
        }
        assert_eq!(order, "abcdx");
        assert_eq!(queue.pop(Nanos(9)), Some((Nanos(9), 'e')));
        assert_eq!(queue.pop(Nanos::MAX), None);
    }
}
