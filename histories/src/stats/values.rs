//! Which written values come twice, by a sample of them.
//!
//! It never holds a value.

use std::hash::{BuildHasher, BuildHasherDefault};

use rustc_hash::{FxHashSet, FxHasher};

use super::VALUES_MAX;

/// Hashes that are looked up at a time.
const WAITING_MAX: usize = 256;

/// Values seen, as hashes, thinned out when they become too many.
#[derive(Default)]
pub(super) struct Values {
    pub(super) seen: FxHashSet<u64>,
    /// Looked up together, so that the processor waits for memory once for many of them.
    waiting: Vec<u64>,
    repeated: FxHashSet<u64>,
    /// Only hashes without these bits are kept.
    pub(super) mask: u64,
    pub(super) duplicates: u64,
}

impl Values {
    pub(super) fn add(&mut self, value: &impl std::hash::Hash) {
        let hash = BuildHasherDefault::<FxHasher>::default().hash_one(value);
        // The upper bits of this hash are the better ones.
        let hash = hash.rotate_left(32);
        self.waiting.push(hash);
        if self.waiting.len() >= WAITING_MAX {
            self.look_up();
        }
    }

    pub(super) fn look_up(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        for hash in waiting.drain(..) {
            if hash & self.mask != 0 {
                continue;
            }
            if !self.seen.insert(hash) && self.repeated.insert(hash) {
                self.duplicates += 1;
            }
            self.thin_out();
        }
        self.waiting = waiting;
    }

    fn thin_out(&mut self) {
        if self.seen.len() > VALUES_MAX {
            self.mask = self.mask << 1 | 1;
            let mask = self.mask;
            self.seen.retain(|hash| hash & mask == 0);
            self.repeated.retain(|hash| hash & mask == 0);
            self.duplicates = self.repeated.len() as u64;
        }
    }
}
