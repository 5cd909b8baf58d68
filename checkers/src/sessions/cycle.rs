//! A short cycle of demands, or the certainty that there is none.
//!
//! It never knows what an edge means.

use std::collections::VecDeque;

use histories::OperationId;

use crate::core::registers::NONE;
use crate::graph::Rows;
use crate::{Budget, Exhausted};

use super::guarantees::{Demands, Edge};

/// From how many writes a shorter cycle is sought.
const STARTS_MAX: usize = 256;
/// How far from each of them, where one cycle is in hand.
const NODES_MAX: usize = 4096;

/// `from` is arbitrated before `to`, because a session did `first` and `then`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) first: OperationId,
    pub(super) then: OperationId,
}

/// `writes` is the number of nodes that are writes; the others only help.
pub(super) fn short(demands: &Demands, writes: u32, budget: &Budget) -> Result<Option<Vec<Hop>>, Exhausted> {
    let forward = by_end(demands, |edge| edge.from);
    let core = core(demands, &forward, budget)?;
    let Some(certain) = on_a_cycle(demands, &forward, &core, writes) else { return Ok(None) };
    let mut came: Vec<u32> = vec![NONE; demands.nodes as usize];
    let mut best = around(demands, &forward, &core, certain, &mut came, usize::MAX);
    let cost = |path: &Vec<Edge>| path.iter().filter(|edge| edge.to < writes).count();
    let starts = (0..writes).filter(|&node| core[node as usize]);
    for start in starts.take(STARTS_MAX) {
        budget.check()?;
        let found = around(demands, &forward, &core, start, &mut came, NODES_MAX);
        let old = best.as_ref().map_or(usize::MAX, cost);
        best = found.filter(|found| cost(found) < old).or(best);
        if old <= 2 {
            break;
        }
    }
    Ok(best.map(|edges| hops(&edges, writes)))
}

/// A write on a cycle, none iff there is no cycle: every node of the core has a successor there, so a walk comes
/// back to where it was, and helpers alone form no cycle.
fn on_a_cycle(demands: &Demands, forward: &Rows, core: &[bool], writes: u32) -> Option<u32> {
    let next = |node: u32| {
        let targets = forward.row(node).iter().map(|&edge| demands.edges[edge as usize].to);
        targets.into_iter().find(|&to| core[to as usize])
    };
    let mut node = (0..core.len() as u32).find(|&node| core[node as usize])?;
    let mut walked = vec![false; core.len()];
    while !std::mem::replace(&mut walked[node as usize], true) {
        node = next(node)?;
    }
    while node >= writes {
        node = next(node)?;
    }
    Some(node)
}

/// The places of the edges, by the node at one end.
fn by_end(demands: &Demands, end: impl Fn(&Edge) -> u32) -> Rows {
    let places = (0..demands.edges.len() as u32).zip(&demands.edges);
    Rows::of(demands.nodes as usize, places.map(|(place, edge)| (end(edge), place)))
}

/// The nodes that are left once those without a predecessor, and then those without a successor, are taken away
/// over and over: all cycles, and what lies between them.
fn core(demands: &Demands, forward: &Rows, budget: &Budget) -> Result<Vec<bool>, Exhausted> {
    let mut inside = vec![true; demands.nodes as usize];
    peel(demands, forward, &mut inside, |edge| edge.to);
    budget.check()?;
    if inside.iter().any(|&left| left) {
        let backward = by_end(demands, |edge| edge.to);
        peel(demands, &backward, &mut inside, |edge| edge.from);
    }
    budget.check()?;
    Ok(inside)
}

fn peel(demands: &Demands, adjacency: &Rows, inside: &mut [bool], far: impl Fn(&Edge) -> u32) {
    let mut degree = vec![0_u32; inside.len()];
    for node in (0..inside.len() as u32).filter(|&node| inside[node as usize]) {
        for &edge in adjacency.row(node) {
            degree[far(&demands.edges[edge as usize]) as usize] += 1;
        }
    }
    let mut work: Vec<u32> = (0..inside.len() as u32)
        .filter(|&node| inside[node as usize] && degree[node as usize] == 0)
        .collect();
    while let Some(node) = work.pop() {
        inside[node as usize] = false;
        for &edge in adjacency.row(node) {
            let next = far(&demands.edges[edge as usize]);
            degree[next as usize] -= 1;
            if degree[next as usize] == 0 && inside[next as usize] {
                work.push(next);
            }
        }
    }
}

/// The edges of a cycle through `start` with the fewest writes: steps between helpers cost nothing.
///
/// `came` says by which edge a node was reached; it is left as it was found, empty.
fn around(
    demands: &Demands,
    forward: &Rows,
    core: &[bool],
    start: u32,
    came: &mut [u32],
    nodes_max: usize,
) -> Option<Vec<Edge>> {
    let mut touched = Vec::new();
    let found = reach((demands, forward, core), start, came, &mut touched, nodes_max)
        .map(|last| trace(demands, came, start, last));
    for node in touched {
        came[node as usize] = NONE;
    }
    found
}

/// The edge that closes the cycle.
fn reach(
    (demands, forward, core): (&Demands, &Rows, &[bool]),
    start: u32,
    came: &mut [u32],
    touched: &mut Vec<u32>,
    nodes_max: usize,
) -> Option<u32> {
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front().filter(|_| touched.len() < nodes_max) {
        for &index in forward.row(node) {
            let edge = &demands.edges[index as usize];
            if edge.to == start {
                return Some(index);
            }
            if !core[edge.to as usize] || came[edge.to as usize] != NONE {
                continue;
            }
            came[edge.to as usize] = index;
            touched.push(edge.to);
            if edge.first == NONE && edge.then == NONE {
                queue.push_front(edge.to);
            } else {
                queue.push_back(edge.to);
            }
        }
    }
    None
}

fn trace(demands: &Demands, came: &[u32], start: u32, last: u32) -> Vec<Edge> {
    let mut edges = vec![demands.edges[last as usize]];
    let mut node = edges[0].from;
    while node != start {
        let edge = demands.edges[came[node as usize] as usize];
        edges.push(edge);
        node = edge.from;
    }
    edges.reverse();
    edges
}

/// Joins what lies between two writes to one hop.
fn hops(edges: &[Edge], writes: u32) -> Vec<Hop> {
    let mut hops = Vec::new();
    let (mut from, mut first) = (NONE, NONE);
    for edge in edges {
        if edge.from < writes {
            (from, first) = (edge.from, edge.first);
        }
        if edge.to < writes {
            let (first, then) = (OperationId(first), OperationId(edge.then));
            hops.push(Hop { from, to: edge.to, first, then });
        }
    }
    hops
}
