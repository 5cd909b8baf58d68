//! Topological orders (Kahn, "Topological sorting of large networks", CACM 1962), and what is left where there is none.

use super::rows::Rows;

/// The nodes in an order in which every edge leads forward; `None` where there is a cycle.
pub(crate) fn topological(successors: &Rows) -> Option<Vec<u32>> {
    let (order, _) = kahn(successors);
    (order.len() == successors.count()).then_some(order)
}

/// The nodes in an order in which every edge leads forward, or, for each node, whether it lies on a cycle or between two.
pub(crate) fn sort(successors: &Rows) -> Result<Vec<u32>, Vec<bool>> {
    let (order, waiting) = kahn(successors);
    if order.len() == successors.count() {
        return Ok(order);
    }
    Err(trim(successors, behind_a_cycle(waiting)))
}

/// For each node, whether it lies on a cycle or behind one.
pub(crate) fn left_over(successors: &Rows) -> Vec<bool> {
    behind_a_cycle(kahn(successors).1)
}

fn behind_a_cycle(waiting: Vec<u32>) -> Vec<bool> {
    waiting.into_iter().map(|count| count > 0).collect()
}

/// The nodes that can be ordered, and for each node how many predecessors could not.
fn kahn(successors: &Rows) -> (Vec<u32>, Vec<u32>) {
    let nodes = successors.count() as u32;
    let mut waiting = vec![0_u32; nodes as usize];
    for &successor in successors.items() {
        waiting[successor as usize] += 1;
    }
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

/// Takes away what leads to no cycle.
fn trim(successors: &Rows, mut left: Vec<bool>) -> Vec<bool> {
    let nodes = successors.count() as u32;
    let predecessors = successors.reversed();
    let leads = |from: u32| successors.row(from).iter().filter(|&&to| left[to as usize]).count();
    let mut degree: Vec<usize> = (0..nodes).map(leads).collect();
    let mut ends: Vec<u32> =
        (0..nodes).filter(|&node| left[node as usize] && degree[node as usize] == 0).collect();
    while let Some(end) = ends.pop() {
        left[end as usize] = false;
        for &from in predecessors.row(end) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(nodes: usize, edges: &[(u32, u32)]) -> Rows {
        Rows::of(nodes, edges.iter().copied())
    }

    #[test]
    fn edges_lead_forward() {
        let graph = rows(4, &[(3, 1), (1, 0), (3, 0), (0, 2)]);
        assert_eq!((topological(&graph), sort(&graph)), (Some(vec![3, 1, 0, 2]), Ok(vec![3, 1, 0, 2])));
    }

    #[test]
    fn what_leads_to_a_cycle_or_away_from_all_is_trimmed() {
        // 0 leads to the cycle 1, 2; 3 lies between it and the cycle of 4 with itself; 5 lies behind both.
        let graph = rows(6, &[(0, 1), (1, 2), (2, 1), (2, 3), (3, 4), (4, 4), (4, 5)]);
        assert_eq!(topological(&graph), None);
        assert_eq!(left_over(&graph), [false, true, true, true, true, true]);
        assert_eq!(sort(&graph), Err(vec![false, true, true, true, true, false]));
    }
}
