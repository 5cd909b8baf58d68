//! Shortest paths, of which proofs are made.

use std::collections::VecDeque;

use super::NONE;
use super::order::left_over;
use super::rows::Rows;

/// The nodes of a shortest path from `from` to `to`, both included, over the edges that `successors` gives; a path has
/// one edge at least, so that from a node to itself it is a cycle.
pub(crate) fn shortest_path<I: Iterator<Item = u32>>(
    nodes: usize,
    from: u32,
    to: u32,
    successors: impl Fn(u32) -> I,
) -> Option<Vec<u32>> {
    let mut parent = vec![NONE; nodes];
    let mut queue = VecDeque::from([from]);
    while let Some(node) = queue.pop_front() {
        for next in successors(node) {
            if next == to {
                let mut path = vec![to, node];
                let mut at = node;
                while at != from {
                    at = parent[at as usize];
                    path.push(at);
                }
                path.reverse();
                return Some(path);
            }
            if next != from && parent[next as usize] == NONE {
                parent[next as usize] = node;
                queue.push_back(next);
            }
        }
    }
    None
}

/// The nodes of a short cycle, which begins and ends with the same one; `None` where there is no cycle.
pub(crate) fn short_cycle(successors: &Rows, predecessors: &Rows) -> Option<Vec<u32>> {
    let left = left_over(successors);
    let nodes = left.len();
    // What is left over has predecessors that are left over, so the way back comes to a cycle.
    let mut node = (0..nodes as u32).find(|&node| left[node as usize])?;
    let mut visited = vec![false; nodes];
    while !visited[node as usize] {
        visited[node as usize] = true;
        node = predecessors.row(node).iter().copied().find(|&before| left[before as usize])?;
    }
    let along = |at: u32| successors.row(at).iter().copied().filter(|&next| left[next as usize]);
    shortest_path(nodes, node, node, along)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_way_is_found_and_a_way_to_oneself_is_a_cycle() {
        let edges = [(0, 1), (1, 2), (2, 3), (0, 3), (3, 0)];
        let successors = |node: u32| edges.iter().filter(move |edge| edge.0 == node).map(|edge| edge.1);
        assert_eq!(shortest_path(4, 0, 3, successors), Some(vec![0, 3]));
        assert_eq!(shortest_path(4, 1, 1, successors), Some(vec![1, 2, 3, 0, 1]));
        assert_eq!(shortest_path(5, 0, 4, successors), None);
    }

    #[test]
    fn a_cycle_is_found_behind_what_leads_to_it_alone() {
        let edges = [(0, 1), (1, 2), (2, 3), (3, 1), (3, 4)];
        let successors = Rows::of(5, edges.into_iter());
        assert_eq!(short_cycle(&successors, &successors.reversed()).map(|cycle| cycle.len()), Some(4));
        let acyclic = Rows::of(3, [(0, 1), (0, 2), (1, 2)].into_iter());
        assert_eq!(short_cycle(&acyclic, &acyclic.reversed()), None);
    }
}
