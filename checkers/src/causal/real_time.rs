//! Real time among transactions: one that returned before another was invoked comes before it.
//!
//! It never stores the whole relation, which is quadratic.

use histories::{History, Nanos, Operation};

use super::columns::Columns;
use super::order::Edge;
use crate::graph::{self, Rows};

/// The transactions on cycles of causality, inferred edges and real time, if there are any.
pub(crate) fn cyclic(history: &History, columns: &Columns, edges: &[Edge]) -> Option<Vec<bool>> {
    // Transactions are numbered by completion, which real time agrees with.
    let forward = columns.ids().all(|t| columns.causes(t).all(|cause| cause < t))
        && edges.iter().all(|edge| edge.from < edge.to);
    if forward {
        return None;
    }
    let returns = returns(history, columns, |_| true);
    let count = columns.len() as u32;
    // A chain of ticks, one for each return, carries real time in as many edges.
    let graph = Rows::of_edges(columns.len() + returns.len(), |visit| {
        for (tick, &(_, t)) in (count..).zip(&returns) {
            visit(t, tick);
            if tick > count {
                visit(tick - 1, tick);
            }
        }
        for t in columns.ids() {
            for cause in columns.causes(t) {
                visit(cause, t);
            }
            let before = returns.partition_point(|&(time, _)| time < operation(history, columns, t).invoked);
            if before > 0 {
                visit(count + before as u32 - 1, t);
            }
        }
        for edge in edges {
            visit(edge.from, edge.to);
        }
    });
    graph::sort(&graph).err().map(|mut left| {
        left.truncate(columns.len());
        left
    })
}

/// Of the transactions left, the pairs whose real-time order no third one implies, by the second.
pub(crate) fn pairs(history: &History, columns: &Columns, left: &[bool]) -> Vec<(u32, u32)> {
    let returns = returns(history, columns, |t| left[t as usize]);
    // By number of returns, the last invocation among them.
    let mut invoked = vec![Nanos(0)];
    for &(_, t) in &returns {
        let last = invoked[invoked.len() - 1];
        invoked.push(last.max(operation(history, columns, t).invoked));
    }
    let mut pairs = Vec::new();
    for t in columns.ids().filter(|&t| left[t as usize]) {
        let before = returns.partition_point(|&(time, _)| time < operation(history, columns, t).invoked);
        let first = returns[..before].partition_point(|&(time, _)| time < invoked[before]);
        pairs.extend(returns[first..before].iter().map(|&(_, other)| (other, t)));
    }
    pairs
}

fn returns(history: &History, columns: &Columns, kept: impl Fn(u32) -> bool) -> Vec<(Nanos, u32)> {
    let mut returns: Vec<(Nanos, u32)> = columns
        .ids()
        .filter(|&t| kept(t))
        .map(|t| (operation(history, columns, t).returned(), t))
        .filter(|&(time, _)| time != Nanos::MAX)
        .collect();
    returns.sort_unstable();
    returns
}

fn operation<'h>(history: &'h History, columns: &Columns, t: u32) -> &'h Operation {
    history.operation(columns.operation[t as usize])
}
