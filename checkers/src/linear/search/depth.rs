//! Depth-first search: one configuration at a time, as deep as it goes. Ends fast on most valid histories.
//!
//! It is complete as well: without a limit of steps it decides, and the deepest event reached is the first that
//! no order explains.

use finding::Stop;

use super::breadth::End;
use super::configuration::{Antichain, Configuration};
use super::expansion::{Expansion, Return};
use super::machine::Machine;
use super::timeline::Seat;

/// What was tried before at each event, and what is left to try.
struct Memory<const W: usize> {
    /// For each event the last configuration tried there, in `tried`.
    heads: Vec<u32>,
    tried: Vec<(Configuration<W>, u32)>,
    /// Configurations to be taken on from an event.
    stack: Vec<(usize, Configuration<W>)>,
    deepest: usize,
}

const NONE: u32 = u32::MAX;

pub(super) fn depth_first<M: Machine, const W: usize>(search: &mut Expansion<'_, '_, M, W>) -> End {
    let mut memory = Memory { heads: Vec::new(), tried: Vec::new(), stack: Vec::new(), deepest: 0 };
    match run(search, &mut memory) {
        Ok(Some(trace)) => End::Explained { trace },
        Ok(None) => End::Unexplained { event: memory.deepest },
        Err(stop) => End::Stopped { stop, event: memory.deepest },
    }
}

/// The trace of an order that explains everything, if there is one.
fn run<M: Machine, const W: usize>(
    search: &mut Expansion<'_, '_, M, W>,
    memory: &mut Memory<W>,
) -> Result<Option<u32>, Stop> {
    search.meter.hold(search.timeline.events.len() * size_of::<u32>())?;
    memory.heads = vec![NONE; search.timeline.events.len()];
    memory.stack.push((0, search.initial()));
    let (mut position, mut out) = (0, Antichain::new());
    while let Some((event, configuration)) = memory.stack.pop() {
        while position > event {
            position -= 1;
            step_back(search, position);
        }
        position = event;
        if let Some(trace) = descend(search, memory, &mut position, configuration, &mut out)? {
            return Ok(Some(trace));
        }
    }
    Ok(None)
}

/// Follows one configuration until it branches, dies or has explained everything.
fn descend<M: Machine, const W: usize>(
    search: &mut Expansion<'_, '_, M, W>,
    memory: &mut Memory<W>,
    position: &mut usize,
    mut c: Configuration<W>,
    out: &mut Antichain<W>,
) -> Result<Option<u32>, Stop> {
    while let Some(&event) = search.timeline.events.get(*position) {
        let operation = event.operation();
        let seat = search.timeline.seat(operation);
        search.meter.tick()?;
        if !event.is_return() {
            search.window.open(search.timeline, operation, search.machine);
            *position += 1;
            c = search.invoke(c, seat)?;
            continue;
        }
        let now = search.timeline.operations[operation].returned.unwrap_or(u64::MAX);
        let required = search.timeline.operations[operation].required;
        c = search.collapse(c, now);
        if let Seat::Slot(slot) = seat
            && required
            && !c.used.has(slot)
        {
            memory.deepest = memory.deepest.max(*position);
            if !memory.is_new(search, *position, &c)? {
                return Ok(None);
            }
            out.clear();
            search.queue.clear();
            let at = Return { event: *position, slot, now };
            search.seed(c, at, out)?;
            search.run(at, out)?;
            let mut found = out.iter();
            let Some(&first) = found.next() else { return Ok(None) };
            let first_of_stack = memory.stack.len();
            for &other in found {
                search.meter.push(&mut memory.stack, (*position + 1, other))?;
            }
            memory.stack[first_of_stack..].reverse();
            c = first;
        }
        search.window.close(seat);
        *position += 1;
        c = search.forget(c, seat);
    }
    Ok(Some(c.trace))
}

impl<const W: usize> Memory<W> {
    /// Whether nothing as good was tried at this event before; notes it.
    fn is_new<M: Machine>(
        &mut self,
        search: &mut Expansion<'_, '_, M, W>,
        event: usize,
        c: &Configuration<W>,
    ) -> Result<bool, Stop> {
        let mut at = self.heads[event];
        while at != NONE {
            let (tried, previous) = &self.tried[at as usize];
            if tried.dominates(c, &search.window) {
                return Ok(false);
            }
            search.meter.tick()?;
            at = *previous;
        }
        search.meter.push(&mut self.tried, (*c, self.heads[event]))?;
        self.heads[event] = self.tried.len() as u32 - 1;
        Ok(true)
    }
}

/// Undoes the event at `position`.
fn step_back<M: Machine, const W: usize>(search: &mut Expansion<'_, '_, M, W>, position: usize) {
    let event = search.timeline.events[position];
    if event.is_return() {
        search.window.reopen(search.timeline, event.operation(), search.machine);
    } else {
        search.window.unopen(search.timeline.seat(event.operation()));
    }
}
