//! Hybrid logical clocks and the stamps of last-write-wins. They are given the wall time and never ask for it.

use std::fmt;

use histories::{Nanos, Node};
use serde::{Deserialize, Serialize};

/// A time near the wall's that never contradicts causality (Kulkarni et al., "Logical physical clocks", OPODIS 2014).
/// A plain wall time has `logical` 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HybridTime {
    /// The highest wall time known of, in nanoseconds.
    pub wall: Nanos,
    /// Tells apart what shares a wall time.
    pub logical: u32,
}

impl HybridTime {
    pub const fn of_wall(wall: Nanos) -> Self {
        Self { wall, logical: 0 }
    }

    /// The next time after this one, whatever the wall says.
    fn after(self) -> Self {
        match self.logical.checked_add(1) {
            Some(logical) => Self { wall: self.wall, logical },
            None => Self::of_wall(Nanos(self.wall.0.saturating_add(1))),
        }
    }
}

/// `17.250s+3`: seconds on the wall, and the logical part where there is one.
impl fmt::Display for HybridTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.wall.0 / 1_000_000;
        write!(f, "{}.{:03}s", ms / 1000, ms % 1000)?;
        if self.logical == 0 { Ok(()) } else { write!(f, "+{}", self.logical) }
    }
}

/// Gives out rising times, each later than all that it was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HybridClock {
    last: HybridTime,
}

impl HybridClock {
    /// The time of an event now.
    pub fn tick(&mut self, wall: Nanos) -> HybridTime {
        self.last = if wall > self.last.wall { HybridTime::of_wall(wall) } else { self.last.after() };
        self.last
    }

    /// The last time that it gave out or was shown.
    pub fn last(&self) -> HybridTime {
        self.last
    }

    /// Learns of an event elsewhere: whatever comes from now on is later.
    pub fn observe(&mut self, time: HybridTime) {
        self.last = self.last.max(time);
    }
}

/// Which of two writes is the last: the later time, and where that is the same the higher origin, then sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    pub time: HybridTime,
    pub origin: Node,
    /// Counts the origin's changes.
    pub sequence: u64,
}

impl Stamp {
    /// Before every write.
    pub const ZERO: Self = Self { time: HybridTime::of_wall(Nanos::ZERO), origin: Node(0), sequence: 0 };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hybrid_clock_follows_the_wall_and_never_goes_back() {
        let mut clock = HybridClock::default();
        let first = clock.tick(Nanos::from_millis(17_250));
        assert_eq!(first.to_string(), "17.250s");
        let second = clock.tick(Nanos::from_millis(9_000));
        assert_eq!(second.to_string(), "17.250s+1", "the wall stepped back");
        assert_eq!(clock.tick(Nanos::from_millis(17_251)).to_string(), "17.251s");
    }

    #[test]
    fn what_comes_after_an_event_elsewhere_is_later_than_it() {
        let (mut fast, mut slow) = (HybridClock::default(), HybridClock::default());
        let sent = fast.tick(Nanos::from_millis(5_000));
        slow.observe(sent);
        assert!(slow.tick(Nanos::from_millis(1_000)) > sent);
        slow.observe(HybridTime::default());
        assert!(slow.tick(Nanos::ZERO) > sent, "an old event takes nothing back");
    }

    #[test]
    fn logical_time_that_is_used_up_moves_the_wall() {
        let mut clock = HybridClock { last: HybridTime { wall: Nanos(7), logical: u32::MAX } };
        assert_eq!(clock.tick(Nanos(7)), HybridTime::of_wall(Nanos(8)));
    }

    #[test]
    fn ties_break_by_origin_and_then_by_sequence() {
        let stamp = |wall, origin, sequence| Stamp {
            time: HybridTime::of_wall(Nanos(wall)),
            origin: Node(origin),
            sequence,
        };
        assert!(stamp(2, 0, 1) > stamp(1, 9, 9));
        assert!(stamp(1, 1, 1) > stamp(1, 0, 9));
        assert!(stamp(1, 1, 2) > stamp(1, 1, 1));
    }
}
