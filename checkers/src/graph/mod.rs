//! Directed graphs over dense integers, and the algorithms on them that checkers share.
//!
//! petgraph's compressed graph stores a weight and an index type for each edge and its Tarjan is recursive; graphs
//! here have tens of millions of edges and components of any size.

mod cycle;
mod order;
mod rows;
mod union;

pub(crate) use cycle::{short_cycle, shortest_path};
pub(crate) use order::{left_over, sort, topological};
pub(crate) use rows::Rows;
pub(crate) use union::UnionFind;

/// No node, no transaction, no version.
pub(crate) const NONE: u32 = u32::MAX;
