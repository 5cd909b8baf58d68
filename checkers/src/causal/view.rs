//! What one session must have seen in which order: happened-before, saturated for that session's reads.
//!
//! It never looks at another session's reads but as causes; an order of all sessions is not its concern.
//!
//! After Bouajjani, Enea, Guerraoui and Hamza, "On verifying causal consistency", POPL 2017, section 5. Because a
//! session's reads are totally ordered, it is enough to know of each transaction the first of the session's
//! transactions that it happened before, its *arrival*. An edge whose source arrived no later than its target
//! moves no arrival; in a history whose replicas apply writes in the order of arbitration there is no other.

use rustc_hash::FxHashMap;

use super::columns::{Columns, Groups, NONE, Read};
use super::order::{Edge, Order, Successors};
use crate::{Budget, Exhausted};

/// Which order the saturation starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// Session order and reads-from, everywhere: causal memory.
    Causality,
    /// Session order, and reads-from into the session's own reads: PRAM.
    SessionOrder,
}

/// One session's view.
pub(crate) struct View<'c> {
    columns: &'c Columns,
    base: Base,
    /// The session's transactions, first to last.
    path: Vec<u32>,
    /// By transaction, its place on the path.
    pub(crate) index: Vec<u32>,
    /// By transaction, the place of the first on the path that it happened before.
    arrival: Vec<u32>,
    /// In the order of their derivation.
    pub(crate) edges: Vec<Edge>,
    /// A read of the initial value of a key with a write of it before.
    pub(crate) initial: Option<Edge>,
    /// What [`View::initial`] was derived from: the number of edges known then.
    pub(crate) initial_after: u32,
}

impl<'c> View<'c> {
    /// The views that matter: one for each end of a session, unless that reads nothing.
    pub(crate) fn ends(columns: &Columns) -> Vec<u32> {
        let mut followed = vec![false; columns.len()];
        for t in columns.ids() {
            if let Some(previous) = columns.previous(t) {
                followed[previous as usize] = true;
            }
        }
        let reads = |t: u32| !columns.reads(t).is_empty() || columns.previous(t).is_some();
        columns.ids().filter(|&t| !followed[t as usize] && reads(t)).collect()
    }

    /// Saturates the view of the session that ends with a transaction.
    pub(crate) fn saturate(
        columns: &'c Columns,
        groups: &Groups,
        base: Base,
        end: u32,
        budget: &Budget,
    ) -> Result<Self, Exhausted> {
        let mut path: Vec<u32> = std::iter::successors(Some(end), |&t| columns.previous(t)).collect();
        path.reverse();
        let mut index = vec![NONE; columns.len()];
        for (place, &t) in (0..).zip(&path) {
            index[t as usize] = place;
        }
        let mut view = Self {
            columns,
            base,
            path,
            index,
            arrival: vec![NONE; columns.len()],
            edges: Vec::new(),
            initial: None,
            initial_after: 0,
        };
        let late = view.follow(groups, budget)?;
        if !late.is_empty() && view.initial.is_none() {
            view.lower(late, budget)?;
        }
        Ok(view)
    }

    /// The transactions on cycles of the saturated order, if it has any. `order` is one of the base, where known.
    pub(crate) fn cyclic(&self, order: Option<&Order>) -> Option<Vec<bool>> {
        if order.is_some_and(|order| self.edges.iter().all(|edge| order.is_forward(edge))) {
            return None;
        }
        let seen = |t: u32| self.arrival[t as usize] != NONE || self.index[t as usize] != NONE;
        let graph = Successors::build(self.columns.len(), |visit| {
            for t in self.columns.ids().filter(|&t| seen(t)) {
                for cause in self.causes(t) {
                    visit(cause, t);
                }
            }
            for edge in &self.edges {
                visit(edge.from, edge.to);
            }
        });
        graph.sort().err()
    }

    fn causes(&self, t: u32) -> impl Iterator<Item = u32> + '_ {
        let reads: &[Read] = match self.base {
            Base::SessionOrder if self.index[t as usize] == NONE => &[],
            _ => self.columns.reads(t),
        };
        self.columns
            .previous(t)
            .into_iter()
            .chain(reads.iter().map(|read| read.writer))
            .filter(|&t| t != NONE)
    }

    /// Where what happened before a transaction has arrived at the latest.
    fn before(&self, t: u32) -> u32 {
        self.arrival[t as usize].min(self.index[t as usize])
    }

    /// Follows the session in its order; says which edges move arrivals.
    fn follow(&mut self, groups: &Groups, budget: &Budget) -> Result<Vec<u32>, Exhausted> {
        let mut seen = vec![0_u32; self.columns.chains as usize];
        let mut hints: Vec<u32> = (0..groups.count()).map(|group| groups.start(group)).collect();
        let mut last = vec![(NONE, NONE); groups.count()];
        let mut late = Vec::new();
        let mut open = Vec::new();
        for place in 0..self.path.len() {
            if place % 1024 == 0 {
                budget.check()?;
            }
            let t = self.path[place];
            open.extend(self.causes(t));
            while let Some(cause) = open.pop() {
                if self.arrival[cause as usize] == NONE {
                    self.arrival[cause as usize] = place as u32;
                    let prefix = &mut seen[self.columns.chain[cause as usize] as usize];
                    *prefix = (*prefix).max(self.columns.place[cause as usize] + 1);
                    open.extend(self.causes(cause));
                }
            }
            for read in self.columns.reads(t) {
                for group in groups.of_key(read.key) {
                    let bound = seen[groups.chain[group] as usize];
                    let Some(at) = groups.last_before(group, bound, hints[group]) else { continue };
                    hints[group] = at;
                    let other = groups.writer(at);
                    let implied = read.writer != NONE && self.columns.in_chain_order(other, read.writer);
                    if other == read.writer || other == t || implied || last[group] == (other, read.writer) {
                        continue;
                    }
                    last[group] = (other, read.writer);
                    self.add(Edge { from: other, to: read.writer, reader: t, key: read.key }, &mut late);
                }
            }
        }
        Ok(late)
    }

    fn add(&mut self, edge: Edge, late: &mut Vec<u32>) {
        if edge.to == NONE {
            if self.initial.is_none() {
                self.initial = Some(edge);
                self.initial_after = self.edges.len() as u32;
            }
            return;
        }
        if self.arrival[edge.from as usize] > self.before(edge.to) {
            late.push(self.edges.len() as u32);
        }
        self.edges.push(edge);
    }

    /// Moves arrivals forward along edges until nothing moves, which makes more edges on the way.
    fn lower(&mut self, mut late: Vec<u32>, budget: &Budget) -> Result<(), Exhausted> {
        let reads = self.reads_by_key();
        let mut into: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let mut known = 0;
        let mut open: Vec<(u32, u32)> = Vec::new();
        let mut steps = 0_u32;
        loop {
            for (edge, index) in self.edges[known..].iter().zip(known as u32..) {
                into.entry(edge.to).or_default().push(index);
            }
            known = self.edges.len();
            for index in late.drain(..) {
                let edge = self.edges[index as usize];
                open.push((edge.from, self.before(edge.to)));
            }
            let Some((t, place)) = open.pop() else { return Ok(()) };
            steps += 1;
            if steps % 4096 == 0 {
                budget.check()?;
            }
            let old = self.arrival[t as usize];
            if old <= place {
                continue;
            }
            self.arrival[t as usize] = place;
            // It happened before one that is not after it in its own session: a cycle, which settles the matter.
            if self.index[t as usize] != NONE && place <= self.index[t as usize] {
                return Ok(());
            }
            open.extend(self.causes(t).map(|cause| (cause, place)));
            let sources = into.get(&t).into_iter().flatten();
            open.extend(sources.map(|&index| (self.edges[index as usize].from, place)));
            for &key in self.columns.writes(t) {
                self.reread(&reads, (t, key), (place, old), &mut late);
            }
            if self.initial.is_some() {
                return Ok(());
            }
        }
    }

    /// The session's reads that a write is now known to have happened before.
    fn reread(
        &mut self,
        reads: &FxHashMap<u32, Vec<(u32, u32)>>,
        (t, key): (u32, u32),
        (place, old): (u32, u32),
        late: &mut Vec<u32>,
    ) {
        let Some(reads) = reads.get(&key) else { return };
        let first = reads.partition_point(|&(at, _)| at < place);
        let mut last = t;
        for &(at, writer) in reads[first..].iter().take_while(|&&(at, _)| at < old) {
            if writer != t && writer != last {
                self.add(Edge { from: t, to: writer, reader: self.path[at as usize], key }, late);
                last = writer;
            }
        }
    }

    /// By key, the places of the session's reads and their writers.
    fn reads_by_key(&self) -> FxHashMap<u32, Vec<(u32, u32)>> {
        let mut by_key: FxHashMap<u32, Vec<(u32, u32)>> = FxHashMap::default();
        for (place, &t) in (0..).zip(&self.path) {
            for read in self.columns.reads(t) {
                by_key.entry(read.key).or_default().push((place, read.writer));
            }
        }
        by_key
    }
}
