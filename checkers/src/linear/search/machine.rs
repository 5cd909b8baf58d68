//! What the search asks of a model: numbered states and labelled operations.
//!
//! A machine never sees time but to say which states are forgotten, and never sees configurations.

use finding::{Meter, Stop};

use crate::models::Effect;

/// The step is not possible.
pub(super) const IMPOSSIBLE: u32 = u32::MAX;

/// The state that stands for all states that no later operation can tell apart.
pub(super) const FORGOTTEN: u32 = u32::MAX - 1;

pub(super) trait Machine {
    fn initial(&self) -> u32;

    fn effect(&self, label: u64) -> Effect;

    /// The state after an operation, or [`IMPOSSIBLE`]. Blind operations leave [`FORGOTTEN`] as it is, and no read
    /// is possible there.
    fn step(&mut self, state: u32, label: u64, meter: &mut Meter<'_>) -> Result<u32, Stop>;

    /// The state itself, or [`FORGOTTEN`] once no operation that returns at `now` or later can observe it.
    fn collapse(&self, state: u32, _now: u64) -> u32 {
        state
    }

    /// Whether so many states are stored that [`Machine::sweep`] is worth its time.
    fn needs_sweep(&self) -> bool {
        false
    }

    /// Drops every stored state but these.
    fn sweep(&mut self, _live: &mut dyn Iterator<Item = u32>, _meter: &mut Meter<'_>) {}
}
