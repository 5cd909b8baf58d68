//! The reference store live: every node an operating-system process, every link through a proxy.
//!
//! Nothing here decides anything of the protocol: replicas are handed inputs, and their outputs are carried.

mod actor;
mod arguments;
mod client;
mod clock;
mod cluster;
mod control;
mod disk;
mod http;
mod member;
mod node;
mod peer;
mod server;
mod status;
mod wire;

pub use arguments::NodeArguments;
pub use cluster::StoreSystem;
pub use disk::DiskError;
pub use node::{NodeError, run, run_blocking};
