//! What one session must have seen in which order: happened-before, saturated for that session's reads.
//!
//! It never looks at another session's reads but as causes; an order of all sessions is not its concern.
//!
//! After Bouajjani, Enea, Guerraoui and Hamza, "On verifying causal consistency", POPL 2017, section 5. Because a
//! session's reads are totally ordered, it is enough to know of each transaction the first of the session's
//! transactions that it happened before, its *arrival*. An edge whose source arrived no later than its target
//! moves no arrival; in a history whose replicas apply writes in the order of arbitration there is no other.

use rustc_hash::FxHashMap;

use super::clocks::Inferred;
use super::columns::{Columns, Groups, NONE, Read, sort_by};
use super::order::{Edge, Order};
use crate::graph::{self, Rows};
use crate::{Budget, Exhausted};

/// Where each transaction's causes lie in other chains, chain after chain: a session's past grows by stretches of
/// chains, and each stretch is read here in one go.
#[derive(Debug)]
pub(crate) struct Sources {
    /// By chain, where its transactions begin.
    chain_start: Vec<u32>,
    /// By transaction, chain after chain, where its causes begin.
    start: Vec<u32>,
    /// Chains with the number of transactions that are causes.
    causes: Vec<(u32, u32)>,
}

impl Sources {
    /// Session order alone: PRAM.
    pub(crate) fn of_sessions(columns: &Columns) -> Self {
        Self::of(columns, |_| false)
    }

    /// Session order, and the reads that told their sessions of anything new: from the others nothing follows.
    pub(crate) fn of_causality(columns: &Columns, inferred: &Inferred) -> Self {
        Self::of(columns, |read| inferred.news[read])
    }

    fn of(columns: &Columns, counts: impl Fn(usize) -> bool) -> Self {
        let (chain_start, by_chain) = sort_by(columns.ids(), columns.chains, |t| columns.chain[t as usize]);
        let mut sources =
            Self { chain_start, start: Vec::with_capacity(by_chain.len() + 1), causes: Vec::new() };
        sources.start.push(0);
        for t in by_chain {
            let reads = (columns.read_start[t as usize] as usize..).zip(columns.reads(t));
            let writers = reads.filter(|&(at, _)| counts(at)).map(|(_, read)| read.writer);
            for cause in columns.previous(t).into_iter().chain(writers).filter(|&cause| cause != NONE) {
                let (chain, place) = (columns.chain[cause as usize], columns.place[cause as usize]);
                if chain != columns.chain[t as usize] || place >= columns.place[t as usize] {
                    sources.causes.push((chain, place + 1));
                }
            }
            sources.start.push(sources.causes.len() as u32);
        }
        sources
    }

    fn flat(&self, columns: &Columns, t: u32) -> usize {
        (self.chain_start[columns.chain[t as usize] as usize] + columns.place[t as usize]) as usize
    }
}

/// Edges by the transaction whose reads they follow from.
#[derive(Debug)]
pub(crate) struct ByReader<'c> {
    edges: &'c [Edge],
    start: Vec<u32>,
    sorted: Vec<u32>,
}

impl<'c> ByReader<'c> {
    pub(crate) fn of(columns: &Columns, edges: &'c [Edge]) -> Self {
        let reader = |index: u32| edges[index as usize].reader;
        let (start, sorted) = sort_by(0..edges.len() as u32, columns.len() as u32, reader);
        Self { edges, start, sorted }
    }

    fn of_reader(&self, t: u32) -> impl Iterator<Item = Edge> + '_ {
        let bounds = self.start[t as usize] as usize..self.start[t as usize + 1] as usize;
        self.sorted[bounds].iter().map(|&index| self.edges[index as usize])
    }
}

/// Where a session's view takes its edges from.
#[derive(Debug)]
pub(crate) enum Ground<'c> {
    /// Session order and reads-from, everywhere: causal memory. All that causality infers is known.
    Causality(ByReader<'c>),
    /// Session order, and reads-from into the session's own reads: PRAM.
    SessionOrder(&'c Groups),
}

/// By key, the places of a session's reads and their writers.
type ReadsByKey = FxHashMap<u32, Vec<(u32, u32)>>;

/// One session's view.
pub(crate) struct View<'c> {
    columns: &'c Columns,
    sources: &'c Sources,
    ground: &'c Ground<'c>,
    /// The session's transactions, first to last.
    path: Vec<u32>,
    /// By chain, where on the path it begins and how many of its transactions are there.
    spans: Vec<(u32, u32)>,
    /// By transaction, chain after chain, the place of the first on the path that it happened before.
    arrivals: Vec<u32>,
    /// By chain, how many have arrived.
    seen: Vec<u32>,
    /// In the order of their derivation.
    pub(crate) edges: Vec<Edge>,
    /// A read of the initial value of a key with a write of it before.
    pub(crate) initial: Option<Edge>,
    /// What [`View::initial`] was derived from: the number of edges known then.
    pub(crate) initial_after: u32,
    /// One of the session's own happened before itself.
    circular: bool,
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

    /// The last transaction in the first of so many parts of the session with an end, and at least the first one.
    pub(crate) fn beginning(columns: &Columns, end: u32, parts: usize) -> u32 {
        let back = || std::iter::successors(Some(end), |&t| columns.previous(t));
        let count = back().count();
        back().nth(count - count.div_ceil(parts)).unwrap_or(end)
    }

    /// Saturates the view of the session that ends with a transaction.
    pub(crate) fn saturate(
        columns: &'c Columns,
        sources: &'c Sources,
        ground: &'c Ground<'c>,
        end: u32,
        budget: &Budget,
    ) -> Result<Self, Exhausted> {
        let mut path: Vec<u32> = std::iter::successors(Some(end), |&t| columns.previous(t)).collect();
        path.reverse();
        let mut spans = vec![(0, 0); columns.chains as usize];
        for (at, &t) in (0..).zip(&path) {
            let place = columns.place[t as usize];
            spans[columns.chain[t as usize] as usize] = (at - place, place + 1);
        }
        let mut view = Self {
            columns,
            sources,
            ground,
            path,
            spans,
            arrivals: vec![NONE; columns.len()],
            seen: vec![0; columns.chains as usize],
            edges: Vec::new(),
            initial: None,
            initial_after: 0,
            circular: false,
        };
        let late = view.follow(budget)?;
        if !late.is_empty() && view.initial.is_none() && !view.circular {
            view.lower(late, budget)?;
        }
        Ok(view)
    }

    /// A transaction's place on the path.
    pub(crate) fn index(&self, t: u32) -> u32 {
        let (first, count) = self.spans[self.columns.chain[t as usize] as usize];
        let place = self.columns.place[t as usize];
        if place < count { first + place } else { NONE }
    }

    /// The transactions on cycles of the saturated order, if it has any. `order` is one of the base, where known.
    pub(crate) fn cyclic(&self, order: Option<&Order>) -> Option<Vec<bool>> {
        if self.circular {
            return self.sort(|t| self.arrival(t) != NONE || self.index(t) != NONE);
        }
        // No edge leads to an earlier arrival, so a cycle keeps to one; and no order of the base has it forward.
        let backward = |edge: &&Edge| {
            !order.is_some_and(|order| order.is_forward(edge))
                && self.arrival(edge.from) == self.arrival(edge.to)
        };
        let mut suspect = vec![false; self.path.len() + 1];
        for edge in self.edges.iter().filter(backward) {
            suspect[self.arrival(edge.from) as usize] = true;
        }
        if !suspect.contains(&true) {
            return None;
        }
        self.sort(|t| suspect.get(self.arrival(t) as usize) == Some(&true))
    }

    /// The transactions on cycles among some.
    fn sort(&self, among: impl Fn(u32) -> bool) -> Option<Vec<bool>> {
        let nodes: Vec<u32> = self.columns.ids().filter(|&t| among(t)).collect();
        let mut numbers = vec![NONE; self.columns.len()];
        for (number, &t) in (0..).zip(&nodes) {
            numbers[t as usize] = number;
        }
        let number = |t: u32| numbers[t as usize];
        let graph = Rows::of_edges(nodes.len(), |visit| {
            for (to, &t) in (0..).zip(&nodes) {
                for cause in self.causes(t).filter(|&cause| among(cause)) {
                    visit(number(cause), to);
                }
            }
            for edge in self.edges.iter().filter(|edge| among(edge.from) && among(edge.to)) {
                visit(number(edge.from), number(edge.to));
            }
        });
        let left = graph::sort(&graph).err()?;
        let mut all = vec![false; self.columns.len()];
        for (&t, left) in nodes.iter().zip(left) {
            all[t as usize] = left;
        }
        Some(all)
    }

    fn arrival(&self, t: u32) -> u32 {
        self.arrivals[self.sources.flat(self.columns, t)]
    }

    fn causes(&self, t: u32) -> impl Iterator<Item = u32> + '_ {
        let reads: &[Read] = match self.ground {
            Ground::SessionOrder(_) if self.index(t) == NONE => &[],
            _ => self.columns.reads(t),
        };
        self.columns
            .previous(t)
            .into_iter()
            .chain(reads.iter().map(|read| read.writer))
            .filter(|&t| t != NONE)
    }

    /// Whether a transaction can have `first` before it: what comes before arrives no later.
    pub(crate) fn may_follow(&self, first: u32, t: u32) -> bool {
        self.circular || self.arrival(first) <= self.arrival(t)
    }

    /// Whether a transaction is of the session, or arrived there together with `first`, as all do that were on its way.
    pub(crate) fn is_on_the_way(&self, first: u32, t: u32) -> bool {
        self.arrival(first) == self.arrival(t) || self.index(t) != NONE
    }

    /// Where what happened before a transaction has arrived at the latest.
    fn before(&self, t: u32) -> u32 {
        self.arrival(t).min(self.index(t))
    }

    /// Takes in the first transactions of a chain, up to a number, and all that they follow from.
    fn take_in(&mut self, chain: u32, bound: u32, place: u32, open: &mut Vec<(u32, u32)>) {
        open.push((chain, bound));
        while let Some((chain, bound)) = open.pop() {
            let known = self.seen[chain as usize];
            if bound <= known {
                continue;
            }
            self.seen[chain as usize] = bound;
            let first = self.sources.chain_start[chain as usize];
            let (from, to) = ((first + known) as usize, (first + bound) as usize);
            self.arrivals[from..to].fill(place);
            let (from, to) = (self.sources.start[from] as usize, self.sources.start[to] as usize);
            for &(chain, bound) in &self.sources.causes[from..to] {
                if bound > self.seen[chain as usize] {
                    open.push((chain, bound));
                }
            }
        }
    }

    /// Follows the session in its order; says which edges move arrivals.
    fn follow(&mut self, budget: &Budget) -> Result<Vec<u32>, Exhausted> {
        let (columns, ground) = (self.columns, self.ground);
        let mut looks = match ground {
            Ground::Causality(_) => Looks::default(),
            Ground::SessionOrder(groups) => Looks::of(groups),
        };
        let mut late = Vec::new();
        let mut open = Vec::new();
        for place in 0..self.path.len() {
            if place % 1024 == 0 {
                budget.check()?;
            }
            let t = self.path[place];
            for cause in columns.causes(t) {
                let (chain, bound) = (columns.chain[cause as usize], columns.place[cause as usize] + 1);
                self.take_in(chain, bound, place as u32, &mut open);
            }
            if self.seen[columns.chain[t as usize] as usize] > columns.place[t as usize] {
                self.circular = true;
                return Ok(late);
            }
            match ground {
                Ground::Causality(known) => {
                    known.of_reader(t).for_each(|edge| self.add(edge, &mut late));
                }
                Ground::SessionOrder(groups) => self.look(groups, &mut looks, t, &mut late),
            }
        }
        Ok(late)
    }

    /// Adds the edges that follow from the reads of a transaction on the path.
    fn look(&mut self, groups: &Groups, looks: &mut Looks, t: u32, late: &mut Vec<u32>) {
        let columns = self.columns;
        for read in columns.reads(t) {
            for group in groups.of_key(read.key) {
                let bound = self.seen[groups.chain[group] as usize];
                let Some(at) = groups.last_before(group, bound, looks.hints[group]) else { continue };
                looks.hints[group] = at;
                let other = groups.writer(at);
                let implied = read.writer != NONE && columns.in_chain_order(other, read.writer);
                if other == read.writer || implied || looks.last[group] == (other, read.writer) {
                    continue;
                }
                looks.last[group] = (other, read.writer);
                self.add(Edge { from: other, to: read.writer, reader: t, key: read.key }, late);
            }
        }
    }

    fn add(&mut self, edge: Edge, late: &mut Vec<u32>) {
        if edge.to == NONE {
            if self.initial.is_none() {
                self.initial = Some(edge);
                self.initial_after = self.edges.len() as u32;
            }
            return;
        }
        if self.arrival(edge.from) > self.before(edge.to) {
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
            if steps.is_multiple_of(4096) {
                budget.check()?;
            }
            let flat = self.sources.flat(self.columns, t);
            let old = self.arrivals[flat];
            if old <= place {
                continue;
            }
            self.arrivals[flat] = place;
            // It happened before one that is not after it in its own session.
            if self.index(t) != NONE && place <= self.index(t) {
                self.circular = true;
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
        reads: &ReadsByKey,
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
    fn reads_by_key(&self) -> ReadsByKey {
        let mut by_key = ReadsByKey::default();
        for (place, &t) in (0..).zip(&self.path) {
            for read in self.columns.reads(t) {
                by_key.entry(read.key).or_default().push((place, read.writer));
            }
        }
        by_key
    }
}

/// By group, what was found there last.
#[derive(Default)]
struct Looks {
    hints: Vec<u32>,
    last: Vec<(u32, u32)>,
}

impl Looks {
    fn of(groups: &Groups) -> Self {
        Self {
            hints: (0..groups.count()).map(|group| groups.start(group)).collect(),
            last: vec![(NONE, NONE); groups.count()],
        }
    }
}
