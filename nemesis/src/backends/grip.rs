//! A fault's hold on one gate: taken when the fault begins, let go when it ends.

use std::sync::Arc;
use std::time::Duration;

use super::breaks::Storm;
use super::gate::Gate;
use super::report::{Counts, LinkReport};
use crate::LinkChange;

/// What a fault does to a gate.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
    Cut,
    Slow(Duration),
    Jitter(Duration),
    /// Bytes a second.
    Throttle(u64),
    Reset(Duration),
    Refuse,
    Hang,
    HalfOpen,
}

impl Does {
    /// `None` for what streams cannot have done to them.
    pub(super) fn of(change: LinkChange) -> Option<Self> {
        match change {
            LinkChange::Slow { by } => Some(Self::Slow(by.to_duration())),
            LinkChange::Jitter { by } => Some(Self::Jitter(by.to_duration())),
            LinkChange::Throttle { kb_per_s } => Some(Self::Throttle(kb_per_s.saturating_mul(1000))),
            LinkChange::Reset { every } => Some(Self::Reset(every.to_duration())),
            LinkChange::Refuse => Some(Self::Refuse),
            LinkChange::Hang => Some(Self::Hang),
            LinkChange::HalfOpen => Some(Self::HalfOpen),
            LinkChange::Lose { .. } | LinkChange::Duplicate { .. } | LinkChange::Reorder { .. } => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Grip {
    gate: Arc<Gate>,
    does: Does,
    /// What the gate had counted before.
    before: Counts,
    /// Ends with the grip.
    storm: Option<Storm>,
}

impl Grip {
    pub(super) fn take(gate: Arc<Gate>, does: Does) -> Self {
        let before = gate.counters.read();
        let mut storm = None;
        match does {
            Does::Cut => gate.cut(),
            Does::Slow(by) => gate.slow_down(by),
            Does::Jitter(by) => gate.shake(by),
            Does::Throttle(bytes_per_s) => gate.pace.limit(bytes_per_s),
            Does::Reset(every) => storm = Some(Storm::new(&gate, every)),
            Does::Refuse => gate.refuse(),
            Does::Hang => gate.hang(),
            Does::HalfOpen => gate.half_open(),
        }
        Self { gate, does, before, storm }
    }

    /// Undoes it, and says what shows that it was felt.
    pub(super) fn release(self) -> LinkReport {
        let Self { gate, does, before, storm } = self;
        drop(storm);
        let seen = gate.counters.read().since(before);
        match does {
            Does::Cut => gate.heal(),
            Does::Slow(by) => gate.speed_up(by),
            Does::Jitter(by) => gate.steady(by),
            Does::Throttle(bytes_per_s) => gate.pace.lift(bytes_per_s),
            Does::Refuse => gate.accept_again(),
            Does::Hang => gate.answer(),
            Does::HalfOpen => gate.close_half_open(),
            Does::Reset(_) => {}
        }
        does.report(seen)
    }
}

impl Does {
    /// Of what was counted at a gate, what this can have caused.
    fn report(self, seen: Counts) -> LinkReport {
        let Counts { bytes, streams, connections, late_bytes, waited_bytes, resets, refused, half_open } =
            seen;
        let (none, report) = (Counts::default(), LinkReport::default());
        match self {
            Self::Cut => {
                LinkReport { cut: 1, counts: Counts { bytes, streams, connections, ..none }, ..report }
            }
            Self::Slow(_) | Self::Jitter(_) => {
                LinkReport { slow: 1, counts: Counts { late_bytes, ..none }, ..report }
            }
            Self::Throttle(_) => LinkReport { narrow: 1, counts: Counts { waited_bytes, ..none }, ..report },
            Self::Reset(_) => LinkReport { broken: 1, counts: Counts { resets, ..none }, ..report },
            Self::Refuse => LinkReport { broken: 1, counts: Counts { resets, refused, ..none }, ..report },
            Self::Hang => LinkReport { broken: 1, counts: Counts { connections, resets, ..none }, ..report },
            Self::HalfOpen => LinkReport { broken: 1, counts: Counts { half_open, ..none }, ..report },
        }
    }
}
