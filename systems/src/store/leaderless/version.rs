//! Versions of a key: which of two comes last. They know nothing of who holds them.

use histories::{Node, Value};
use serde::{Deserialize, Serialize};

use super::hash::Hash;
use crate::store::Version;

/// Orders all writes of a key; no two writes ever have the same.
///
/// Under `versions=tag` the counter is one more than the highest that a quorum had (Lynch and Shvartsman, "Robust
/// emulation of shared memory using dynamic quorum-acknowledged broadcasts", FTCS 1997); under `versions=timestamp` it is
/// the coordinator's wall clock in nanoseconds. A crash forgets which counters were given out, so the life that gave
/// it out is part of the order: lives are numbered on disk before they write anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    pub counter: u64,
    pub node: Node,
    pub life: u64,
    /// Of the write, within its life.
    pub number: u64,
}

impl From<Stamp> for Version {
    fn from(stamp: Stamp) -> Self {
        let Stamp { counter, node, life, number } = stamp;
        Self([counter, u64::from(node.0), life, number])
    }
}

/// What a member holds of a key: its last version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    pub stamp: Stamp,
    /// Null where the key was deleted: the version has to stay, or an older one would come back.
    pub value: Value,
}

impl Cell {
    /// Takes over what `other` has and this lacks.
    pub(super) fn merge(&mut self, other: &Self) {
        if !self.covers(other) {
            self.clone_from(other);
        }
    }

    /// Nothing of `other` is missing here.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.stamp >= other.stamp
    }

    /// The same for equal versions, and for no others that anyone will ever meet.
    pub(super) fn hash(&self) -> u64 {
        let Stamp { counter, node, life, number } = self.stamp;
        Hash::default().number(counter).number(u64::from(node.0)).number(life).number(number).finish()
    }

    pub(super) fn version(&self) -> u64 {
        self.stamp.counter
    }
}
