//! Writes with a causally later write of the same key.
//!
//! It never asks who read what in the end; it is told which writes are left.

use histories::{History, KeyId, OperationId};
use rustc_hash::FxHashMap;

use super::clocks;
use super::columns::{Columns, Groups, NONE};
use super::compile;
use super::order::{Edge, Order};
use super::shortest::{Into, Roads, Search};
use super::undecided;
use crate::Budget;

/// Of writes, each with its key, those that causality has before another write of the key: with the operations that
/// lead there, first to last, of which each ran before the next in its session or was read by it.
pub(crate) fn overtaken(
    history: &History,
    left: &[(KeyId, OperationId)],
    budget: &Budget,
) -> Result<Vec<Vec<OperationId>>, String> {
    let compiled = compile::compile(history, budget).map_err(|unfit| undecided::reason(history, &unfit))?;
    let columns = &compiled.columns;
    let order =
        Order::causal(columns).map_err(|_| "operations depend on each other in a circle".to_owned())?;
    let asked = asked(columns, left);
    let found = clocks::contradicted(columns, &order, asked, budget).map_err(|out| out.to_string())?;
    let mut search = Search::new(columns);
    let none = Into::default();
    let roads = Roads::plain(columns, &none);
    let mut told = vec![false; columns.keys as usize];
    let mut paths = Vec::new();
    for edge in found {
        if std::mem::replace(&mut told[edge.key as usize], true) {
            continue;
        }
        let floor = order.position(edge.to);
        let within = |t: u32| order.position(t) >= floor;
        let Some((_, steps)) = search.path(&roads, (edge.to, edge.from), u32::MAX, within) else { continue };
        let ends = steps.iter().map(|step| step.from).chain([edge.from]);
        paths.push(ends.map(|t| columns.operation[t as usize]).collect());
    }
    Ok(paths)
}

/// From the last write of a key in each chain to the one that is left: a question each.
fn asked(columns: &Columns, left: &[(KeyId, OperationId)]) -> Vec<Edge> {
    let groups = Groups::of(columns);
    let wanted: FxHashMap<OperationId, u32> = left.iter().map(|&(key, id)| (id, key.place())).collect();
    let mut asked = Vec::new();
    for t in columns.ids() {
        let Some(&key) = wanted.get(&columns.operation[t as usize]) else { continue };
        for group in groups.of_key(key) {
            let last = groups.last_before(group, NONE, groups.start(group)).map(|at| groups.writer(at));
            let other = last.filter(|&other| other != t);
            asked.extend(other.map(|from| Edge { from, to: t, reader: from, key }));
        }
    }
    asked
}
