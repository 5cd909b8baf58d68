//! When a fault begins and how long it lasts. It never says whom it hits.

use histories::Nanos;

use super::aim::Aim;
use super::spec::FaultSpec;
use crate::Dice;

/// A stretch of time drawn by dice, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) low: Nanos,
    pub(super) high: Nanos,
}

impl Span {
    pub(super) const fn millis(low: u64, high: u64) -> Self {
        Self { low: Nanos::from_millis(low), high: Nanos::from_millis(high) }
    }

    pub(super) fn roll(self, dice: &mut Dice) -> Nanos {
        Nanos(dice.between(self.low.0, self.high.0))
    }
}

/// Time without any fault between windows of different faults, so that recovery from each can be seen.
pub(super) const CALM: Nanos = Nanos::from_millis(1200);
/// How soon to look again where there was nobody to aim at, or it was not calm.
const RETRY: Nanos = Nanos::from_millis(100);
/// How often to look whether a killed leader has a successor, and for how long.
pub(super) const SUCCESSOR_POLL: Nanos = Nanos::from_millis(50);
pub(super) const SUCCESSOR_WAIT_MAX: Nanos = Nanos::from_secs(10);

/// The next moment of a common beat, so that all who wait are asked together and the schedule can be fair.
pub(super) fn retry(now: Nanos) -> Nanos {
    Nanos((now.0 / RETRY.0 + 1) * RETRY.0)
}

const FIRST: Span = Span::millis(1500, 2500);
const HOLD: Span = Span::millis(2000, 4000);
const HOLD_IN_COMPANY: Span = Span::millis(2000, 3000);
const REST: Span = Span::millis(1500, 3000);
/// Of a condition: it comes early and stays, so that others happen under it.
const FIRST_CONDITION: Span = Span::millis(500, 1500);
const HOLD_CONDITION: Span = Span::millis(4000, 8000);
const REST_CONDITION: Span = Span::millis(1000, 2000);
const FLAP_ON: Span = Span::millis(150, 500);
const FLAP_OFF: Span = Span::millis(150, 400);

/// When to begin, how long to hold, how long to rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    pub(super) first: Span,
    pub(super) hold: Span,
    pub(super) rest: Span,
    pub(super) every: Option<Nanos>,
    /// Within a window: in force, and not, by turns.
    pub(super) flap: Option<(Span, Span)>,
}

impl Rhythm {
    /// Of one of `company` faults.
    pub(super) fn of(spec: &FaultSpec, company: usize) -> Self {
        let (first, hold, rest) = match (spec.kind.entry().is_condition, company > 1) {
            (true, _) => (FIRST_CONDITION, HOLD_CONDITION, REST_CONDITION),
            (false, true) => (FIRST, HOLD_IN_COMPANY, REST),
            (false, false) => (FIRST, HOLD, REST),
        };
        let hold = spec.hold.unwrap_or(hold);
        Self {
            // A fault that waits for an event waits for nothing else.
            first: spec.first.unwrap_or(if spec.on.is_some() { Span::millis(0, 0) } else { first }),
            hold: spec.every.map_or(hold, |every| within(hold, every)),
            rest,
            every: spec.every,
            flap: (spec.aim == Aim::Flapping).then_some((FLAP_ON, FLAP_OFF)),
        }
    }

    /// When to begin again, after a window from `began` to `now`.
    pub(super) fn next(&self, began: Nanos, now: Nanos, dice: &mut Dice) -> Nanos {
        match self.every {
            Some(every) => (began + every).max(now + RETRY),
            None => now + self.rest.roll(dice),
        }
    }
}

/// Two thirds of the time from one beginning to the next at most.
fn within(hold: Span, every: Nanos) -> Span {
    let most = Nanos(every.0 / 3 * 2);
    Span { low: hold.low.min(most), high: hold.high.min(most) }
}
