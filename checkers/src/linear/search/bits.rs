//! Sets of slots, a few machine words each.
//!
//! They never hold operations: a slot is a pending operation's place for as long as it is pending.

/// The most slots that a search supports.
pub(super) const SLOTS_MAX: usize = 64 * 64;

/// A few neighbouring bits that hold a number instead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    word: usize,
    shift: usize,
    mask: u64,
}

impl Field {
    /// For numbers up to `most`, at `start` or soon after; where the next may start.
    pub(super) fn new(start: usize, most: usize) -> (Self, usize) {
        let bits = (usize::BITS - most.leading_zeros()) as usize;
        let start = if start % 64 + bits > 64 { start.next_multiple_of(64) } else { start };
        (Self { word: start / 64, shift: start % 64, mask: (1 << bits) - 1 }, start + bits)
    }
}

/// A set of up to `64 * W` slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bits<const W: usize>([u64; W]);

impl<const W: usize> Bits<W> {
    pub(super) const EMPTY: Self = Self([0; W]);

    #[inline]
    pub(super) fn has(&self, slot: usize) -> bool {
        self.0[slot / 64] >> (slot % 64) & 1 == 1
    }

    #[inline]
    pub(super) fn insert(&mut self, slot: usize) {
        self.0[slot / 64] |= 1 << (slot % 64);
    }

    #[inline]
    pub(super) fn remove(&mut self, slot: usize) {
        self.0[slot / 64] &= !(1 << (slot % 64));
    }

    /// The number in a field.
    #[inline]
    pub(super) fn count(&self, field: Field) -> usize {
        (self.0[field.word] >> field.shift & field.mask) as usize
    }

    #[inline]
    pub(super) fn set_count(&mut self, field: Field, count: usize) {
        let word = &mut self.0[field.word];
        *word = *word & !(field.mask << field.shift) | (count as u64) << field.shift;
    }

    /// Every bit of a field.
    pub(super) fn insert_field(&mut self, field: Field) {
        self.0[field.word] |= field.mask << field.shift;
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    #[inline]
    fn zip(self, other: Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|word| combine(self.0[word], other.0[word])))
    }

    #[inline]
    pub(super) fn or(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    #[inline]
    pub(super) fn and(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    #[inline]
    pub(super) fn without(self, other: Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    /// The slots in ascending order.
    #[inline]
    pub(super) fn iter(self) -> Slots<W> {
        Slots { bits: self, word: 0 }
    }
}

pub(super) struct Slots<const W: usize> {
    bits: Bits<W>,
    word: usize,
}

impl<const W: usize> Iterator for Slots<W> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.word < W {
            let word = &mut self.bits.0[self.word];
            if *word != 0 {
                let slot = self.word * 64 + word.trailing_zeros() as usize;
                *word &= *word - 1;
                return Some(slot);
            }
            self.word += 1;
        }
        None
    }
}
