//! Orders of transactions: one that follows causality, and whether more edges leave any.
//!
//! It never explains a cycle; it says which transactions are on one or between two.

use super::columns::{Columns, NONE};
use crate::graph::{self, Rows};

/// An edge that was inferred: its ends, and the read it follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// Who read `key` from `to` though `from`, which wrote it too, comes before.
    pub(crate) reader: u32,
    pub(crate) key: u32,
}

/// An order of all transactions in which causes come first.
#[derive(Debug)]
pub(crate) enum Order {
    /// That of the columns.
    Completion,
    Sorted {
        sequence: Vec<u32>,
        position: Vec<u32>,
    },
}

impl Order {
    /// The transactions on or between cycles of session order and reads-from, where there are any.
    pub(crate) fn causal(columns: &Columns) -> Result<Self, Vec<bool>> {
        let forward =
            columns.ids().all(|t| columns.reads(t).iter().all(|read| read.writer == NONE || read.writer < t));
        if forward { Ok(Self::Completion) } else { Self::with(columns, &[]) }
    }

    /// An order that respects further edges as well, and else keeps near to that of the columns.
    pub(crate) fn with(columns: &Columns, edges: &[Edge]) -> Result<Self, Vec<bool>> {
        if let Some(sequence) = backwards(columns, edges) {
            return Ok(Self::sorted(sequence));
        }
        let graph = Rows::of_edges(columns.len(), |visit| {
            for t in columns.ids() {
                columns.causes(t).for_each(|cause| visit(cause, t));
            }
            for edge in edges {
                visit(edge.from, edge.to);
            }
        });
        graph::sort(&graph).map(Self::sorted)
    }

    fn sorted(sequence: Vec<u32>) -> Self {
        let mut position = vec![0; sequence.len()];
        for (index, &t) in (0..).zip(&sequence) {
            position[t as usize] = index;
        }
        Self::Sorted { sequence, position }
    }

    pub(crate) fn at(&self, index: usize) -> u32 {
        match self {
            Self::Completion => index as u32,
            Self::Sorted { sequence, .. } => sequence[index],
        }
    }

    pub(crate) fn position(&self, transaction: u32) -> u32 {
        match self {
            Self::Completion => transaction,
            Self::Sorted { position, .. } => position[transaction as usize],
        }
    }

    pub(crate) fn is_forward(&self, edge: &Edge) -> bool {
        self.position(edge.from) < self.position(edge.to)
    }
}

/// Each transaction after all that must come before it, found by going back from each in turn, which needs no list of
/// who follows whom. `None` where there is a cycle.
fn backwards(columns: &Columns, edges: &[Edge]) -> Option<Vec<u32>> {
    // By the one that comes later, what an edge has before it.
    let mut into: Vec<(u32, u32)> = edges.iter().map(|edge| (edge.to, edge.from)).collect();
    into.sort_unstable();
    let mut has_more = vec![false; columns.len()];
    for &(to, _) in &into {
        has_more[to as usize] = true;
    }
    let before = |t: u32| {
        let first = if has_more[t as usize] { into.partition_point(|&(to, _)| to < t) } else { into.len() };
        let inferred = into[first..].iter().take_while(move |&&(to, _)| to == t).map(|&(_, from)| from);
        columns.causes(t).chain(inferred)
    };
    let mut stages = vec![Stage::New; columns.len()];
    let mut sequence = Vec::with_capacity(columns.len());
    let mut open = Vec::new();
    for start in columns.ids() {
        open.push(start);
        while let Some(&t) = open.last() {
            if stages[t as usize] == Stage::New {
                stages[t as usize] = Stage::Open;
                let waits = open.len();
                open.extend(before(t).filter(|&cause| stages[cause as usize] != Stage::Done));
                if open[waits..].iter().any(|&cause| stages[cause as usize] == Stage::Open) {
                    return None;
                }
                continue;
            }
            open.pop();
            if stages[t as usize] == Stage::Open {
                stages[t as usize] = Stage::Done;
                sequence.push(t);
            }
        }
    }
    Some(sequence)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    /// What comes before it is being looked at.
    Open,
    Done,
}
