//! Versions of a key: which of two comes last. They know nothing of who holds them.

use histories::{Node, Value};
use serde::{Deserialize, Serialize};

use super::hash::Hash;
use crate::store::siblings::Siblings;
use crate::store::{Version, VersionVector};

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

/// What a member holds of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// Its last version; null where the key was deleted: the version has to stay, or an older one would come back.
    Last { stamp: Stamp, value: Value },
    /// Its concurrent versions (`versions=vector`), with a vector of all that ever were.
    Siblings(Siblings<Value>),
}

impl Cell {
    /// Takes over what `other` has and this lacks.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.covers(other) {
            return;
        }
        match (&mut *self, other) {
            (Self::Siblings(own), Self::Siblings(others)) => own.merge(others),
            _ => self.clone_from(other),
        }
    }

    /// Nothing of `other` is missing here.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Last { stamp, .. }, Self::Last { stamp: other, .. }) => stamp >= other,
            // Whoever knows of a version knows what it replaced.
            (Self::Siblings(own), Self::Siblings(other)) => own.context().covers(other.context()),
            // All members keep versions in the same way.
            (Self::Siblings(_), Self::Last { .. }) => true,
            (Self::Last { .. }, Self::Siblings(_)) => false,
        }
    }

    /// The same for equal versions, and for no others that anyone will ever meet.
    pub(super) fn hash(&self) -> u64 {
        match self {
            Self::Last { stamp: Stamp { counter, node, life, number }, .. } => {
                Hash::default().number(*counter).number(u64::from(node.0)).number(*life).number(*number)
            }
            Self::Siblings(siblings) => {
                let counted = siblings.context().iter();
                counted.fold(Hash::default(), |hash, (node, count)| hash.number(node.0.into()).number(count))
            }
        }
        .finish()
    }

    /// Of the last version, where there is one.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::Last { stamp, .. } => Some(*stamp),
            Self::Siblings(_) => None,
        }
    }

    /// Counts upwards from version to version, as far as they are ordered.
    pub(super) fn version(&self) -> u64 {
        match self {
            Self::Last { stamp, .. } => stamp.counter,
            Self::Siblings(siblings) => siblings.context().iter().map(|(_, count)| count).sum(),
        }
    }

    /// What a reader sees.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Last { value, .. } => value.clone(),
            Self::Siblings(siblings) => Value::list(siblings.versions().map(|(_, value)| value.clone())),
        }
    }

    /// What a write has to quote to replace what a reader sees.
    pub(super) fn context(&self) -> Option<&VersionVector> {
        match self {
            Self::Last { .. } => None,
            Self::Siblings(siblings) => Some(siblings.context()),
        }
    }
}
