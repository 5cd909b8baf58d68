//! The reference store: sans-IO replicas, one protocol a folder.
//!
//! Nothing here reads a clock, opens a socket or touches a disk: see [`Replica`].

mod replica;

pub use replica::{
    Command, DumpEntry, Input, Now, Outbox, Persist, ReadLevel, Replica, ReplicaStatus, Request, RequestId,
    Response, Role,
};
