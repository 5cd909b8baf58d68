//! The reference store live: every node an operating-system process, every link through a proxy.
//!
//! Nothing here decides anything of the protocol: replicas are handed inputs, and their outputs are carried.

mod actor;
mod arguments;
mod client;
mod clock;
mod disk;
mod metrics;
mod node;
mod peer;
mod server;
mod system;
mod token;
mod wire;

pub use arguments::NodeArguments;
pub use disk::DiskError;
pub use node::{NodeError, run_blocking};
pub use system::StoreSystem;
