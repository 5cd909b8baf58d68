//! The operations that are pending between two events, by slot.
//!
//! It can be moved along the timeline in both directions and never remembers how it got where it is.

use super::bits::{Bits, Field};
use super::machine::Machine;
use super::timeline::{Crowd, Seat, Timeline};
use crate::models::Effect;

pub(super) struct Window<const W: usize> {
    pub(super) pending: Bits<W>,
    pub(super) reads: Bits<W>,
    pub(super) overwrites: Bits<W>,
    /// Blind operations that do not overwrite.
    pub(super) extends: Bits<W>,
    /// What need not take effect; the fields of crowds as well.
    pub(super) optional: Bits<W>,
    /// The fields of crowds.
    counted: Bits<W>,
    pub(super) crowds: Vec<Open<W>>,
    pub(super) label: Vec<u64>,
    pub(super) operation: Vec<u32>,
    /// For each slot those of the same label whose turn comes first.
    twins: Vec<Bits<W>>,
}

/// A crowd as far as it was invoked.
pub(super) struct Open<const W: usize> {
    pub(super) field: Field,
    pub(super) label: u64,
    pub(super) effect: Effect,
    /// How many can have taken effect; none once the crowd has ceased to matter.
    pub(super) invoked: usize,
    /// Those of the same label that must take effect.
    twins: Bits<W>,
}

impl<const W: usize> Open<W> {
    /// Whether an identical operation that must take effect has to be tried in place of one of the crowd.
    #[inline]
    pub(super) fn is_preceded(&self, used: Bits<W>, absorbed: Bits<W>) -> bool {
        let twins = self.twins.without(used);
        !twins.is_empty() && stand_in(twins, absorbed, self.effect == Effect::Overwrites)
    }
}

/// Whether these can be tried in place of an identical operation. One that is absorbed already need not take effect any
/// more, so that it cannot stand for one that must, unless the step absorbs that one as well, `whatever` it is.
fn stand_in<const W: usize>(twins: Bits<W>, absorbed: Bits<W>, whatever: bool) -> bool {
    whatever || !twins.without(absorbed).is_empty()
}

impl<const W: usize> Window<W> {
    pub(super) fn new(timeline: &Timeline, machine: &impl Machine) -> Self {
        let width = timeline.width;
        let mut counted = Bits::EMPTY;
        timeline.crowds.iter().for_each(|crowd| counted.insert_field(crowd.field));
        let open = |crowd: &Crowd| Open {
            field: crowd.field,
            label: crowd.label,
            effect: machine.effect(crowd.label),
            invoked: 0,
            twins: Bits::EMPTY,
        };
        Self {
            counted,
            crowds: timeline.crowds.iter().map(open).collect(),
            pending: Bits::EMPTY,
            reads: Bits::EMPTY,
            overwrites: Bits::EMPTY,
            extends: Bits::EMPTY,
            optional: counted,
            label: vec![0; width],
            operation: vec![0; width],
            twins: vec![Bits::EMPTY; width],
        }
    }

    /// Invokes an operation.
    pub(super) fn open(&mut self, timeline: &Timeline, operation: usize, machine: &impl Machine) {
        match timeline.seat(operation) {
            Seat::Slot(slot) => self.open_slot(timeline, operation, slot, machine),
            Seat::Crowd(crowd) => self.crowds[crowd].invoked += 1,
        }
    }

    /// Undoes an invocation.
    pub(super) fn unopen(&mut self, seat: Seat) {
        match seat {
            Seat::Slot(slot) => self.close_slot(slot),
            Seat::Crowd(crowd) => self.crowds[crowd].invoked -= 1,
        }
    }

    /// Lets an operation, or a crowd, cease to matter.
    pub(super) fn close(&mut self, seat: Seat) {
        match seat {
            Seat::Slot(slot) => self.close_slot(slot),
            Seat::Crowd(crowd) => self.crowds[crowd].invoked = 0,
        }
    }

    /// Undoes a return.
    pub(super) fn reopen(&mut self, timeline: &Timeline, operation: usize, machine: &impl Machine) {
        match timeline.seat(operation) {
            Seat::Slot(slot) => self.open_slot(timeline, operation, slot, machine),
            Seat::Crowd(crowd) => self.crowds[crowd].invoked = timeline.crowds[crowd].operations.len(),
        }
    }

    fn open_slot(&mut self, timeline: &Timeline, operation: usize, slot: usize, machine: &impl Machine) {
        let Operation { label, required, .. } = timeline.operations[operation];
        self.label[slot] = label;
        self.operation[slot] = operation as u32;
        match machine.effect(label) {
            Effect::Reads => self.reads.insert(slot),
            Effect::Overwrites => self.overwrites.insert(slot),
            Effect::Blind => self.extends.insert(slot),
            Effect::Unknown => {}
        }
        if !required {
            self.optional.insert(slot);
        }
        self.twins[slot] = Bits::EMPTY;
        if !self.reads.has(slot) {
            for other in self.changing().iter().filter(|&other| self.label[other] == label) {
                if self.comes_first(timeline, other, slot) {
                    self.twins[slot].insert(other);
                } else {
                    self.twins[other].insert(slot);
                }
            }
        }
        for crowd in self.crowds.iter_mut().filter(|crowd| crowd.label == label) {
            crowd.twins.insert(slot);
        }
        self.pending.insert(slot);
    }

    fn close_slot(&mut self, slot: usize) {
        for set in
            [&mut self.pending, &mut self.reads, &mut self.overwrites, &mut self.extends, &mut self.optional]
        {
            set.remove(slot);
        }
        for other in self.changing().iter().filter(|&other| self.label[other] == self.label[slot]) {
            self.twins[other].remove(slot);
        }
        for crowd in &mut self.crowds {
            crowd.twins.remove(slot);
        }
    }

    /// Of identical operations the one that must take effect soonest goes first.
    fn comes_first(&self, timeline: &Timeline, a: usize, b: usize) -> bool {
        let turn = |slot: usize| {
            let operation = self.operation[slot];
            let Operation { returned, required, .. } = timeline.operations[operation as usize];
            (!required, returned.unwrap_or(u64::MAX), operation)
        };
        turn(a) < turn(b)
    }

    #[inline]
    pub(super) fn changing(&self) -> Bits<W> {
        self.pending.without(self.reads)
    }

    /// Whether an identical operation has to be tried in place of the one in `slot`.
    #[inline]
    pub(super) fn is_preceded(&self, slot: usize, used: Bits<W>, absorbed: Bits<W>) -> bool {
        let twins = self.twins[slot].without(used);
        if twins.is_empty() {
            return false;
        }
        stand_in(twins, absorbed, self.overwrites.has(slot) || absorbed.has(slot))
    }

    /// Whether one configuration has used no more of any crowd than another.
    #[inline]
    pub(super) fn uses_at_most(&self, used: Bits<W>, other: Bits<W>) -> bool {
        self.crowds.is_empty()
            || used.and(self.counted) == other.and(self.counted)
            || self.crowds.iter().all(|crowd| used.count(crowd.field) <= other.count(crowd.field))
    }

    /// What a configuration may have done that another has not, though it is to be as good.
    #[inline]
    pub(super) fn harmless(&self) -> Bits<W> {
        self.reads.or(self.counted)
    }
}

use super::timeline::Operation;
