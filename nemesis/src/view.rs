//! What a fault may know when it takes aim.

use std::collections::BTreeSet;

use histories::{Function, Nanos, Node};

use crate::Layout;

/// The system as the nemesis sees it, outside of any partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub now: Nanos,
    pub nodes: Vec<Node>,
    pub layout: Layout,
    /// Who says that it leads, with its term, by rising term: more than one while a deposed leader has not noticed.
    pub leaders: Vec<(u64, Node)>,
    /// Pairs of datacentres that exchange changes; every two of them where none is told.
    pub links: Vec<(u16, u16)>,
    /// The datacentre that is home to most keys, where keys have homes.
    pub home: Option<u16>,
    /// Updates that have been acknowledged so far.
    pub acks: u64,
    /// The kinds of the operations that are under way.
    pub in_flight: Vec<Function>,
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
            links: Vec::new(),
            home: None,
            acks: 0,
            in_flight: Vec::new(),
            down: BTreeSet::new(),
            calm_since: None,
        }
    }

    /// Of each datacentre that has one, the leader of the highest term among its nodes that are up.
    pub fn leads(&self) -> impl Iterator<Item = Node> {
        self.layout.sites().filter_map(|site| self.leader_of(site))
    }

    /// The leader of the highest term among the nodes of a datacentre that are up.
    pub fn leader_of(&self, datacentre: u16) -> Option<Node> {
        let here = |node: &Node| self.layout.datacentre(*node) == datacentre && !self.down.contains(node);
        self.leaders.iter().rev().map(|&(_, node)| node).find(here)
    }

    /// The pairs of datacentres that exchange changes.
    pub fn flows(&self) -> Vec<(u16, u16)> {
        if !self.links.is_empty() {
            return self.links.clone();
        }
        let pairs = |one: u16| (one + 1..self.layout.datacentres).map(move |other| (one, other));
        self.layout.sites().flat_map(pairs).collect()
    }

    /// The fewest nodes that are a majority.
    pub fn majority(&self) -> usize {
        self.nodes.len() / 2 + 1
    }
}
