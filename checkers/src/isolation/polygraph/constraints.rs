//! The graph of what is known to precede what, and how it grows.

use super::super::dependencies::Dependencies;
use super::layout::Layout;
use crate::graph::{NONE, Rows, short_cycle, shortest_path, topological};

/// An edge that was inferred: the other order would have closed a cycle through a path from one node to another, over
/// edges that were there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Because {
    pub(super) from: u32,
    pub(super) to: u32,
    /// How many edges there were when it was inferred.
    pub(super) edges: u32,
}

/// A directed graph over the nodes of a [`Layout`] and helpers.
#[derive(Debug)]
pub(super) struct Constraints {
    pub(super) layout: Layout,
    pub(super) nodes: u32,
    pub(super) edges: Vec<(u32, u32)>,
    /// Of the edges behind the known ones, why they were inferred.
    pub(super) because: Vec<Because>,
    pub(super) successors: Rows,
    pub(super) predecessors: Rows,
}

impl Constraints {
    pub(super) fn of(dependencies: &Dependencies, layout: Layout) -> Self {
        let helpers = dependencies.nodes - layout.transactions;
        let mut edges = Vec::with_capacity(dependencies.edges.len());
        if layout.split {
            edges.extend((0..layout.transactions).map(|t| (layout.start(t), layout.commit(t))));
        }
        edges.extend(
            dependencies
                .edges
                .iter()
                .map(|edge| (layout.from(edge.from, edge.kind), layout.to(edge.to, edge.kind))),
        );
        let nodes = layout.own_nodes() + helpers;
        let mut graph = Self {
            layout,
            nodes,
            edges,
            because: Vec::new(),
            successors: Rows::default(),
            predecessors: Rows::default(),
        };
        graph.index();
        graph
    }

    /// Takes the edges that have been added into account.
    pub(super) fn index(&mut self) {
        let nodes = self.nodes as usize;
        self.successors = Rows::of(nodes, self.edges.iter().copied());
        self.predecessors = Rows::of(nodes, self.edges.iter().map(|&(from, to)| (to, from)));
    }

    pub(super) fn topological(&self) -> Option<Vec<u32>> {
        topological(&self.successors)
    }

    /// The transactions of a short cycle and of the reasons for its inferred edges, in ascending order.
    pub(super) fn cycle(&self) -> Vec<u32> {
        short_cycle(&self.successors, &self.predecessors).map_or_else(Vec::new, |path| self.support(path))
    }

    /// The transactions on a path and on the paths that its inferred edges rest on.
    fn support(&self, path: Vec<u32>) -> Vec<u32> {
        let known = self.edges.len() - self.because.len();
        let edges = 0..self.edges.len() as u32;
        let by_source = Rows::of(self.nodes as usize, edges.map(|edge| (self.edges[edge as usize].0, edge)));
        let mut explained = std::collections::BTreeSet::new();
        let mut on_paths: std::collections::BTreeSet<u32> = path.iter().copied().collect();
        let mut open = vec![(path, self.edges.len() as u32)];
        while let Some((path, limit)) = open.pop() {
            for pair in path.windows(2) {
                let leads_on = |edge: &&u32| **edge < limit && self.edges[**edge as usize].1 == pair[1];
                let Some(&edge) = by_source.row(pair[0]).iter().find(leads_on) else { continue };
                let Some(inferred) = (edge as usize).checked_sub(known) else { continue };
                if !explained.insert(edge) {
                    continue;
                }
                let Because { from, to, edges } = self.because[inferred];
                on_paths.extend([from, to]);
                if from == to {
                    continue;
                }
                let along = |at: u32| {
                    let edges_out = by_source.row(at).iter().copied().filter(move |&edge| edge < edges);
                    edges_out.map(|edge| self.edges[edge as usize].1)
                };
                if let Some(reason) = shortest_path(self.nodes as usize, from, to, along) {
                    on_paths.extend(reason.iter().copied());
                    open.push((reason, edges));
                }
            }
        }
        let transactions = on_paths.into_iter().filter_map(|node| self.layout.transaction(node));
        let mut transactions: Vec<u32> = transactions.map(|(t, _)| t).collect();
        transactions.dedup();
        transactions
    }

    /// Adds an edge that follows from a path.
    pub(super) fn infer(&mut self, from: u32, to: u32, because: Because) {
        debug_assert_ne!(because.from, NONE);
        self.edges.push((from, to));
        self.because.push(because);
    }
}
