//! Means to carry faults out. No backend decides what is to be broken, or when.

mod dialers;
mod gate;
mod listener;
mod process;
mod proxy;
mod pump;
mod spawner;
mod tree;

pub use process::{NodeProcess, ProcessError, ProcessSpec};
pub use proxy::{LinkReport, PeerUse, PortUse, Proxies, Wiring};
