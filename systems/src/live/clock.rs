//! A node's clocks as the harness sets them: right, off, fast or slow. Pure: the machine's time comes in with each call,
//! and nothing of it is ever asked for.

use histories::Nanos;
use serde::{Deserialize, Serialize};

use crate::cluster::ClockSetting;
use crate::store::Now;

/// How often a strobing clock jumps.
const STROBE_EVERY: Nanos = Nanos::from_millis(100);
/// A clock that stands still is no clock.
const SLOWEST_MS_PER_S: i64 = -999;
const FASTEST_MS_PER_S: i64 = 100_000;

/// The drift that a clock can have.
fn drift(setting: ClockSetting) -> i128 {
    i128::from(setting.drift_ms_per_s.clamp(SLOWEST_MS_PER_S, FASTEST_MS_PER_S))
}

/// By how much a node's wall time was off before it was set, and is now. Answer to `POST /clock`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClockReading {
    pub(crate) before_ms: f64,
    pub(crate) after_ms: f64,
    pub(crate) drift_ms_per_s: i64,
}

/// Both clocks of a node.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NodeClock {
    setting: ClockSetting,
    /// The machine's monotonic time when it was set last, and the node's then.
    set_at: Nanos,
    shown_then: Nanos,
    /// By how much wall time had drifted then, in nanoseconds.
    drifted: i128,
}

impl NodeClock {
    /// `monotonic` counts from the node's start, `wall` from 1970, both by the machine.
    pub(crate) fn now(&self, machine: Now) -> Now {
        let monotonic = i128::from(self.shown_then.0) + self.shown_since(machine.monotonic);
        let wall = i128::from(machine.wall.0) + self.off(machine.monotonic);
        Now { monotonic: nanos(monotonic), wall: nanos(wall) }
    }

    /// When, by the machine's monotonic time, the node's shows `at`.
    pub(crate) fn machine_time(&self, at: Nanos) -> Nanos {
        let since = i128::from(at.since(self.shown_then).0) * 1000;
        let speed = 1000 + drift(self.setting);
        // Rounded up: a timer must not find that its time has not come.
        nanos(i128::from(self.set_at.0) + (since + speed - 1) / speed)
    }

    /// From now on. Monotonic time goes on from where it is; wall time that no longer drifts is right again.
    pub(crate) fn set(&mut self, setting: ClockSetting, monotonic: Nanos) -> ClockReading {
        let before = self.off(monotonic);
        let shown = i128::from(self.shown_then.0) + self.shown_since(monotonic);
        let drifted = if drift(setting) == 0 { 0 } else { self.drifted_by(monotonic) };
        *self = Self { setting, set_at: monotonic, shown_then: nanos(shown), drifted };
        let millis = |nanos: i128| nanos as f64 / 1e6;
        ClockReading {
            before_ms: millis(before),
            after_ms: millis(self.off(monotonic)),
            drift_ms_per_s: drift(setting) as i64,
        }
    }

    fn shown_since(&self, monotonic: Nanos) -> i128 {
        i128::from(monotonic.since(self.set_at).0) * (1000 + drift(self.setting)) / 1000
    }

    fn drifted_by(&self, monotonic: Nanos) -> i128 {
        self.drifted + self.shown_since(monotonic) - i128::from(monotonic.since(self.set_at).0)
    }

    /// By how much wall time is off, in nanoseconds.
    fn off(&self, monotonic: Nanos) -> i128 {
        let strobes = (monotonic.0 / STROBE_EVERY.0).is_multiple_of(2);
        let strobe = if strobes { self.setting.strobe_ms } else { 0 };
        let set_ms = i128::from(self.setting.offset_ms) + i128::from(strobe);
        set_ms * 1_000_000 + self.drifted_by(monotonic)
    }
}

fn nanos(value: i128) -> Nanos {
    Nanos(u64::try_from(value.max(0)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use nemesis::ClockChange;
    use proptest::prelude::*;

    use super::*;

    const WALL: u64 = 1_000_000_000_000;

    fn at(millis: u64) -> Now {
        Now { monotonic: Nanos::from_millis(millis), wall: Nanos::from_millis(WALL + millis) }
    }

    fn shown(clock: &NodeClock, millis: u64) -> (u64, i64) {
        let now = clock.now(at(millis));
        let off = i128::from(now.wall.0) - i128::from(at(millis).wall.0);
        (now.monotonic.0 / 1_000_000, (off / 1_000_000) as i64)
    }

    #[test]
    fn a_step_moves_wall_time_alone() {
        let mut clock = NodeClock::default();
        assert_eq!(shown(&clock, 40), (40, 0));
        let reading =
            clock.set(ClockSetting::default().with(ClockChange::Step { by_ms: -700 }), at(50).monotonic);
        assert_eq!((reading.before_ms, reading.after_ms), (0.0, -700.0));
        assert_eq!(shown(&clock, 60), (60, -700));
        clock.set(ClockSetting::default(), at(70).monotonic);
        assert_eq!(shown(&clock, 80), (80, 0));
    }

    #[test]
    fn a_drift_moves_both_and_wall_time_is_right_again_at_its_end() {
        let mut clock = NodeClock::default();
        let slow = ClockSetting::default().with(ClockChange::Drift { ms_per_s: -500 });
        clock.set(slow, at(1000).monotonic);
        assert_eq!(shown(&clock, 3000), (2000, -1000));
        // Another fault's step neither ends the drift nor undoes it.
        clock.set(slow.with(ClockChange::Step { by_ms: 100 }), at(3000).monotonic);
        assert_eq!(shown(&clock, 5000), (3000, -1900));
        let reading = clock.set(ClockSetting::default(), at(5000).monotonic);
        assert_eq!((reading.before_ms, reading.after_ms), (-1900.0, 0.0));
        assert_eq!(shown(&clock, 6000), (4000, 0));
    }

    #[test]
    fn a_strobe_comes_and_goes() {
        let mut clock = NodeClock::default();
        clock.set(ClockSetting::default().with(ClockChange::Strobe { by_ms: 250 }), Nanos::ZERO);
        let offs: Vec<i64> = (0..4).map(|tenth| shown(&clock, tenth * 100 + 50).1).collect();
        assert_eq!(offs, [250, 0, 250, 0]);
    }

    proptest! {
        #[test]
        fn monotonic_time_never_goes_back_and_timers_come_when_they_are_due(
            steps in proptest::collection::vec((1_u64..2_000_000_000, -2000_i64..3000, -500_i64..500), 1..20),
        ) {
            let mut clock = NodeClock::default();
            let (mut machine, mut before) = (Nanos::ZERO, Nanos::ZERO);
            for (pass, drift_ms_per_s, offset_ms) in steps {
                machine = machine + Nanos(pass);
                let now = clock.now(Now { monotonic: machine, wall: machine }).monotonic;
                prop_assert!(now >= before);
                before = now;
                clock.set(ClockSetting { offset_ms, drift_ms_per_s, strobe_ms: 0 }, machine);
                let due = now + Nanos(pass);
                let woken = clock.machine_time(due);
                let shows = clock.now(Now { monotonic: woken, wall: woken }).monotonic;
                prop_assert!(shows >= due && shows.since(due) <= Nanos(200), "{due:?} {shows:?}");
            }
        }
    }
}
