//! A short cycle among forced edges, with all that its edges follow from.
//!
//! It never decides whether there is one.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::forced::Edge;
use super::problem::Problem;
use crate::graph::Rows;

/// From how many nodes a shorter cycle is sought.
const STARTS_MAX: usize = 64;

/// The nodes of a short cycle and of everything that its edges follow from, sorted. `left` holds all nodes that lie
/// on cycles, between them or after.
pub(super) fn support(problem: &Problem, edges: &[Edge], left: &[u32]) -> Vec<u32> {
    let rows =
        Rows::of(problem.acts.len(), (0..edges.len() as u32).zip(edges).map(|(i, edge)| (edge.from, i)));
    let graph = Graph { problem, edges, rows };
    let core = graph.core(left);
    let sampled = core.iter().step_by(core.len().div_ceil(STARTS_MAX).max(1));
    // What only lies between cycles is on none: the sample may miss, the whole cannot.
    let shortest = sampled.filter_map(|&node| graph.around(node)).min_by_key(Vec::len);
    let cycle = shortest.or_else(|| core.iter().find_map(|&node| graph.around(node)));
    graph.with_reasons(cycle.unwrap_or_default())
}

struct Graph<'a> {
    problem: &'a Problem,
    edges: &'a [Edge],
    /// By node, the edges from it.
    rows: Rows,
}

impl Graph<'_> {
    /// What is left of the nodes once those without a successor among them are taken away over and over.
    fn core(&self, left: &[u32]) -> Vec<u32> {
        let mut successors = vec![0_u32; self.problem.acts.len()];
        let mut inside = vec![false; self.problem.acts.len()];
        for &node in left {
            inside[node as usize] = true;
        }
        let within: Vec<(u32, u32)> = self
            .edges
            .iter()
            .map(|edge| (edge.to, edge.from))
            .filter(|&(to, from)| inside[to as usize] && inside[from as usize])
            .collect();
        for &(_, from) in &within {
            successors[from as usize] += 1;
        }
        let predecessors = Rows::of(inside.len(), within.iter().copied());
        let mut work: Vec<u32> =
            left.iter().copied().filter(|&node| successors[node as usize] == 0).collect();
        while let Some(node) = work.pop() {
            inside[node as usize] = false;
            for &before in predecessors.row(node) {
                successors[before as usize] -= 1;
                if successors[before as usize] == 0 {
                    work.push(before);
                }
            }
        }
        left.iter().copied().filter(|&node| inside[node as usize]).collect()
    }

    fn around(&self, node: u32) -> Option<Vec<u32>> {
        self.path(node, node, u32::MAX)
    }

    /// The edges of a path, at least one, that were there before `round`. A run along a session counts as one.
    fn path(&self, from: u32, to: u32, round: u32) -> Option<Vec<u32>> {
        let mut came: FxHashMap<(u32, bool), u32> = FxHashMap::default();
        let mut work: VecDeque<(u32, bool)> = [(from, false)].into();
        while let Some((node, runs)) = work.pop_front() {
            for &index in self.rows.row(node) {
                let edge = self.edges[index as usize];
                let state = (edge.to, self.is_session(&edge));
                if edge.round >= round || came.contains_key(&state) {
                    continue;
                }
                came.insert(state, index << 1 | u32::from(runs));
                if edge.to == to {
                    return Some(self.back(&came, from, state));
                }
                if runs && state.1 { work.push_front(state) } else { work.push_back(state) }
            }
        }
        None
    }

    fn back(&self, came: &FxHashMap<(u32, bool), u32>, from: u32, mut state: (u32, bool)) -> Vec<u32> {
        let mut path = Vec::new();
        while let Some(&packed) = came.get(&state) {
            let index = packed >> 1;
            path.push(index);
            let before = self.edges[index as usize].from;
            if before == from && packed & 1 == 0 {
                break;
            }
            state = (before, packed & 1 == 1);
        }
        path.reverse();
        path
    }

    fn is_session(&self, edge: &Edge) -> bool {
        let (from, to) = (self.problem.acts[edge.from as usize], self.problem.acts[edge.to as usize]);
        edge.round == 0 && edge.from < edge.to && from.process == to.process && from.acknowledged
    }

    /// The nodes of a path but those inside a run along a session, and all that its edges follow from.
    fn with_reasons(&self, path: Vec<u32>) -> Vec<u32> {
        let mut nodes = Vec::new();
        let mut explained = vec![false; self.edges.len()];
        let mut work = vec![path];
        while let Some(path) = work.pop() {
            for (i, &index) in path.iter().enumerate() {
                let edge = self.edges[index as usize];
                let follows = i > 0 && self.is_session(&self.edges[path[i - 1] as usize]);
                if !(follows && self.is_session(&edge)) {
                    nodes.push(edge.from);
                }
                nodes.extend((i + 1 == path.len()).then_some(edge.to));
                if !std::mem::replace(&mut explained[index as usize], true)
                    && let Some((from, to)) = edge.because
                {
                    nodes.extend([edge.from, edge.to, from, to]);
                    work.extend(self.path(from, to, edge.round));
                }
            }
        }
        closed(self.problem, nodes)
    }
}

/// The nodes, and the writers of all that they read; sorted.
pub(super) fn closed(problem: &Problem, mut nodes: Vec<u32>) -> Vec<u32> {
    let mut inside = vec![false; problem.acts.len()];
    let mut work = std::mem::take(&mut nodes);
    while let Some(node) = work.pop() {
        if !std::mem::replace(&mut inside[node as usize], true) {
            nodes.push(node);
            work.extend(Some(problem.source[node as usize]).filter(|&source| source < problem.count()));
        }
    }
    nodes.sort_unstable();
    nodes
}
