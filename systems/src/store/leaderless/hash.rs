//! A hash that is the same in every build, for places on the ring and for comparing states. Not for secrets.

/// FNV-1a with the finish of MurmurHash3, so that every bit of the input reaches every bit of the output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    const fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u64).wrapping_mul(0x100_0000_01b3))
    }

    pub(super) fn text(self, text: &str) -> Self {
        text.bytes().fold(self, Self::byte)
    }

    pub(super) fn number(self, number: u64) -> Self {
        // A number is mixed in whole: byte by byte takes eight times as long, and this is done for each write.
        Self((self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29))
    }

    pub(super) const fn finish(self) -> u64 {
        let mut hash = self.0;
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ (hash >> 33)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn near_inputs_lie_far_apart() {
        let texts: BTreeSet<u64> =
            (0..10_000).map(|n| Hash::default().text(&format!("k{n}")).finish()).collect();
        let numbers: BTreeSet<u64> =
            (0..10_000).map(|n| Hash::default().number(n).number(0).finish()).collect();
        assert_eq!((texts.len(), numbers.len()), (10_000, 10_000));
        for hashes in [texts, numbers] {
            let buckets: BTreeSet<u64> = hashes.iter().map(|hash| hash >> 56).collect();
            assert_eq!(buckets.len(), 256, "the highest byte takes every value");
        }
    }
}
