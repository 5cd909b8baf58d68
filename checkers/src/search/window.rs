//! The operations that are pending between two events, by slot.
//!
//! It can be moved along the timeline in both directions and never remembers how it got where it is.

use super::bits::Bits;
use super::machine::Machine;
use super::timeline::Timeline;
use crate::models::Effect;

pub(super) struct Window<const W: usize> {
    pub(super) pending: Bits<W>,
    pub(super) reads: Bits<W>,
    pub(super) overwrites: Bits<W>,
    /// Blind operations that do not overwrite.
    pub(super) extends: Bits<W>,
    pub(super) optional: Bits<W>,
    pub(super) label: Vec<u64>,
    pub(super) operation: Vec<u32>,
    /// For each slot those of the same label whose turn comes first.
    twins: Vec<Bits<W>>,
}

impl<const W: usize> Window<W> {
    pub(super) fn new(width: usize) -> Self {
        Self {
            pending: Bits::EMPTY,
            reads: Bits::EMPTY,
            overwrites: Bits::EMPTY,
            extends: Bits::EMPTY,
            optional: Bits::EMPTY,
            label: vec![0; width],
            operation: vec![0; width],
            twins: vec![Bits::EMPTY; width],
        }
    }

    pub(super) fn open(&mut self, timeline: &Timeline, operation: usize, machine: &impl Machine) {
        let slot = timeline.slot(operation);
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
        self.pending.insert(slot);
    }

    pub(super) fn close(&mut self, slot: usize) {
        for set in
            [&mut self.pending, &mut self.reads, &mut self.overwrites, &mut self.extends, &mut self.optional]
        {
            set.remove(slot);
        }
        for other in self.changing().iter().filter(|&other| self.label[other] == self.label[slot]) {
            self.twins[other].remove(slot);
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
        // One that is absorbed already need not take effect any more, so that it cannot stand for one that must,
        // unless the step absorbs that one as well.
        self.overwrites.has(slot) || absorbed.has(slot) || !twins.without(absorbed).is_empty()
    }
}

use super::timeline::Operation;
