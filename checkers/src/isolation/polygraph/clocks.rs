//! Which nodes a node can be reached from, as vector clocks.
//!
//! A *line* is a sequence of transactions each of which is known to precede the next, such as a session. A node's clock
//! says of every line up to where its transactions precede the node, which is exact because what precedes a
//! transaction of a line precedes all later ones of that line's successors, too.

use super::super::columns::Columns;
use super::super::level::Order;
use super::constraints::Constraints;
use super::layout::Layout;
use crate::graph::NONE;

/// Transactions in lines.
#[derive(Debug)]
pub(super) struct Lines {
    layout: Layout,
    /// By transaction.
    pub(super) line: Vec<u32>,
    /// By transaction, how many precede it in its line.
    pub(super) place: Vec<u32>,
    pub(super) count: usize,
}

impl Lines {
    /// `in_session` says whether a transaction is known to follow its predecessor in its session.
    pub(super) fn of(
        columns: &Columns,
        graph: &Constraints,
        order: Order,
        in_session: impl Fn(u32) -> bool,
    ) -> Self {
        let count = columns.operation.len();
        let mut lines =
            Self { layout: graph.layout, line: vec![NONE; count], place: vec![0; count], count: 0 };
        // By line, its last transaction so far.
        let mut last: Vec<u32> = Vec::new();
        if order == Order::None {
            lines.cover(graph, &mut last);
        } else {
            for t in 0..columns.count() {
                lines.extend(t, columns.previous[t as usize], &mut last, in_session(t));
            }
        }
        lines.count = last.len().max(1);
        lines
    }

    /// Puts a transaction behind another if that is the last of its line, else on a line of its own.
    fn extend(&mut self, t: u32, previous: u32, last: &mut Vec<u32>, follows: bool) {
        let line = (previous != NONE).then(|| self.line[previous as usize]);
        if let Some(line) = line.filter(|&line| follows && last[line as usize] == previous) {
            self.line[t as usize] = line;
            self.place[t as usize] = self.place[previous as usize] + 1;
            last[line as usize] = t;
        } else {
            self.line[t as usize] = last.len() as u32;
            last.push(t);
        }
    }

    /// Covers the graph with paths, as few as come about when each transaction follows the first predecessor that is
    /// still the last of its path.
    fn cover(&mut self, graph: &Constraints, last: &mut Vec<u32>) {
        for node in graph.topological().unwrap_or_default() {
            let Some((t, _)) = self.layout.transaction(node).filter(|&(t, _)| self.layout.start(t) == node)
            else {
                continue;
            };
            let mut predecessors = graph.predecessors.row(node).iter();
            let previous = predecessors.find_map(|&before| {
                let (other, _) = self.layout.transaction(before)?;
                let line = self.line[other as usize];
                let is_last =
                    self.layout.commit(other) == before && line != NONE && last[line as usize] == other;
                is_last.then_some(other)
            });
            self.extend(t, previous.unwrap_or(NONE), last, true);
        }
    }

    /// Where a transaction's node stands on its line.
    #[inline]
    fn position(&self, node: u32) -> (usize, u32) {
        let split = u32::from(self.layout.split);
        let t = (node >> split) as usize;
        (self.line[t] as usize, (self.place[t] << split) + (node & split))
    }

    /// The same of the start and of the commit of a transaction.
    #[inline]
    pub(super) fn start(&self, t: u32) -> (usize, u32) {
        self.position(self.layout.start(t))
    }

    #[inline]
    pub(super) fn commit(&self, t: u32) -> (usize, u32) {
        self.position(self.layout.commit(t))
    }
}

/// A clock for each node.
#[derive(Debug)]
pub(super) struct Clocks {
    lines: usize,
    /// Node by node, for each line how many of its positions precede the node.
    rows: Vec<u32>,
    /// By node, whether its clock has grown in the last pass.
    grown: Vec<bool>,
    stale: Vec<bool>,
    passes: u32,
}

impl Clocks {
    /// How much memory the clocks of a graph take, in bytes.
    pub(super) fn size(graph: &Constraints, lines: &Lines) -> usize {
        graph.nodes as usize * lines.count * size_of::<u32>()
    }

    pub(super) fn new(graph: &Constraints, lines: &Lines) -> Self {
        let nodes = graph.nodes as usize;
        Self {
            lines: lines.count,
            rows: vec![0; nodes * lines.count],
            grown: vec![true; nodes],
            stale: vec![true; nodes],
            passes: 0,
        }
    }

    #[inline]
    pub(super) fn row(&self, node: u32) -> &[u32] {
        &self.rows[node as usize * self.lines..][..self.lines]
    }

    /// Whether a position on a line precedes a node.
    #[inline]
    pub(super) fn covers(&self, node: u32, (line, position): (usize, u32)) -> bool {
        self.rows[node as usize * self.lines + line] > position
    }

    /// Whether a node's clock has grown in the last pass.
    #[inline]
    pub(super) fn has_grown(&self, node: u32) -> bool {
        self.grown[node as usize]
    }

    /// Notes that edges were added that lead to a node.
    pub(super) fn refresh(&mut self, node: u32) {
        self.stale[node as usize] = true;
    }

    /// Brings the clocks up to date, in a topological order. A row is skipped only if no predecessor's has grown.
    pub(super) fn propagate(&mut self, graph: &Constraints, lines: &Lines, order: &[u32]) {
        self.passes += 1;
        for &node in order {
            let at = node as usize;
            self.grown[at] = self.passes == 1;
            if !std::mem::take(&mut self.stale[at]) {
                continue;
            }
            let mut grown = false;
            for &before in graph.predecessors.row(node) {
                grown |= self.merge(node, before);
                if graph.layout.transaction(before).is_some() {
                    let (line, position) = lines.position(before);
                    let entry = &mut self.rows[at * self.lines + line];
                    if *entry <= position {
                        *entry = position + 1;
                        grown = true;
                    }
                }
            }
            if grown {
                self.grown[at] = true;
                if self.passes > 1 {
                    for &next in graph.successors.row(node) {
                        self.stale[next as usize] = true;
                    }
                }
            }
        }
    }

    /// Takes in what precedes a predecessor.
    fn merge(&mut self, node: u32, before: u32) -> bool {
        let (to, from) = (node as usize * self.lines, before as usize * self.lines);
        let (target, source) = if to < from {
            let (low, high) = self.rows.split_at_mut(from);
            (&mut low[to..to + self.lines], &high[..self.lines])
        } else {
            let (low, high) = self.rows.split_at_mut(to);
            (&mut high[..self.lines], &low[from..from + self.lines])
        };
        let mut changed = 0;
        for (own, &other) in target.iter_mut().zip(source) {
            let merged = (*own).max(other);
            changed |= merged ^ *own;
            *own = merged;
        }
        changed != 0
    }
}
