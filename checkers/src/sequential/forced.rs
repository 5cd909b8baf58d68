//! Edges that hold in every legal order, to a fixed point; a cycle of them means that there is none.
//!
//! It never tries anything: where it finds no cycle, nothing is decided.
//!
//! Between a write `w` and a read `r` of it no other write `v` of the key stands, hence
//!
//! - if `v` comes before `r` it comes before `w`;
//! - if `v` comes after `w` it comes after `r`.
//!
//! Causal convergence and causal memory ask for less than this fixed point, so what violates them is found here.

use super::clocks::Clocks;
use super::problem::Problem;
use crate::core::registers::NONE;
use crate::{Budget, Exhausted};

/// An edge with what it follows from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) from: u32,
    pub(super) to: u32,
    /// From 0; what an edge follows from was there in earlier rounds.
    pub(super) round: u32,
    /// Ends of a path that it follows from, along with one read; none where it is plain.
    pub(super) because: Option<(u32, u32)>,
}

#[derive(Debug)]
pub(super) enum Saturated {
    /// All edges, and the nodes that lie on cycles or between them or after.
    Cyclic(Vec<Edge>, Vec<u32>),
    /// The edges beyond the problem's own.
    Acyclic(Vec<(u32, u32)>),
}

/// Writes of one key in one chain, in its order.
struct Group {
    chain: u32,
    writes: Vec<u32>,
}

pub(super) fn saturate(problem: &Problem, budget: &Budget) -> Result<Saturated, Exhausted> {
    let groups = groups(problem);
    let plain = |&(from, to): &(u32, u32)| Edge { from, to, round: 0, because: None };
    let mut edges: Vec<Edge> = problem.edges.iter().map(plain).collect();
    edges.extend(initial_reads(problem, &groups));
    for round in 1.. {
        budget.check()?;
        let pairs: Vec<(u32, u32)> = edges.iter().map(|edge| (edge.from, edge.to)).collect();
        let clocks = match Clocks::of(problem, &pairs) {
            Ok(clocks) => clocks,
            Err(left) => return Ok(Saturated::Cyclic(edges, left)),
        };
        let mut new = follow(problem, &groups, &clocks, round);
        if new.is_empty() {
            return Ok(Saturated::Acyclic(pairs[problem.edges.len()..].to_vec()));
        }
        new.sort_unstable_by_key(|edge| (edge.from, edge.to));
        new.dedup_by_key(|edge| (edge.from, edge.to));
        edges.append(&mut new);
    }
    Err(Exhausted)
}

/// By key.
fn groups(problem: &Problem) -> Vec<Vec<Group>> {
    let mut groups: Vec<Vec<Group>> = (0..problem.keys).map(|_| Vec::new()).collect();
    for (chain, nodes) in (0..).zip(&problem.chains) {
        for &node in nodes.iter().filter(|&&node| problem.writes(node)) {
            let of_key = &mut groups[problem.key[node as usize] as usize];
            match of_key.last_mut().filter(|group| group.chain == chain) {
                Some(group) => group.writes.push(node),
                None => of_key.push(Group { chain, writes: vec![node] }),
            }
        }
    }
    groups
}

/// A read of what was there at first comes before every write.
fn initial_reads<'p>(problem: &'p Problem, groups: &'p [Vec<Group>]) -> impl Iterator<Item = Edge> + 'p {
    let is_initial =
        |node: &u32| problem.source[*node as usize] == problem.initial(problem.key[*node as usize]);
    (0..problem.count()).filter(is_initial).flat_map(|from| {
        let firsts = groups[problem.key[from as usize] as usize].iter().map(|group| group.writes[0]);
        firsts.filter(move |&to| to != from).map(move |to| Edge { from, to, round: 0, because: None })
    })
}

/// What follows now from each read and each chain that writes its key: from the last write before the read, and from
/// the first after the write that it read. The others follow by the chain's order.
fn follow(problem: &Problem, groups: &[Vec<Group>], clocks: &Clocks, round: u32) -> Vec<Edge> {
    let mut new = Vec::new();
    for read in 0..problem.count() {
        let write = problem.source[read as usize];
        if write == NONE || write >= problem.count() {
            continue;
        }
        for group in &groups[problem.key[read as usize] as usize] {
            let seen = clocks.before(read, group.chain);
            let before = group.writes.partition_point(|&other| problem.place[other as usize] < seen);
            if let Some(&other) = group.writes[..before].last()
                && other != write
                && !clocks.precedes(problem, other, write)
            {
                new.push(Edge { from: other, to: write, round, because: Some((other, read)) });
            }
            let after = group.writes.partition_point(|&other| !clocks.precedes(problem, write, other));
            if let Some(&other) = group.writes.get(after)
                && other != read
                && !clocks.precedes(problem, read, other)
            {
                new.push(Edge { from: read, to: other, round, because: Some((write, other)) });
            }
        }
    }
    new
}
