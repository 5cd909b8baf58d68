//! A node's own clock: monotonic time that may run fast or slow, and wall time that may also be off and jump. It never
//! goes by anything but the world's time.

use histories::Nanos;
use nemesis::{ClockChange, Dice};

use super::conditions::Conditions;
use crate::store::Now;

/// When every world begins, in wall time: 2026-01-01, UTC.
pub(super) const EPOCH: u64 = 1_767_225_600_000_000_000;
/// How often a strobing clock jumps.
const STROBE: u64 = 100_000_000;
const PPM: u64 = 1_000_000;

#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// When its rate last changed, and what it showed then.
    since: Nanos,
    monotonic: Nanos,
    /// How far the wall time is ahead of the world's, in nanoseconds.
    ahead: i64,
    /// Millionths of a second that pass on it in a second.
    rate_ppm: u64,
    own_ppm: u64,
    own_ahead: i64,
    step: i64,
    strobe: i64,
}

impl Clock {
    pub(super) fn new(conditions: &Conditions, dice: &mut Dice) -> Self {
        let either_way = |dice: &mut Dice, most: u64| dice.below(2 * most + 1) as i64 - most as i64;
        let own_ahead = either_way(dice, conditions.wall_offset_max.0);
        let own_ppm = PPM.saturating_add_signed(either_way(dice, conditions.drift_ppm_max));
        Self {
            since: Nanos::ZERO,
            monotonic: Nanos::ZERO,
            ahead: own_ahead,
            rate_ppm: own_ppm,
            own_ppm,
            own_ahead,
            step: 0,
            strobe: 0,
        }
    }

    pub(super) fn now(&self, world: Nanos) -> Now {
        let jump = if (world.0 / STROBE).is_multiple_of(2) { 0 } else { self.strobe };
        let off = self.ahead_at(world) + self.step + jump;
        Now { monotonic: self.monotonic_at(world), wall: Nanos((EPOCH + world.0).saturating_add_signed(off)) }
    }

    /// The world's time at which it shows this monotonic time or more.
    pub(super) fn world_time(&self, monotonic: Nanos) -> Nanos {
        let left = monotonic.since(self.monotonic).0;
        if left == 0 {
            return self.since;
        }
        match left.checked_mul(PPM) {
            Some(left) => self.since + Nanos(left.div_ceil(self.rate_ppm)),
            None => Nanos::MAX,
        }
    }

    /// What is wrong with it from now on: all that is in force, and nothing that was. Wall time becomes right when
    /// nothing lets it run fast or slow; monotonic time never goes back.
    pub(super) fn set(&mut self, world: Nanos, changes: &[ClockChange]) {
        self.monotonic = self.monotonic_at(world);
        self.ahead = self.ahead_at(world);
        self.since = world;
        (self.step, self.strobe, self.rate_ppm) = (0, 0, self.own_ppm);
        for change in changes {
            match *change {
                ClockChange::Step { by_ms } => self.step += by_ms * 1_000_000,
                ClockChange::Strobe { by_ms } => self.strobe += by_ms * 1_000_000,
                ClockChange::Drift { ms_per_s } => {
                    self.rate_ppm = self.rate_ppm.saturating_add_signed(ms_per_s * 1000).max(1000);
                }
            }
        }
        if self.rate_ppm == self.own_ppm {
            self.ahead = self.own_ahead;
        }
    }

    fn monotonic_at(&self, world: Nanos) -> Nanos {
        self.monotonic + Nanos(scaled(world.since(self.since).0, self.rate_ppm))
    }

    fn ahead_at(&self, world: Nanos) -> i64 {
        if self.rate_ppm == self.own_ppm {
            // Small, and set right by the machine itself from time to time.
            return self.ahead;
        }
        let elapsed = world.since(self.since).0;
        self.ahead + scaled(elapsed, self.rate_ppm) as i64 - elapsed as i64
    }
}

/// Millionths of `nanos`, without overflow for five hours at a hundred times the speed.
fn scaled(nanos: u64, ppm: u64) -> u64 {
    if ppm == PPM { nanos } else { nanos / PPM * ppm + nanos % PPM * ppm / PPM }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Clock {
        let mut conditions = Conditions::draw(&mut Dice::new(1));
        (conditions.wall_offset_max, conditions.drift_ppm_max) = (Nanos::ZERO, 0);
        Clock::new(&conditions, &mut Dice::new(1))
    }

    const S: u64 = 1_000_000_000;

    #[test]
    fn a_slow_clock_falls_behind_and_its_timers_come_late() {
        let mut clock = clock();
        clock.set(Nanos(S), &[ClockChange::Drift { ms_per_s: -200 }]);
        let now = clock.now(Nanos(2 * S));
        assert_eq!(now.monotonic, Nanos(S + S / 10 * 8));
        assert_eq!(now.wall, Nanos(EPOCH + S + S / 10 * 8));
        let due = clock.world_time(Nanos(S + S / 10 * 8));
        assert_eq!(due, Nanos(2 * S));
        clock.set(Nanos(2 * S), &[]);
        let now = clock.now(Nanos(3 * S));
        assert_eq!(now.monotonic, Nanos(2 * S + S / 10 * 8), "monotonic time stays behind");
        assert_eq!(now.wall, Nanos(EPOCH + 3 * S), "wall time is set right");
    }

    #[test]
    fn steps_and_strobes_are_of_wall_time_only_and_end() {
        let mut clock = clock();
        clock.set(Nanos(0), &[ClockChange::Step { by_ms: -500 }, ClockChange::Strobe { by_ms: 100 }]);
        let wall = |clock: &Clock, at| clock.now(Nanos(at)).wall.0 as i64 - (EPOCH + at) as i64;
        assert_eq!(wall(&clock, S), -500_000_000);
        assert_eq!(wall(&clock, S + STROBE), -400_000_000);
        assert_eq!(clock.now(Nanos(S)).monotonic, Nanos(S));
        clock.set(Nanos(S), &[]);
        assert_eq!(wall(&clock, S + STROBE), 0);
    }

    #[test]
    fn a_timer_never_comes_before_its_time() {
        let mut clock = clock();
        clock.set(Nanos(7), &[ClockChange::Drift { ms_per_s: 37 }]);
        for target in (0..5_000_000).step_by(333_331) {
            let at = clock.world_time(Nanos(target));
            assert!(clock.now(at).monotonic >= Nanos(target), "{target}");
        }
    }
}
