//! Orders of transactions: one that follows causality, and whether more edges leave any.
//!
//! It never explains a cycle; it says which transactions are on one or between two.

use super::columns::{Columns, NONE, accumulate};

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
        let graph = Successors::of(columns, |visit| {
            for edge in edges {
                visit(edge.from, edge.to);
            }
        });
        graph.sort()
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

/// Who follows whom.
pub(crate) struct Successors {
    start: Vec<u32>,
    to: Vec<u32>,
}

impl Successors {
    /// Session order, reads-from and whatever else is visited, which must be the same each time.
    pub(crate) fn of(columns: &Columns, more: impl Fn(&mut dyn FnMut(u32, u32))) -> Self {
        Self::build(columns.len(), |visit| {
            for t in columns.ids() {
                for cause in columns.causes(t) {
                    visit(cause, t);
                }
            }
            more(visit);
        })
    }

    pub(crate) fn build(nodes: usize, edges: impl Fn(&mut dyn FnMut(u32, u32))) -> Self {
        let mut start = vec![0; nodes + 1];
        edges(&mut |from, _| start[from as usize + 1] += 1);
        accumulate(&mut start);
        let mut next = start.clone();
        let mut to = vec![0; start[nodes] as usize];
        edges(&mut |from, target| {
            to[next[from as usize] as usize] = target;
            next[from as usize] += 1;
        });
        Self { start, to }
    }

    pub(crate) fn of_node(&self, node: u32) -> &[u32] {
        &self.to[self.start[node as usize] as usize..self.start[node as usize + 1] as usize]
    }

    /// Kahn's algorithm; where a cycle is left over, what can neither be reached nor left without one is trimmed.
    pub(crate) fn sort(&self) -> Result<Order, Vec<bool>> {
        let nodes = self.start.len() - 1;
        let mut waiting = vec![0_u32; nodes];
        for &to in &self.to {
            waiting[to as usize] += 1;
        }
        let mut sequence: Vec<u32> = (0..nodes as u32).filter(|&t| waiting[t as usize] == 0).collect();
        let mut done = 0;
        while done < sequence.len() {
            for &to in self.of_node(sequence[done]) {
                waiting[to as usize] -= 1;
                if waiting[to as usize] == 0 {
                    sequence.push(to);
                }
            }
            done += 1;
        }
        if sequence.len() < nodes {
            return Err(self.trim(waiting.into_iter().map(|count| count > 0).collect()));
        }
        Ok(Order::sorted(sequence))
    }

    /// Takes away what leads to no cycle.
    fn trim(&self, mut left: Vec<bool>) -> Vec<bool> {
        let nodes = self.start.len() - 1;
        let reversed = Self::build(nodes, |visit| {
            for from in 0..nodes as u32 {
                for &to in self.of_node(from) {
                    visit(to, from);
                }
            }
        });
        let leads =
            |from: u32, left: &[bool]| self.of_node(from).iter().filter(|&&to| left[to as usize]).count();
        let mut degree: Vec<usize> = (0..nodes as u32).map(|from| leads(from, &left)).collect();
        let mut ends: Vec<u32> =
            (0..nodes as u32).filter(|&t| left[t as usize] && degree[t as usize] == 0).collect();
        while let Some(end) = ends.pop() {
            left[end as usize] = false;
            for &from in reversed.of_node(end) {
                if left[from as usize] {
                    degree[from as usize] -= 1;
                    if degree[from as usize] == 0 {
                        ends.push(from);
                    }
                }
            }
        }
        left
    }
}
