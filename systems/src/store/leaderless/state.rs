//! What is on this member's disk: the cells that it holds, and trees to compare them with other members'.
//!
//! Never holds anything that a crash could take away.

use std::collections::BTreeMap;

use histories::{Key, Node};

use super::merkle::{Tree, leaf};
use super::ring::Ring;
use super::version::{Cell, Stamp};
use crate::store::DumpEntry;

#[derive(Debug)]
pub(super) struct State {
    me: Node,
    /// Planted: what comes last is kept, whatever its version.
    blind: bool,
    /// By leaf, so that a leaf is read without searching for it.
    cells: BTreeMap<(u16, Key), Cell>,
    /// For each other member, over the keys that both hold.
    trees: BTreeMap<Node, Tree>,
}

impl State {
    pub(super) fn new(me: Node, blind: bool) -> Self {
        Self { me, blind, cells: BTreeMap::new(), trees: BTreeMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Cell> {
        self.cells.get(&(leaf(key.as_str()), key.clone()))
    }

    pub(super) fn covers(&self, key: &Key, cell: &Cell) -> bool {
        !self.blind && self.get(key).is_some_and(|held| held.covers(cell))
    }

    /// Says which version it holds now, where that is another one than before.
    pub(super) fn merge(&mut self, ring: &Ring, key: &Key, cell: &Cell) -> Option<Stamp> {
        let leaf = leaf(key.as_str());
        let (old, new, stamp) = match self.cells.entry((leaf, key.clone())) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                let held = vacant.insert(cell.clone());
                (0, held.hash(), held.stamp())
            }
            std::collections::btree_map::Entry::Occupied(mut held) => {
                let held = held.get_mut();
                let old = held.hash();
                if self.blind {
                    held.clone_from(cell);
                }
                held.merge(cell);
                (old, held.hash(), held.stamp())
            }
        };
        if old == new {
            return None;
        }
        let homes = ring.homes(key);
        if homes.contains(&self.me) {
            for &home in homes.iter().filter(|home| **home != self.me) {
                self.trees.entry(home).or_default().replace(leaf, old, new);
            }
        }
        stamp
    }

    /// Over the keys that `peer` holds, too.
    pub(super) fn tree(&mut self, peer: Node) -> &Tree {
        self.trees.entry(peer).or_default()
    }

    /// The cells of a leaf that `peer` holds, too.
    pub(super) fn shared(&self, ring: &Ring, peer: Node, leaf: u16) -> impl Iterator<Item = (&Key, &Cell)> {
        let range = (leaf, Key::from(""))..;
        self.cells
            .range(range)
            .take_while(move |((at, _), _)| *at == leaf)
            .map(|((_, key), cell)| (key, cell))
            .filter(move |(key, _)| self.is_shared(ring, peer, key))
    }

    pub(super) fn is_shared(&self, ring: &Ring, peer: Node, key: &Key) -> bool {
        let homes = ring.homes(key);
        homes.contains(&self.me) && homes.contains(&peer)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Cell)> {
        self.cells.iter().map(|((_, key), cell)| (key, cell))
    }

    /// The keys that this member is to hold: of others it has at most what it made of them.
    pub(super) fn dump(&self, ring: &Ring) -> BTreeMap<Key, DumpEntry> {
        let entry = |cell: &Cell| DumpEntry { value: cell.value(), version: cell.version() };
        self.iter()
            .filter(|(key, _)| ring.homes(key).contains(&self.me))
            .map(|(key, cell)| (key.clone(), entry(cell)))
            .collect()
    }
}
