//! Nodes in network namespaces of their own, joined by a router that drops and rejects what faults say. Needs Linux, and no
//! root: the whole harness runs in user, network, mount and process namespaces, which vanish with it.

mod enter;
mod network;
mod rules;
mod tool;

pub use enter::{Missing, entering, probe};
pub use network::{Network, PacketReport};

#[cfg(test)]
mod tests;
