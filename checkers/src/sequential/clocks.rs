//! For each node how much of each chain comes before it, along edges that hold in every legal order.
//!
//! It never adds an edge.

use super::problem::Problem;
use crate::graph::Rows;

/// Row by row, for each node and chain how many of the chain's nodes come before.
#[derive(Debug)]
pub(super) struct Clocks {
    chains: usize,
    rows: Vec<u32>,
}

impl Clocks {
    /// In bytes.
    pub(super) fn size(problem: &Problem) -> usize {
        problem.acts.len().saturating_mul(problem.chains.len()).saturating_mul(size_of::<u32>())
    }

    /// The nodes that lie on cycles or after them, where there are any.
    pub(super) fn of(problem: &Problem, edges: &[(u32, u32)]) -> Result<Self, Vec<u32>> {
        let count = problem.acts.len();
        let successors = Rows::of(count, edges.iter().copied());
        let mut waits = vec![0_u32; count];
        for &(_, to) in edges {
            waits[to as usize] += 1;
        }
        let chains = problem.chains.len();
        let mut clocks = Self { chains, rows: vec![0; count * chains] };
        let mut work: Vec<u32> = (0..problem.count()).filter(|&node| waits[node as usize] == 0).collect();
        let mut own = vec![0; chains];
        while let Some(node) = work.pop() {
            own.copy_from_slice(clocks.row(node));
            let chain = problem.chain[node as usize] as usize;
            own[chain] = own[chain].max(problem.place[node as usize] + 1);
            for &next in successors.row(node) {
                let row = &mut clocks.rows[next as usize * chains..][..chains];
                row.iter_mut().zip(&own).for_each(|(seen, &new)| *seen = (*seen).max(new));
                waits[next as usize] -= 1;
                if waits[next as usize] == 0 {
                    work.push(next);
                }
            }
        }
        let left: Vec<u32> = (0..problem.count()).filter(|&node| waits[node as usize] > 0).collect();
        if left.is_empty() { Ok(clocks) } else { Err(left) }
    }

    fn row(&self, node: u32) -> &[u32] {
        &self.rows[node as usize * self.chains..][..self.chains]
    }

    /// How many nodes of a chain come before `node`.
    pub(super) fn before(&self, node: u32, chain: u32) -> u32 {
        self.rows[node as usize * self.chains + chain as usize]
    }

    pub(super) fn precedes(&self, problem: &Problem, a: u32, b: u32) -> bool {
        self.before(b, problem.chain[a as usize]) > problem.place[a as usize]
    }
}
