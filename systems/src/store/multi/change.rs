//! What datacentres ship to each other, and what a group's log carries. Only shapes.

use std::sync::Arc;

use histories::{Key, Nanos, Node, Value};
use serde::{Deserialize, Serialize};

use super::transfer::Holding;
use crate::store::clock::{HybridTime, Stamp};
use crate::store::siblings::Dot;
use crate::store::single::{Change as Decided, Data};
use crate::store::{Command, VersionVector};

/// A change that a datacentre made. An origin is named by its datacentre's first node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Change {
    pub origin: Node,
    /// Counts the origin's changes, from 1.
    pub sequence: u64,
    pub time: HybridTime,
    /// What the origin had applied of others before (`delivery=causal`); of its own changes all that came before.
    pub after: VersionVector,
    pub key: Key,
    pub effect: Effect,
}

impl Change {
    pub(super) fn stamp(&self) -> Stamp {
        Stamp { time: self.time, origin: self.origin, sequence: self.sequence }
    }

    pub(super) fn dot(&self) -> Dot {
        Dot { node: self.origin, count: self.sequence }
    }
}

/// What a change does to its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// As the key's home decided.
    Decided(Box<Decided>),
    /// The whole of what the key holds, unless something later is there.
    Last(Data),
    /// A version that replaces what it quotes.
    Version { data: Option<Data>, quoted: VersionVector },
    /// To a counter, or to an item of a cart.
    Counted { item: Option<Box<str>>, by: i64 },
    /// To a list, in the order of stamps.
    Appended(Value),
    /// To a set: this addition, which no removal that does not name it undoes.
    Added(Value),
    /// These additions are undone.
    Removed { value: Value, added: Box<[Dot]> },
}

/// With its counts a change in an [`Arc`] is small enough for what allocators are quick with.
const _: () = assert!(size_of::<Change>() <= 104);

/// What an entry of a group's log carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// A client's write with the versions that it replaces, taken by the leader at this wall time.
    Local { command: Command, quoted: VersionVector, wall: Nanos },
    /// Changes of other datacentres.
    Remote(Vec<Arc<Change>>),
    /// What other datacentres have, each named by its first node: changes that all have need not be kept.
    Known(Vec<(Node, VersionVector)>),
    /// All that another datacentre holds, which forgot changes that this one lacks.
    Holding(Box<Holding>),
}
