//! A topological order that is kept while edges come and go.
//!
//! Pearce and Kelly, "A dynamic topological sort algorithm for directed acyclic graphs", ACM JEA 2006: an edge that leads
//! backward in the order reorders only what lies between its ends.

use std::collections::VecDeque;

use crate::graph::{NONE, Rows};

/// An edge that a choice draws, under the literal that stands for it.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    node: u32,
    literal: u32,
}

/// The fixed graph, the drawn edges, and an order in which all of them lead forward.
pub(super) struct KeptOrder<'a> {
    successors: &'a Rows,
    predecessors: &'a Rows,
    /// By node, its place.
    place: Vec<u32>,
    drawn_from: Vec<Vec<Drawn>>,
    drawn_to: Vec<Vec<Drawn>>,
    /// Drawn edges, in the order in which they came.
    edges: Vec<(u32, u32)>,
    mark: Vec<u32>,
    parent: Vec<Drawn>,
    round: u32,
    /// Nodes whose places changed since the last call of [`KeptOrder::take_moved`].
    moved: Vec<u32>,
}

impl<'a> KeptOrder<'a> {
    pub(super) fn new(successors: &'a Rows, predecessors: &'a Rows, order: &[u32]) -> Self {
        let nodes = order.len();
        let mut place = vec![0; nodes];
        for (at, &node) in (0..).zip(order) {
            place[node as usize] = at;
        }
        Self {
            successors,
            predecessors,
            place,
            drawn_from: vec![Vec::new(); nodes],
            drawn_to: vec![Vec::new(); nodes],
            edges: Vec::new(),
            mark: vec![0; nodes],
            parent: vec![Drawn { node: NONE, literal: NONE }; nodes],
            round: 0,
            moved: Vec::new(),
        }
    }

    pub(super) fn place(&self, node: u32) -> u32 {
        self.place[node as usize]
    }

    /// The nodes in the order.
    pub(super) fn order(&self) -> Vec<u32> {
        let mut nodes: Vec<u32> = (0..self.place.len() as u32).collect();
        nodes.sort_unstable_by_key(|&node| self.place[node as usize]);
        nodes
    }

    pub(super) fn take_moved(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.moved)
    }

    /// How many edges are drawn.
    pub(super) fn drawn(&self) -> usize {
        self.edges.len()
    }

    /// Takes back the edges that were drawn last.
    pub(super) fn undo_to(&mut self, count: usize) {
        while self.edges.len() > count {
            if let Some((from, to)) = self.edges.pop() {
                self.drawn_from[from as usize].pop();
                self.drawn_to[to as usize].pop();
            }
        }
    }

    /// Draws an edge; where it closes a cycle, the literals of the other drawn edges on it, as few as can be.
    pub(super) fn draw(&mut self, from: u32, to: u32, literal: u32) -> Result<(), Vec<u32>> {
        if self.place(from) > self.place(to) {
            let Some(after) = self.reached(to, from) else { return Err(self.cycle(from, to, literal)) };
            let before = self.reaching(from, to);
            self.reorder(before, after);
        }
        self.drawn_from[from as usize].push(Drawn { node: to, literal });
        self.drawn_to[to as usize].push(Drawn { node: from, literal });
        self.edges.push((from, to));
        Ok(())
    }

    /// What `start` reaches within the window that ends at `end`; `None` if that is among it.
    fn reached(&mut self, start: u32, end: u32) -> Option<Vec<u32>> {
        self.round += 1;
        let last = self.place(end);
        let mut found = vec![start];
        self.mark[start as usize] = self.round;
        let mut at = 0;
        while at < found.len() {
            let node = found[at];
            at += 1;
            if node == end {
                return None;
            }
            let drawn = self.drawn_from[node as usize].iter().map(|drawn| drawn.node);
            for next in self.successors.row(node).iter().copied().chain(drawn) {
                if self.mark[next as usize] != self.round && self.place[next as usize] <= last {
                    self.mark[next as usize] = self.round;
                    found.push(next);
                }
            }
        }
        Some(found)
    }

    /// What reaches `end` within the window that begins at `start`.
    fn reaching(&mut self, end: u32, start: u32) -> Vec<u32> {
        self.round += 1;
        let first = self.place(start);
        let mut found = vec![end];
        self.mark[end as usize] = self.round;
        let mut at = 0;
        while at < found.len() {
            let node = found[at];
            at += 1;
            let drawn = self.drawn_to[node as usize].iter().map(|drawn| drawn.node);
            for next in self.predecessors.row(node).iter().copied().chain(drawn) {
                if self.mark[next as usize] != self.round && self.place[next as usize] >= first {
                    self.mark[next as usize] = self.round;
                    found.push(next);
                }
            }
        }
        found
    }

    /// Puts the first nodes before the second, in the places that they have together.
    fn reorder(&mut self, mut before: Vec<u32>, mut after: Vec<u32>) {
        before.sort_unstable_by_key(|&node| self.place[node as usize]);
        after.sort_unstable_by_key(|&node| self.place[node as usize]);
        before.append(&mut after);
        let mut places: Vec<u32> = before.iter().map(|&node| self.place[node as usize]).collect();
        places.sort_unstable();
        for (&node, place) in before.iter().zip(places) {
            self.place[node as usize] = place;
        }
        self.moved.append(&mut before);
    }

    /// The literals on a path from `to` back to `from`, a search in which a run of one literal costs 1 and known edges
    /// cost nothing.
    fn cycle(&mut self, from: u32, to: u32, literal: u32) -> Vec<u32> {
        self.round += 1;
        let last = self.place(from);
        let mut queue = VecDeque::from([(to, Drawn { node: to, literal: NONE })]);
        while let Some((node, parent)) = queue.pop_front() {
            if self.mark[node as usize] == self.round {
                continue;
            }
            self.mark[node as usize] = self.round;
            self.parent[node as usize] = parent;
            if node == from {
                break;
            }
            let is_open =
                |next: u32| self.mark[next as usize] != self.round && self.place[next as usize] <= last;
            for &next in self.successors.row(node).iter().filter(|&&next| is_open(next)) {
                queue.push_front((next, Drawn { node, literal: NONE }));
            }
            for drawn in self.drawn_from[node as usize].iter().filter(|drawn| is_open(drawn.node)) {
                let step = (drawn.node, Drawn { node, literal: drawn.literal });
                if drawn.literal == literal || drawn.literal == parent.literal {
                    queue.push_front(step);
                } else {
                    queue.push_back(step);
                }
            }
        }
        let mut literals = Vec::new();
        let mut node = from;
        while node != to {
            let parent = self.parent[node as usize];
            if parent.literal != NONE && parent.literal != literal {
                literals.push(parent.literal);
            }
            node = parent.node;
        }
        literals.sort_unstable();
        literals.dedup();
        literals
    }
}
