//! Anti-entropy: every so often a member compares trees with the next other one, and both take what they lack.
//!
//! Every message stands for itself: one that is lost leaves something for the next round.

use histories::{Key, Nanos, Node};

use super::Replica;
use super::journal::Then;
use super::merkle::Place;
use super::message::{Message, Record};
use super::version::Cell;
use crate::store::Bug;

/// Places that one message may lead on to.
const PLACES_MAX: usize = 16;
/// Cells in one message.
const CELLS_MAX: usize = 256;

impl Replica {
    pub(super) fn compare_now_and_then(&mut self) {
        let Some(interval) = self.options.timing.anti_entropy else { return };
        if self.now.monotonic < self.compare_at {
            return;
        }
        self.compare_at = self.now.monotonic + interval;
        // Each in turn: by dice, some would wait for long.
        self.compared = Node((self.compared.0 + 1) % self.nodes);
        if self.compared == self.me {
            self.compared = Node((self.compared.0 + 1) % self.nodes);
        }
        if self.compared != self.me {
            self.compare(self.compared, Place::ROOT);
        }
    }

    fn compare(&mut self, peer: Node, place: Place) {
        let hashes = self.state.tree(peer).below(place).map(<[u64]>::to_vec);
        if let Some(hashes) = hashes {
            self.send(peer, Message::Compare { place, hashes });
        }
    }

    /// Goes on where the two differ: to what lies below, or to the keys of a leaf.
    pub(super) fn on_compare(&mut self, from: Node, place: Place, hashes: &[u64]) {
        let Some(own) = self.state.tree(from).below(place) else { return };
        let branches = own.len() - usize::from(self.options.has(Bug::MerkleSkipsBranch));
        let unequal =
            own.iter().zip(hashes).take(branches).enumerate().filter(|(_, (own, other))| own != other);
        let below: Vec<Place> = unequal.map(|(number, _)| place.child(number)).take(PLACES_MAX).collect();
        for place in below {
            if place.is_leaf() {
                self.list(from, place.index);
            } else {
                self.compare(from, place);
            }
        }
    }

    fn list(&mut self, peer: Node, leaf: u16) {
        let shared = self.state.shared(&self.ring, peer, leaf);
        let hashes = shared.map(|(key, cell)| (key.clone(), cell.hash())).collect();
        self.send(peer, Message::Leaf { leaf, hashes });
    }

    /// Gives what the other does not hold in the same version, and asks for what it holds in another.
    pub(super) fn on_leaf(&mut self, from: Node, leaf: u16, hashes: &[(Key, u64)]) {
        let theirs: std::collections::BTreeMap<&Key, u64> =
            hashes.iter().map(|(key, hash)| (key, *hash)).collect();
        let shared = self.state.shared(&self.ring, from, leaf);
        let cells: Vec<(Key, Cell)> = shared
            .filter(|(key, cell)| theirs.get(key) != Some(&cell.hash()))
            .map(|(key, cell)| (key.clone(), cell.clone()))
            .take(CELLS_MAX)
            .collect();
        let differs = |key: &Key, hash| self.state.get(key).is_none_or(|cell| cell.hash() != hash);
        let wanted = theirs.into_iter().filter(|(key, hash)| differs(key, *hash)).map(|(key, _)| key.clone());
        let wanted: Vec<Key> = wanted.take(CELLS_MAX).collect();
        self.send(from, Message::Exchange { cells, wanted });
    }

    pub(super) fn on_exchange(&mut self, from: Node, cells: Vec<(Key, Cell)>, wanted: &[Key]) {
        for (key, cell) in cells {
            self.take(key, cell);
        }
        let held = wanted.iter().filter_map(|key| Some((key.clone(), self.state.get(key)?.clone())));
        let cells: Vec<(Key, Cell)> = held.collect();
        if !cells.is_empty() {
            self.send(from, Message::Exchange { cells, wanted: Vec::new() });
        }
    }

    /// Keeps what nobody waits for.
    pub(super) fn take(&mut self, key: Key, cell: Cell) {
        if !self.state.covers(&key, &cell) {
            self.journal.push(Record::Cell { key, cell }, Then::Nothing);
        }
    }

    /// When trees are to be compared next.
    pub(super) fn compares_at(&self) -> Option<Nanos> {
        self.options.timing.anti_entropy.map(|_| self.compare_at)
    }
}
