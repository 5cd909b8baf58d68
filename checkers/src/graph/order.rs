//! Topological orders (Kahn, "Topological sorting of large networks", CACM 1962).

use super::Rows;

/// The nodes in an order in which every edge leads forward; `None` where there is a cycle.
pub(crate) fn topological(successors: &Rows, predecessors: &Rows) -> Option<Vec<u32>> {
    let (order, _) = sort(successors, predecessors);
    (order.len() == successors.count()).then_some(order)
}

/// For each node, whether it lies on a cycle or behind one.
pub(crate) fn left_over(successors: &Rows, predecessors: &Rows) -> Vec<bool> {
    let (_, waiting) = sort(successors, predecessors);
    waiting.into_iter().map(|count| count > 0).collect()
}

/// The nodes that can be ordered, and for each node how many predecessors could not.
fn sort(successors: &Rows, predecessors: &Rows) -> (Vec<u32>, Vec<u32>) {
    let nodes = successors.count() as u32;
    let mut waiting: Vec<u32> = (0..nodes).map(|node| predecessors.len(node) as u32).collect();
    let mut order: Vec<u32> = Vec::with_capacity(waiting.len());
    order.extend((0..nodes).filter(|&node| waiting[node as usize] == 0));
    let mut next = 0;
    while next < order.len() {
        for &successor in successors.row(order[next]) {
            waiting[successor as usize] -= 1;
            if waiting[successor as usize] == 0 {
                order.push(successor);
            }
        }
        next += 1;
    }
    (order, waiting)
}
