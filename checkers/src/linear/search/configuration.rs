//! Configurations, and sets of them in which none dominates another.
//!
//! A configuration never holds operations that returned: its size does not depend on the history's.

use finding::{Meter, Stop};

use super::bits::{Bits, Field};
use super::window::Window;

/// A state, and what each pending operation has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Configuration<const W: usize> {
    pub(super) state: u32,
    /// The last step that led here, in the search's trace.
    pub(super) trace: u32,
    /// Have taken effect.
    pub(super) used: Bits<W>,
    /// Have not, but could have, unseen, just before a later overwrite: they need not take effect any more.
    pub(super) absorbed: Bits<W>,
}

impl<const W: usize> Configuration<W> {
    /// Marks a configuration that was found to be dominated. No machine has such a state.
    const DEAD: u32 = super::machine::IMPOSSIBLE;

    pub(super) fn is_dead(&self) -> bool {
        self.state == Self::DEAD
    }

    /// Without what became of a crowd.
    pub(super) fn forget_all(mut self, field: Field) -> Self {
        self.used.set_count(field, 0);
        self
    }

    #[inline]
    pub(super) fn forget(mut self, slot: usize) -> Self {
        self.used.remove(slot);
        self.absorbed.remove(slot);
        self
    }

    /// Whether whatever `other` can still explain, this can. Of each operation: absorbed is best, for it may take
    /// effect and need not; a read is better done; an optional one is better left. Else the two must agree.
    #[inline]
    pub(super) fn dominates(&self, other: &Self, window: &Window<W>) -> bool {
        self.state == other.state
            && other.absorbed.without(self.absorbed).is_empty()
            && other.used.without(self.used.or(self.absorbed).or(window.optional)).is_empty()
            && self.used.without(other.used.or(other.absorbed).or(window.harmless())).is_empty()
            && window.uses_at_most(self.used, other.used)
    }
}

/// Configurations none of which dominates another, in the order in which they came.
pub(super) struct Antichain<const W: usize> {
    items: Vec<Configuration<W>>,
    /// Heads and links of the lists of those with the same hash of their state; unused while there are few.
    heads: Vec<u32>,
    links: Vec<u32>,
}

impl<const W: usize> Antichain<W> {
    const INDEXED_FROM: usize = 32;
    const NONE: u32 = u32::MAX;

    pub(super) fn new() -> Self {
        Self { items: Vec::new(), heads: Vec::new(), links: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.links.clear();
    }

    /// Those that came, the dominated ones marked dead.
    pub(super) fn items(&self) -> &[Configuration<W>] {
        &self.items
    }

    pub(super) fn items_mut(&mut self) -> &mut [Configuration<W>] {
        &mut self.items
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Configuration<W>> {
        self.items.iter().filter(|item| !item.is_dead())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Adds a configuration unless it is dominated; marks those that it dominates.
    #[inline]
    pub(super) fn insert(
        &mut self,
        item: Configuration<W>,
        window: &Window<W>,
        meter: &mut Meter<'_>,
    ) -> Result<(), Stop> {
        if self.items.len() < Self::INDEXED_FROM {
            for other in &mut self.items {
                if other.dominates(&item, window) {
                    return Ok(());
                }
                if item.dominates(other, window) {
                    other.state = Configuration::<W>::DEAD;
                }
            }
            return meter.push(&mut self.items, item);
        }
        self.insert_indexed(item, window, meter)
    }

    fn insert_indexed(
        &mut self,
        item: Configuration<W>,
        window: &Window<W>,
        meter: &mut Meter<'_>,
    ) -> Result<(), Stop> {
        if self.links.len() < self.items.len() || self.heads.len() < 2 * self.items.len() {
            self.index(meter)?;
        }
        let bucket = self.bucket(item.state);
        let (mut at, mut scanned) = (self.heads[bucket], 0_u32);
        while at != Self::NONE {
            let other = &mut self.items[at as usize];
            if other.dominates(&item, window) {
                return Ok(());
            }
            if item.dominates(other, window) {
                other.state = Configuration::<W>::DEAD;
            }
            at = self.links[at as usize];
            scanned += 1;
            if scanned % 64 == 0 {
                meter.tick()?;
            }
        }
        let head = std::mem::replace(&mut self.heads[bucket], self.items.len() as u32);
        meter.push(&mut self.links, head)?;
        meter.push(&mut self.items, item)
    }

    fn bucket(&self, state: u32) -> usize {
        (state.wrapping_mul(0x9E37_79B1) >> 7) as usize & (self.heads.len() - 1)
    }

    fn index(&mut self, meter: &mut Meter<'_>) -> Result<(), Stop> {
        let buckets = (4 * self.items.len()).next_power_of_two();
        if buckets > self.heads.len() {
            meter.hold((buckets - self.heads.len()) * size_of::<u32>())?;
        }
        self.heads.clear();
        self.heads.resize(buckets, Self::NONE);
        self.links.clear();
        for at in 0..self.items.len() {
            let bucket = self.bucket(self.items[at].state);
            let head = std::mem::replace(&mut self.heads[bucket], at as u32);
            meter.push(&mut self.links, head)?;
        }
        Ok(())
    }
}
