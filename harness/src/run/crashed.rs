//! Nodes that ended although no fault explains it.

use histories::Nanos;
use systems::Crash;

/// The nodes that ended, and the last moment at which all of them were known to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crashed {
    pub nodes: Vec<Crash>,
    pub alive_until: Nanos,
}

impl Crashed {
    /// What is the matter, with the end of each node's log.
    pub(crate) fn told(&self) -> String {
        self.nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    /// `n1 and n2`.
    pub(crate) fn names(&self) -> String {
        self.nodes.iter().map(|crash| crash.node.to_string()).collect::<Vec<_>>().join(" and ")
    }
}
