//! What members say to each other, and what they write to disk.
//!
//! Only shapes: what a message means is decided where it is handled.

use histories::{Key, Node};
use serde::{Deserialize, Serialize};

use super::merkle::Place;
use super::version::Cell;

/// Names an operation of a coordinator. No two processes of a member share a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OperationId {
    pub life: u64,
    pub number: u64,
}

/// Who holds a key is never in doubt: all members know the same ring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// What do you hold of this key?
    Get { id: OperationId, key: Key },
    /// What is on the sender's disk.
    Got { id: OperationId, cell: Option<Cell> },
    /// Keep this, for yourself or for whom you stand in for.
    Put {
        id: OperationId,
        key: Key,
        cell: Cell,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stand_in: Option<Node>,
    },
    /// It is on the sender's disk.
    Stored { id: OperationId },
    /// The sender has seen that this is missing; nobody waits for it.
    Repair { key: Key, cell: Cell },
    /// What was kept for the receiver while it did not answer.
    HandOver { id: OperationId, cells: Vec<(Key, Cell)> },
    /// It is on the sender's disk.
    TakenOver { id: OperationId },
    /// What the sender's tree holds right below `place`.
    Compare { place: Place, hashes: Vec<u64> },
    /// What the sender holds in a leaf in which the two differ.
    Leaf { leaf: u16, hashes: Vec<(Key, u64)> },
    /// What the receiver lacks, and what the sender wants to see of what the receiver holds.
    Exchange { cells: Vec<(Key, Cell)>, wanted: Vec<Key> },
}

/// What a member writes to disk. Each may be applied twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// The number of a process of this member; the highest counts.
    Life(u64),
    Cell {
        key: Key,
        cell: Cell,
    },
    /// Kept for another member.
    Hint {
        node: Node,
        key: Key,
        cell: Cell,
    },
    /// Handed over: the hint is dropped unless it has changed since.
    Handed {
        node: Node,
        key: Key,
        hash: u64,
    },
}
