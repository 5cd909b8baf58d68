//! What a fault may know when it takes aim.

use std::collections::BTreeSet;

use histories::{Nanos, Node};

use crate::Layout;

/// The system as the nemesis sees it, outside of any partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub now: Nanos,
    pub nodes: Vec<Node>,
    pub layout: Layout,
    /// Who says that it leads, with its term, by rising term: more than one while a deposed leader has not noticed.
    pub leaders: Vec<(u64, Node)>,
    /// Nodes that a fault in force keeps dead or stopped. [`crate::Schedule`] fills it in.
    pub down: BTreeSet<Node>,
    /// Since when no fault is in force, `None` while one is. [`crate::Schedule`] fills it in.
    pub calm_since: Option<Nanos>,
}

impl View {
    /// What is seen of a cluster, before the schedule adds what it did to them.
    pub fn new(now: Nanos, layout: Layout, leaders: Vec<(u64, Node)>) -> Self {
        Self {
            now,
            nodes: layout.nodes().collect(),
            layout,
            leaders,
            down: BTreeSet::new(),
            calm_since: None,
        }
    }

    /// The leader of the highest term among the nodes that are up.
    pub fn leader(&self) -> Option<Node> {
        self.leaders.iter().rev().map(|&(_, node)| node).find(|node| !self.down.contains(node))
    }

    /// The fewest nodes that are a majority.
    pub fn majority(&self) -> usize {
        self.nodes.len() / 2 + 1
    }
}
