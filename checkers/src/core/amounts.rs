//! A bag of amounts, and which sums some of them come to.
//!
//! It never guesses: what is too much work to tell is told as that.

use std::collections::BTreeMap;

/// The widest range of sums that is gone through one by one, in bits.
const RANGE_MAX: u128 = 1 << 24;

/// Amounts of either sign, of which any part may count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Amounts {
    /// By size, how many.
    sizes: BTreeMap<u64, u64>,
    /// What the negative ones, and what all, come to in size.
    negative: u128,
    all: u128,
}

impl Amounts {
    pub(crate) fn insert(&mut self, amount: i64) {
        let size = amount.unsigned_abs();
        *self.sizes.entry(size).or_default() += 1;
        self.all += u128::from(size);
        self.negative += if amount < 0 { u128::from(size) } else { 0 };
    }

    pub(crate) fn remove(&mut self, amount: i64) {
        let size = amount.unsigned_abs();
        let Some(count) = self.sizes.get_mut(&size).filter(|count| **count > 0) else { return };
        *count -= 1;
        self.all -= u128::from(size);
        self.negative -= if amount < 0 { u128::from(size) } else { 0 };
    }

    /// The least and the largest sum.
    pub(crate) fn bounds(&self) -> (i128, i128) {
        (-(self.negative as i128), (self.all - self.negative) as i128)
    }

    /// Whether some of them add up to `sum`; `None` where that is too much work to tell.
    pub(crate) fn reach(&self, sum: i128) -> Option<bool> {
        let (low, high) = self.bounds();
        if sum < low || sum > high {
            return Some(false);
        }
        // Leaving a negative one out adds its size: the sums are those of the sizes, from `low` on.
        let above = (sum - low) as u128;
        if self.is_dense() {
            return Some(true);
        }
        (self.all < RANGE_MAX).then(|| self.is_reached(above))
    }

    /// Whether every sum from 0 to that of all is reached: each size is at most one more than all smaller together.
    fn is_dense(&self) -> bool {
        let mut below = 0;
        self.sizes.iter().filter(|(_, count)| **count > 0).all(|(&size, &count)| {
            let fits = u128::from(size) <= below + 1;
            below += u128::from(size) * u128::from(count);
            fits
        })
    }

    /// Bounded subset sums: counts are split into powers of two, each of which moves all sums at once.
    fn is_reached(&self, sum: u128) -> bool {
        let mut reached = Sums::of_nothing(self.all as usize);
        for (&size, &count) in &self.sizes {
            let (mut left, mut part) = (count, 1);
            while left > 0 {
                let taken = part.min(left);
                reached.shift((size * taken) as usize);
                left -= taken;
                part *= 2;
            }
        }
        reached.contains(sum as usize)
    }
}

/// A bit for each sum.
struct Sums(Vec<u64>);

impl Sums {
    fn of_nothing(largest: usize) -> Self {
        let mut words = vec![0; largest / 64 + 1];
        words[0] = 1;
        Self(words)
    }

    fn contains(&self, sum: usize) -> bool {
        self.0[sum / 64] >> (sum % 64) & 1 == 1
    }

    /// Adds every sum moved up by `by`.
    fn shift(&mut self, by: usize) {
        let (words, bits) = (by / 64, by % 64);
        for at in (words..self.0.len()).rev() {
            let high = self.0[at - words] << bits;
            let low = if bits > 0 && at > words { self.0[at - words - 1] >> (64 - bits) } else { 0 };
            self.0[at] |= high | low;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dice;

    #[test]
    fn the_sums_that_are_reached_are_those_of_some_subset() {
        let mut dice = Dice(3);
        let mut reached = [0, 0];
        for _ in 0..5_000 {
            let widest = [3, 9, 200][dice.below(3) as usize];
            let list: Vec<i64> =
                (0..dice.below(8)).map(|_| dice.below(2 * widest + 1) as i64 - widest as i64).collect();
            let mut amounts = Amounts::default();
            amounts.insert(99);
            for &amount in &list {
                amounts.insert(amount);
            }
            amounts.remove(99);
            let sum = dice.below(4 * widest + 1) as i64 - 2 * widest as i64;
            let some = (0_u32..1 << list.len()).any(|part| {
                let picked = list.iter().enumerate().filter(|(i, _)| part >> i & 1 == 1);
                picked.map(|(_, amount)| amount).sum::<i64>() == sum
            });
            assert_eq!(amounts.reach(sum.into()), Some(some), "{list:?} to {sum}");
            reached[usize::from(some)] += 1;
        }
        assert!(reached.iter().all(|&count| count > 1_000), "{reached:?}");
    }

    #[test]
    fn what_is_too_much_to_go_through_is_not_guessed() {
        let mut amounts = Amounts::default();
        amounts.insert(i64::MAX);
        amounts.insert(7);
        assert_eq!(amounts.reach(8), None);
        assert_eq!(amounts.reach(-1), Some(false));
    }
}
