//! Nodes that were written for Maelstrom: messages on standard streams, and the harness is their network.

mod cluster;
mod dialect;
mod message;
mod network;
mod node;
mod router;
mod services;

use nemesis::Layout;

use super::file::plain;
use crate::Mode;

pub(crate) use cluster::{MaelstromCluster, POWERS};
pub(crate) use dialect::Dialect;

/// A mode for each of Maelstrom's workloads.
pub(crate) fn modes(layout: Layout) -> Vec<Mode> {
    let mode = |dialect: Dialect| Mode {
        about: dialect.about().to_owned(),
        promise: dialect.promise(),
        // Messages that are lost, doubled and late are what these nodes are written for; what a kill takes is lost.
        survives: vec!["network", "pause"],
        one_object: dialect.has_one_object(),
        purpose: dialect.purpose(),
        ..plain(dialect.name(), layout, false)
    };
    Dialect::ALL.into_iter().map(mode).collect()
}
