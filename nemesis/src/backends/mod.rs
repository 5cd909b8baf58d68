//! Means to carry faults out. No backend decides what is to be broken, or when.

mod breaks;
mod dialers;
pub mod faketime;
mod gate;
mod grip;
pub mod leftovers;
mod listener;
pub mod namespaces;
mod pace;
pub mod probe;
mod process;
mod proxy;
mod pump;
mod report;
mod segments;
mod spawner;
mod tree;
pub mod watchdog;

pub use process::{NodeProcess, ProcessError, ProcessSpec};
pub use proxy::{PeerUse, PortUse, Proxies, Wiring};
pub use report::{Counts, LinkReport};
