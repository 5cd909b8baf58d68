//! Which transactions' reads contradict causality, each read alone or all of them together.
//!
//! It never looks at two readers at once: that would be an arbitration, which weak causality does not ask for.

use rustc_hash::FxHashSet;

use super::clocks;
use super::columns::Columns;
use super::order::{Edge, Order};
use crate::{Budget, Exhausted};

/// Pairs of which causality has the second first.
type Turned = FxHashSet<(u32, u32)>;

/// What readers contradict.
#[derive(Debug, Default)]
pub(crate) struct Contradicted {
    /// Edges that causality itself turns round.
    pub(crate) alone: Vec<Edge>,
    /// All edges of a reader that only together leave no order.
    pub(crate) together: Vec<Vec<Edge>>,
}

/// Of inferred edges, which for one reader by itself make a cycle with causality.
pub(crate) fn contradicted(
    columns: &Columns,
    order: &Order,
    mut edges: Vec<Edge>,
    budget: &Budget,
) -> Result<Contradicted, Exhausted> {
    edges.sort_unstable_by_key(|edge| (edge.reader, *edge));
    let readers: Vec<&[Edge]> = edges.chunk_by(|a, b| a.reader == b.reader).collect();
    let mut asked = Vec::new();
    for of_reader in &readers {
        for (from, to) in of_reader.iter().flat_map(|a| of_reader.iter().map(|b| (a.from, b.to))) {
            if order.position(to) < order.position(from) {
                asked.push(Edge { from, to, ..of_reader[0] });
            }
        }
    }
    asked.sort_unstable();
    asked.dedup();
    let turned: Turned = clocks::contradicted(columns, order, asked, budget)?
        .into_iter()
        .map(|edge| (edge.from, edge.to))
        .collect();
    let mut found = Contradicted::default();
    for of_reader in readers {
        let alone = of_reader.iter().filter(|edge| turned.contains(&(edge.from, edge.to)));
        found.alone.extend(alone.copied());
        if circular(of_reader, &turned) {
            found.together.push(of_reader.to_vec());
        }
    }
    Ok(found)
}

/// Whether edges follow each other in a circle, by way of causality where it leads on.
fn circular(edges: &[Edge], turned: &Turned) -> bool {
    let follows = |a: &Edge, b: &Edge| a.to == b.from || turned.contains(&(b.from, a.to));
    let mut left: Vec<&Edge> = edges.iter().collect();
    loop {
        let before = left.len();
        let kept: Vec<&Edge> = left.iter().copied().filter(|b| left.iter().any(|a| follows(a, b))).collect();
        left = kept;
        if left.len() == before {
            return before > 0;
        }
    }
}
