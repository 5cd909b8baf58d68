//! Randomness that is the same everywhere: ChaCha8, split by name.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A seeded stream of decisions. Streams that are split off by different names are independent, so a change in how
/// one is used leaves the others as they were.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    rng: ChaCha8Rng,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self { seed, rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// A stream of its own for `name`, whatever this one has been used for.
    pub fn split(&self, name: &str) -> Self {
        // FNV-1a: stable across versions and machines, which `Hash` does not promise.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64 ^ self.seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self::new(hash)
    }

    /// Uniform in `0..bound`; 0 where `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Multiply-shift: the bias is below bound / 2^64.
        ((u128::from(self.rng.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Uniform in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// True `numerator` times in `denominator`.
    pub fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator) < numerator
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.below(items.len() as u64) as usize;
        items.get(index)
    }

    /// Fisher-Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// Exponentially distributed with the given mean: the gaps of a Poisson process.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        let unit = (self.below(1 << 53) as f64 + 1.0) / (1_u64 << 53) as f64;
        -mean * ln(unit)
    }
}

/// The natural logarithm of a positive normal number, by additions, multiplications and divisions alone: these give the same
/// bits on every machine, and the system's `ln` need not.
fn ln(x: f64) -> f64 {
    const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
    let bits = x.to_bits();
    let exponent = (bits >> FRACTION_BITS) as i64 - 1023;
    let mantissa = f64::from_bits(bits & ((1 << FRACTION_BITS) - 1) | 1023 << FRACTION_BITS);
    // ln m = 2 artanh((m - 1) / (m + 1)), and the argument is below a third.
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let mut term = z;
    let mut sum = 0.0;
    for odd in (1..34).step_by(2) {
        sum += term / f64::from(odd);
        term *= z * z;
    }
    exponent as f64 * std::f64::consts::LN_2 + 2.0 * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_same_on_every_machine() {
        let mut dice = Dice::new(42);
        let rolls: Vec<_> = (0..8).map(|_| dice.below(100)).collect();
        insta::assert_debug_snapshot!(rolls);
    }

    #[test]
    fn a_split_stream_does_not_depend_on_how_its_parent_was_used() {
        let mut used = Dice::new(1);
        used.below(10);
        let fresh = Dice::new(1);
        assert_eq!(used.split("network").below(1 << 40), fresh.split("network").below(1 << 40));
        assert_ne!(fresh.split("network").below(1 << 40), fresh.split("disk").below(1 << 40));
    }

    #[test]
    fn the_logarithm_is_one() {
        for x in [1e-16, 1e-9, 0.1, 0.3, 0.5, 0.75, 0.999_999, 1.0] {
            assert!((ln(x) - f64::ln(x)).abs() < 1e-13 * (1.0 + f64::ln(x).abs()), "{x}");
        }
        assert_eq!(ln(1.0).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn rolls_stay_in_their_bounds() {
        let mut dice = Dice::new(7);
        for _ in 0..1000 {
            assert!(dice.below(3) < 3);
            assert!((5..=6).contains(&dice.between(5, 6)));
        }
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.pick::<u8>(&[]), None);
    }
}
