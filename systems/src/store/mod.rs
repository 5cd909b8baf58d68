//! The reference store: sans-IO replicas, one protocol a folder.
//!
//! Nothing here reads a clock, opens a socket or touches a disk: see [`Replica`].

pub mod codec;
mod options;
mod presets;
mod replica;
pub mod single;
#[cfg(test)]
mod tests;
pub mod wal;
mod words;

pub use options::{Ack, Fencing, Format, Options, Promotion, Read, Sync, Timing};
pub use presets::{mode, modes};
pub use replica::{
    Command, DumpEntry, Input, Now, Outbox, Persist, ReadLevel, Replica, ReplicaStatus, Request, RequestId,
    Response, Role,
};
