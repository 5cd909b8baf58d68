//! Transactions that share no register, even over others, are of different objects.
//!
//! It looks at the registers that are named, never at values.

use histories::{History, Micro, OperationId, Value};
use rustc_hash::FxHashMap;

use crate::graph::UnionFind;

/// The transactions that can be decided apart from the others, group by group, in the order of their first ones; `None`
/// where one of them does something else than to read and write: what only reads a list is no register's.
pub(super) fn groups(history: &History, operations: &[OperationId]) -> Option<Vec<Vec<OperationId>>> {
    let mut names: FxHashMap<Value, u32> = FxHashMap::default();
    let mut sets = UnionFind::default();
    let mut firsts: Vec<u32> = Vec::with_capacity(operations.len());
    for &id in operations {
        let mut first = None;
        for micro in history.operation(id).call().micros()? {
            let (next, Micro { function, key, .. }) = (sets.len() as u32, micro.ok()?);
            if !matches!(function, "r" | "w") {
                return None;
            }
            let name = *names.entry(key.into_owned()).or_insert(next);
            if name == next {
                sets.push();
            }
            sets.union(name, *first.get_or_insert(name));
        }
        firsts.push(first?);
    }
    let mut places: FxHashMap<u32, usize> = FxHashMap::default();
    let mut groups: Vec<Vec<OperationId>> = Vec::new();
    for (&id, first) in operations.iter().zip(firsts) {
        let place = *places.entry(sets.root(first)).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(id);
    }
    Some(groups)
}
