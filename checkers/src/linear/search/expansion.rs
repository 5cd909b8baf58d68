//! What happens to configurations at one event. Both searches are made of this.
//!
//! It chooses no order of the search: it is given configurations and returns what they lead to.

use finding::{Meter, Stop};

use super::configuration::{Antichain, Configuration};
use super::machine::{FORGOTTEN, IMPOSSIBLE, Machine};
use super::timeline::{Seat, Timeline};
use super::trace::Trace;
use super::window::Window;
use crate::models::Effect;

/// The timeline, a place on it, and what the searches share.
pub(super) struct Expansion<'a, 'b, M: Machine, const W: usize> {
    pub(super) timeline: &'a Timeline,
    pub(super) machine: &'a mut M,
    pub(super) meter: &'a mut Meter<'b>,
    pub(super) window: Window<W>,
    pub(super) trace: Trace,
    /// Configurations that have yet to explain the operation that returns.
    pub(super) queue: Antichain<W>,
}

/// A return that every configuration must explain.
#[derive(Clone, Copy)]
pub(super) struct Return {
    /// Index of the event.
    pub(super) event: usize,
    pub(super) slot: usize,
    pub(super) now: u64,
}

impl<'a, 'b, M: Machine, const W: usize> Expansion<'a, 'b, M, W> {
    pub(super) fn new(
        timeline: &'a Timeline,
        machine: &'a mut M,
        meter: &'a mut Meter<'b>,
        traced: bool,
    ) -> Self {
        Self {
            window: Window::new(timeline, machine),
            timeline,
            machine,
            meter,
            trace: Trace::new(traced),
            queue: Antichain::new(),
        }
    }

    pub(super) fn initial(&self) -> Configuration<W> {
        use super::bits::Bits;
        Configuration {
            state: self.machine.initial(),
            trace: Trace::ROOT,
            used: Bits::EMPTY,
            absorbed: Bits::EMPTY,
        }
    }

    /// The configuration after the operation in `seat` was invoked: a read that fits takes effect at once.
    #[inline]
    pub(super) fn invoke(&mut self, mut c: Configuration<W>, seat: Seat) -> Result<Configuration<W>, Stop> {
        let Seat::Slot(slot) = seat else { return Ok(c) };
        if self.window.reads.has(slot) {
            if self.machine.step(c.state, self.window.label[slot], self.meter)? != IMPOSSIBLE {
                c.used.insert(slot);
            }
        } else if c.state == FORGOTTEN && self.window.extends.has(slot) && !self.window.optional.has(slot) {
            c.absorbed.insert(slot);
        }
        Ok(c)
    }

    /// The configuration without what became of the operation, or the crowd, in `seat`.
    #[inline]
    pub(super) fn forget(&self, c: Configuration<W>, seat: Seat) -> Configuration<W> {
        match seat {
            Seat::Slot(slot) => c.forget(slot),
            Seat::Crowd(crowd) => c.forget_all(self.window.crowds[crowd].field),
        }
    }

    /// The configuration with a state that cannot be observed any more collapsed.
    #[inline]
    pub(super) fn collapse(&self, mut c: Configuration<W>, now: u64) -> Configuration<W> {
        let state = self.machine.collapse(c.state, now);
        if state != c.state {
            c.state = state;
            let window = &self.window;
            c.absorbed = c.absorbed.or(window.extends.without(window.optional).without(c.used));
        }
        c
    }

    /// Adds `c` to `out` if it explains the operation that returns, and queues it if it has yet to.
    #[inline]
    pub(super) fn seed(
        &mut self,
        c: Configuration<W>,
        at: Return,
        out: &mut Antichain<W>,
    ) -> Result<(), Stop> {
        if c.used.has(at.slot) {
            return out.insert(c.forget(at.slot), &self.window, self.meter);
        }
        if c.absorbed.has(at.slot) {
            out.insert(c.forget(at.slot), &self.window, self.meter)?;
        }
        self.queue.insert(c, &self.window, self.meter)
    }

    /// Follows what [`Expansion::seed`] queued, breadth-first.
    pub(super) fn run(&mut self, at: Return, out: &mut Antichain<W>) -> Result<(), Stop> {
        let mut next = 0;
        while let Some(&c) = self.queue.items().get(next) {
            next += 1;
            if !c.is_dead() {
                self.meter.tick()?;
                self.expand(c, at, out)?;
            }
        }
        Ok(())
    }

    fn expand(&mut self, c: Configuration<W>, at: Return, out: &mut Antichain<W>) -> Result<(), Stop> {
        for slot in self.window.changing().without(c.used).iter() {
            if self.window.is_preceded(slot, c.used, c.absorbed) {
                continue;
            }
            let state = self.machine.step(c.state, self.window.label[slot], self.meter)?;
            if state != IMPOSSIBLE {
                let mut after = c;
                after.used.insert(slot);
                after.absorbed.remove(slot);
                let overwrites = self.window.overwrites.has(slot);
                self.follow((c, after), state, overwrites, self.window.operation[slot], at, out)?;
            }
        }
        for crowd in 0..self.window.crowds.len() {
            let open = &self.window.crowds[crowd];
            let used = c.used.count(open.field);
            if used >= open.invoked || open.is_preceded(c.used, c.absorbed) {
                continue;
            }
            let (field, overwrites) = (open.field, open.effect == Effect::Overwrites);
            let state = self.machine.step(c.state, open.label, self.meter)?;
            if state != IMPOSSIBLE {
                let mut after = c;
                after.used.set_count(field, used + 1);
                let operation = self.timeline.crowds[crowd].operations[used];
                self.follow((c, after), state, overwrites, operation, at, out)?;
            }
        }
        Ok(())
    }

    /// Adds what an operation that has just been marked as used leads to.
    #[inline]
    fn follow(
        &mut self,
        (c, mut after): (Configuration<W>, Configuration<W>),
        state: u32,
        overwrites: bool,
        operation: u32,
        at: Return,
        out: &mut Antichain<W>,
    ) -> Result<(), Stop> {
        after.state = self.machine.collapse(state, at.now);
        self.absorb(&mut after, overwrites);
        self.read_eagerly(&mut after)?;
        let explains = after.used.has(at.slot);
        let newly_absorbed = after.absorbed.has(at.slot) && !c.absorbed.has(at.slot);
        after.trace = self.trace.push(c.trace, operation, at.event, self.meter)?;
        if explains || newly_absorbed {
            out.insert(after.forget(at.slot), &self.window, self.meter)?;
        }
        if !explains {
            self.queue.insert(after, &self.window, self.meter)?;
        }
        Ok(())
    }

    #[inline]
    fn absorb(&self, after: &mut Configuration<W>, overwrites: bool) {
        let window = &self.window;
        let required = window.pending.without(window.optional).without(after.used);
        if overwrites {
            after.absorbed = after.absorbed.or(window.overwrites.or(window.extends).and(required));
        }
        if after.state == FORGOTTEN {
            after.absorbed = after.absorbed.or(window.extends.and(required));
        }
    }

    #[inline]
    fn read_eagerly(&mut self, c: &mut Configuration<W>) -> Result<(), Stop> {
        if c.state == FORGOTTEN {
            return Ok(());
        }
        for slot in self.window.reads.without(c.used).iter() {
            if self.machine.step(c.state, self.window.label[slot], self.meter)? != IMPOSSIBLE {
                c.used.insert(slot);
            }
        }
        Ok(())
    }
}
