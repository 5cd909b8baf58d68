//! The keys that transactions use at a time: some more often than others, each until it has been written often enough.

use histories::Value;
use nemesis::Dice;

use super::Shape;

/// Keys in use at a time, where the run does not say.
const KEYS_ACTIVE: u16 = 8;
/// Each key is used twice as often as the next.
const SKEW: f64 = 2.0;
const WRITES_PER_KEY: u64 = 32;

pub(super) struct Pool {
    active: Vec<Active>,
    /// By place, the share of it and of all places before it.
    shares: Vec<f64>,
    next_key: i64,
    writes_max: u64,
    first_value: i64,
}

struct Active {
    key: i64,
    writes: u64,
}

impl Pool {
    /// Keys are numbered on from the first value, so that no two generators of a run use the same.
    pub(super) fn new(shape: &Shape) -> Self {
        let count = shape.keys.unwrap_or(KEYS_ACTIVE).max(1);
        let skew = shape.tuning.key_skew.unwrap_or(SKEW);
        let mut weight = 1.0;
        let mut shares: Vec<f64> = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            shares.push(shares.last().unwrap_or(&0.0) + weight);
            weight /= skew;
        }
        let first = shape.first_value;
        Self {
            active: (0..i64::from(count)).map(|at| Active { key: first + at, writes: 0 }).collect(),
            shares,
            next_key: first + i64::from(count),
            writes_max: shape.tuning.writes_per_key.unwrap_or(WRITES_PER_KEY).max(1),
            first_value: first,
        }
    }

    /// A place, which stands for its key until the next write.
    pub(super) fn draw(&self, dice: &mut Dice) -> usize {
        const PARTS: u64 = 1 << 53;
        let all = self.shares.last().copied().unwrap_or(1.0);
        let drawn = dice.below(PARTS) as f64 / PARTS as f64 * all;
        self.shares.partition_point(|share| *share <= drawn).min(self.active.len() - 1)
    }

    pub(super) fn key(&self, place: usize) -> Value {
        Value::Int(self.active[place].key)
    }

    /// The key with a value that it was never given. After its last value another key takes the place.
    pub(super) fn write(&mut self, place: usize) -> (Value, Value) {
        let active = &mut self.active[place];
        let written = (Value::Int(active.key), Value::Int(self.first_value + active.writes as i64));
        active.writes += 1;
        if active.writes >= self.writes_max {
            *active = Active { key: self.next_key, writes: 0 };
            self.next_key += 1;
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Tuning;
    use super::*;

    fn shape(tuning: Tuning) -> Shape {
        Shape {
            threads: 1,
            nodes: 1,
            rate: None,
            copies: None,
            keys: Some(4),
            one_object: false,
            first_value: 1,
            unsupported: [].into(),
            tuning,
        }
    }

    fn uses(tuning: Tuning) -> Vec<u64> {
        let pool = Pool::new(&shape(tuning));
        let mut dice = Dice::new(1);
        let mut counts: BTreeMap<usize, u64> = (0..4).map(|place| (place, 0)).collect();
        for _ in 0..15_000 {
            *counts.entry(pool.draw(&mut dice)).or_default() += 1;
        }
        counts.into_values().collect()
    }

    #[test]
    fn each_key_is_used_so_much_more_often_than_the_next() {
        let near = |counts: &[u64], expected: [u64; 4]| {
            counts.iter().zip(expected).all(|(count, expected)| count.abs_diff(expected) < 400)
        };
        let by_default = uses(Tuning::default());
        assert!(near(&by_default, [8000, 4000, 2000, 1000]), "{by_default:?}");
        let alike = uses(Tuning { key_skew: Some(1.0), ..Tuning::default() });
        assert!(near(&alike, [3750; 4]), "{alike:?}");
    }

    #[test]
    fn a_key_that_was_written_often_enough_is_left_for_another() {
        let mut pool = Pool::new(&shape(Tuning { writes_per_key: Some(2), ..Tuning::default() }));
        let written: Vec<_> = (0..5).map(|_| pool.write(0)).collect();
        let expected = [(1, 1), (1, 2), (5, 1), (5, 2), (6, 1)];
        assert_eq!(written, expected.map(|(key, value)| (Value::Int(key), Value::Int(value))));
    }
}
