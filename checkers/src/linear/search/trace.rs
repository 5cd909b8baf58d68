//! The steps that led to each configuration, as a forest: what a search needs to tell the order that it found.
//!
//! It keeps nothing where no order is wanted.

use finding::{Meter, Stop};

/// An operation took effect between two events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    previous: u32,
    pub(super) operation: u32,
    /// Index of the return before which it took effect.
    pub(super) event: u32,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    steps: Option<Vec<Step>>,
}

impl Trace {
    /// Where nothing has taken effect yet.
    pub(super) const ROOT: u32 = u32::MAX;

    pub(super) fn new(wanted: bool) -> Self {
        Self { steps: wanted.then(Vec::new) }
    }

    #[inline]
    pub(super) fn push(
        &mut self,
        previous: u32,
        operation: u32,
        event: usize,
        meter: &mut Meter<'_>,
    ) -> Result<u32, Stop> {
        let Some(steps) = &mut self.steps else { return Ok(Self::ROOT) };
        meter.push(steps, Step { previous, operation, event: event as u32 })?;
        Ok(steps.len() as u32 - 1)
    }

    /// The steps that led to `last`, first to last.
    pub(super) fn path(&self, last: u32) -> Vec<Step> {
        let mut path = Vec::new();
        let mut at = last;
        while let Some(step) = self.steps.as_ref().and_then(|steps| steps.get(at as usize)) {
            path.push(*step);
            at = step.previous;
        }
        path.reverse();
        path
    }
}
