//! From the steps that a search took to a whole order: where absorbed writes and eager reads took effect.
//!
//! It decides nothing: what the trace does not say follows from the events.

use finding::{Meter, Stop};

use super::machine::{IMPOSSIBLE, Machine};
use super::timeline::Timeline;
use super::trace::Step;
use crate::models::Effect;

/// Where an operation stands: after so many steps of the trace, and before, at or after the last of them.
type Place = (usize, Side);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    /// Just before the step, which overwrites it.
    Before,
    At,
    After,
}

/// The operations in an order that explains all events before `end`; those that took no effect are left out.
pub(super) fn order<M: Machine>(
    timeline: &Timeline,
    machine: &mut M,
    path: &[Step],
    end: usize,
    meter: &mut Meter<'_>,
) -> Result<Vec<u32>, Stop> {
    let mut replay = Replay {
        machine,
        timeline,
        state: 0,
        steps: 0,
        pending: Vec::new(),
        absorbed: vec![None; timeline.operations.len()],
        placed: Vec::new(),
    };
    replay.state = replay.machine.initial();
    let mut path = path.iter().copied().peekable();
    for (i, event) in timeline.events[..end].iter().enumerate() {
        meter.tick()?;
        let operation = event.operation() as u32;
        if !event.is_return() {
            replay.pending.push(operation);
            replay.read_eagerly(meter)?;
            continue;
        }
        let now = timeline.operations[operation as usize].returned.unwrap_or(u64::MAX);
        replay.collapse(now, meter)?;
        while let Some(step) = path.next_if(|step| step.event as usize <= i) {
            replay.take_effect(step.operation, now, meter)?;
        }
        replay.close(operation);
    }
    replay.placed.sort_by_key(|&(place, _)| place);
    Ok(replay.placed.into_iter().map(|(_, operation)| operation).collect())
}

struct Replay<'a, M> {
    machine: &'a mut M,
    timeline: &'a Timeline,
    state: u32,
    steps: usize,
    /// Invoked, not returned and not placed.
    pending: Vec<u32>,
    /// For each operation where it can stand should it never be placed by a step.
    absorbed: Vec<Option<Place>>,
    placed: Vec<(Place, u32)>,
}

impl<M: Machine> Replay<'_, M> {
    fn read_eagerly(&mut self, meter: &mut Meter<'_>) -> Result<(), Stop> {
        let mut kept = 0;
        for i in 0..self.pending.len() {
            let operation = self.pending[i];
            let label = self.timeline.operations[operation as usize].label;
            let effect = self.machine.effect(label);
            let reads = effect == Effect::Reads && self.machine.step(self.state, label, meter)? != IMPOSSIBLE;
            if reads {
                self.placed.push(((self.steps, Side::After), operation));
                continue;
            }
            if effect == Effect::Blind && self.machine.step(self.state, label, meter)? == self.state {
                self.absorbed[operation as usize] = Some((self.steps, Side::After));
            }
            self.pending[kept] = operation;
            kept += 1;
        }
        self.pending.truncate(kept);
        Ok(())
    }

    fn collapse(&mut self, now: u64, meter: &mut Meter<'_>) -> Result<(), Stop> {
        let state = self.machine.collapse(self.state, now);
        if state == self.state {
            return Ok(());
        }
        self.state = state;
        self.read_eagerly(meter)
    }

    fn take_effect(&mut self, operation: u32, now: u64, meter: &mut Meter<'_>) -> Result<(), Stop> {
        let label = self.timeline.operations[operation as usize].label;
        self.steps += 1;
        self.pending.retain(|&other| other != operation);
        if self.machine.effect(label) == Effect::Overwrites {
            for &other in &self.pending {
                self.absorbed[other as usize] = Some((self.steps, Side::Before));
            }
        }
        let state = self.machine.step(self.state, label, meter)?;
        self.state = self.machine.collapse(state, now);
        self.placed.push(((self.steps, Side::At), operation));
        self.read_eagerly(meter)
    }

    /// An operation that returns without having been placed was absorbed, or need not have taken effect.
    fn close(&mut self, operation: u32) {
        let Some(at) = self.pending.iter().position(|&other| other == operation) else { return };
        self.pending.swap_remove(at);
        if self.timeline.operations[operation as usize].required
            && let Some(place) = self.absorbed[operation as usize]
        {
            self.placed.push((place, operation));
        }
    }
}
