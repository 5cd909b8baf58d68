//! What the weather is like in a world where nothing is broken: how long messages and disks take, how clocks run. Every
//! seed draws its own; it never breaks anything.

use histories::Nanos;
use nemesis::Dice;

/// How long something takes: `floor` and up to `spread` more, and once in `tail_odds` up to `tail` instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    pub floor: Nanos,
    pub spread: Nanos,
    pub tail: Nanos,
    pub tail_odds: u64,
}

impl Latency {
    const fn micros(floor: u64, spread: u64, tail: u64, tail_odds: u64) -> Self {
        Self { floor: Nanos(floor * 1000), spread: Nanos(spread * 1000), tail: Nanos(tail * 1000), tail_odds }
    }

    /// Between two bounds, without a tail.
    pub const fn within(low: Nanos, high: Nanos) -> Self {
        Self { floor: low, spread: high.since(low), tail: Nanos::ZERO, tail_odds: 0 }
    }

    /// One roll decides both: its upper half where in the spread, its lower half whether it is one of the tail.
    pub(super) fn draw(&self, dice: &mut Dice) -> Nanos {
        let roll = dice.below(u64::MAX);
        let (upper, lower) = (roll >> 32, roll & 0xffff_ffff);
        let bound =
            if (lower * self.tail_odds) >> 32 == 0 && self.tail_odds > 0 { self.tail } else { self.spread };
        Nanos(self.floor.0 + ((upper * bound.0) >> 32))
    }
}

/// What nothing has broken yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// One way between two nodes of a datacentre.
    pub near: Latency,
    /// One way between a client and a node.
    pub client: Latency,
    /// A write and the sync after it.
    pub sync: Latency,
    /// A write that is not waited for.
    pub write: Latency,
    /// Wall clocks are off by up to this much, either way.
    pub wall_offset_max: Nanos,
    /// Clocks run fast or slow by up to this many millionths.
    pub drift_ppm_max: u64,
    /// What is sent over a cut link waits there until the link flows again; else it is lost, as if its connection broke.
    pub cuts_hold: bool,
}

impl Conditions {
    /// The conditions of a seed: from a quiet rack to a busy one with old disks.
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let near = [(60, 60), (150, 150), (300, 700), (800, 2_500)];
        let sync = [(100, 100), (400, 800), (1_500, 3_000), (5_000, 15_000)];
        let (floor, spread) = near[dice.below(4) as usize];
        let (sync_floor, sync_spread) = sync[dice.below(4) as usize];
        let tail = [2_000, 10_000, 60_000][dice.below(3) as usize];
        let odds = [0, 200, 50][dice.below(3) as usize];
        Self {
            near: Latency::micros(floor, spread, tail, odds),
            client: Latency::micros(floor, spread, tail, odds),
            sync: Latency::micros(sync_floor, sync_spread, 8 * sync_spread, odds),
            write: Latency::micros(10, 30, 1_000, odds),
            wall_offset_max: Nanos::from_millis([0, 1, 10][dice.below(3) as usize]),
            drift_ppm_max: [0, 20, 200][dice.below(3) as usize],
            cuts_hold: dice.chance(1, 4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_stays_in_its_bounds_and_shows_its_tail() {
        let latency = Latency::micros(100, 50, 9_000, 20);
        let mut dice = Dice::new(3);
        let drawn: Vec<Nanos> = (0..2000).map(|_| latency.draw(&mut dice)).collect();
        assert!(drawn.iter().all(|at| (Nanos(100_000)..=Nanos(9_100_000)).contains(at)));
        let late = drawn.iter().filter(|at| **at > Nanos(150_000)).count();
        assert!((50..200).contains(&late), "{late}");
        let flat = Latency::within(Nanos(7), Nanos(7));
        assert_eq!(flat.draw(&mut dice), Nanos(7));
    }

    #[test]
    fn seeds_differ_in_their_conditions() {
        let draw = |seed| Conditions::draw(&mut Dice::new(seed));
        assert_eq!(draw(1), draw(1));
        assert!((2..20).any(|seed| draw(seed) != draw(1)));
    }
}
