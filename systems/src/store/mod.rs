//! The reference store: sans-IO replicas, one protocol a folder.
//!
//! Nothing here reads a clock, opens a socket or touches a disk: see [`Replica`].

mod bugs;
mod clock;
pub mod codec;
pub mod family;
mod few;
mod keyed;
pub mod leaderless;
pub mod multi;
mod protocol;
mod replica;
#[cfg(test)]
mod script;
mod siblings;
pub mod single;
pub mod status;
pub(crate) mod steps;
mod stores;
mod traps;
mod vector;
pub mod wal;
pub(crate) mod words;

pub use bugs::Bug;
pub use clock::{HybridClock, HybridTime, Stamp};
pub use protocol::{Invariants, Leadership, Member, Memory, Protocol, Sync};
pub use replica::{
    Command, Commit, DumpEntry, EntryMark, Input, LogView, Now, Outbox, Persist, ReadLevel, RegisterStep,
    Replica, ReplicaStatus, Request, RequestId, Response, Role, Step, Version,
};
pub use siblings::{Dot, Siblings};
pub use stores::{Store, Visit, mode, modes};
pub(crate) use traps::TRAPS;
pub use vector::VersionVector;
pub(crate) use words::nearest;
