//! Whole transactions one after another: what every such order keeps, to a fixed point; a cycle of it means that there
//! is none.
//!
//! It never tries an order: where it finds no cycle, nothing is decided.
//!
//! Between a transaction `w` and one `r` that read its write of a key no other writer `v` of the key stands, hence
//!
//! - if `v` comes before `r` it comes before `w`;
//! - if `v` comes after `w` it comes after `r`.
//!
//! Gibbons and Korach, "Testing shared memories", SIAM J. Comput. 1997, with transactions for operations.

use rustc_hash::FxHashSet;

use super::columns::{Columns, Groups, NONE};
use super::order::{Edge, Order};
use super::shortest::{self, Into, Reason, Roads, Search, Step};
use crate::{Budget, Exhausted};

/// Beyond this a contradiction is told as it was found.
const CUT_MAX: usize = 200;

/// Transactions that no order explains, where what is forced shows any, and memory suffices to see it.
pub(super) fn contradiction(columns: &Columns, budget: &Budget) -> Result<Option<Vec<u32>>, Exhausted> {
    if Before::size(columns) > budget.memory_bytes_max {
        return Ok(None);
    }
    saturate(columns, budget)?.map(|named| cut(columns, named)).transpose()
}

/// Edges, and what each follows from.
#[derive(Default)]
struct Inferred {
    edges: Vec<Edge>,
    /// By edge, the ends of a way by earlier edges that it follows from, and how many edges there were.
    because: Vec<(u32, u32, u32)>,
    known: FxHashSet<(u32, u32)>,
}

impl Inferred {
    fn add(&mut self, edge: Edge, because: (u32, u32), before: u32) {
        if self.known.insert((edge.from, edge.to)) {
            self.edges.push(edge);
            self.because.push((because.0, because.1, before));
        }
    }
}

/// Transactions that contradict each other by what is forced.
fn saturate(columns: &Columns, budget: &Budget) -> Result<Option<Vec<u32>>, Exhausted> {
    let groups = Groups::of(columns);
    let mut inferred = Inferred::default();
    initial_reads(columns, &groups, &mut inferred);
    loop {
        budget.check()?;
        let known = inferred.edges.len();
        let order = match Order::with(columns, &inferred.edges) {
            Ok(order) => order,
            Err(left) => return Ok(Some(support(columns, &inferred, &left))),
        };
        let before = Before::of(columns, &inferred.edges, &order);
        follow(columns, &groups, &before, &mut inferred);
        if inferred.edges.len() == known {
            return Ok(None);
        }
    }
}

/// A read of what was there at first comes before every write.
fn initial_reads(columns: &Columns, groups: &Groups, inferred: &mut Inferred) {
    for t in columns.ids() {
        for read in columns.reads(t).iter().filter(|read| read.writer == NONE) {
            for first in groups.of_key(read.key).map(|group| groups.writer(groups.start(group))) {
                if first != t {
                    inferred.add(Edge { from: t, to: first, reader: t, key: read.key }, (t, t), 0);
                }
            }
        }
    }
}

/// What follows now from each read and each chain that writes its key: from the last writer before the read, and from
/// the first after the writer that it read from. The others follow by the chain's order.
fn follow(columns: &Columns, groups: &Groups, before: &Before, inferred: &mut Inferred) {
    let known = inferred.edges.len() as u32;
    for t in columns.ids() {
        for read in columns.reads(t).iter().filter(|read| read.writer != NONE) {
            let (key, writer) = (read.key, read.writer);
            for group in groups.of_key(key) {
                let seen = before.count(t, groups.chain[group]);
                if let Some(at) = groups.last_before(group, seen, groups.start(group)) {
                    let other = groups.writer(at);
                    if other != writer && !before.precedes(columns, other, writer) {
                        inferred.add(Edge { from: other, to: writer, reader: t, key }, (other, t), known);
                    }
                }
                let after = groups.first_after(group, |other| before.precedes(columns, writer, other));
                if let Some(other) = after.filter(|&other| other != t && !before.precedes(columns, t, other))
                {
                    inferred.add(Edge { from: t, to: other, reader: t, key }, (writer, other), known);
                }
            }
        }
    }
}

/// Row by row, for each transaction and chain how many of the chain's come before.
struct Before {
    chains: usize,
    rows: Vec<u32>,
}

impl Before {
    /// In bytes.
    fn size(columns: &Columns) -> usize {
        columns.len().saturating_mul(columns.chains as usize).saturating_mul(size_of::<u32>())
    }

    fn of(columns: &Columns, edges: &[Edge], order: &Order) -> Self {
        let chains = columns.chains as usize;
        let mut before = Self { chains, rows: vec![0; columns.len() * chains] };
        let into = Into::of(columns, edges);
        let mut row = vec![0; chains];
        for t in (0..columns.len()).map(|index| order.at(index)) {
            row.fill(0);
            let forced = into.leading_to(t).iter().map(|&index| edges[index as usize].from);
            for cause in columns.causes(t).chain(forced) {
                let of_cause = &before.rows[cause as usize * chains..][..chains];
                row.iter_mut().zip(of_cause).for_each(|(seen, &count)| *seen = (*seen).max(count));
                let own = &mut row[columns.chain[cause as usize] as usize];
                *own = (*own).max(columns.place[cause as usize] + 1);
            }
            before.rows[t as usize * chains..][..chains].copy_from_slice(&row);
        }
        before
    }

    fn count(&self, t: u32, chain: u32) -> u32 {
        self.rows[t as usize * self.chains + chain as usize]
    }

    fn precedes(&self, columns: &Columns, a: u32, b: u32) -> bool {
        self.count(b, columns.chain[a as usize]) > columns.place[a as usize]
    }
}

/// The transactions of a short cycle, and of all that its edges follow from.
fn support(columns: &Columns, inferred: &Inferred, left: &[bool]) -> Vec<u32> {
    let into = Into::of(columns, &inferred.edges);
    let roads =
        |edges_before: u32| Roads { edges: &inferred.edges, edges_before, ..Roads::plain(columns, &into) };
    let mut search = Search::new(columns);
    let mut steps: Vec<Step> = shortest::cycle(&roads(inferred.edges.len() as u32), left).unwrap_or_default();
    let mut explained = vec![false; inferred.edges.len()];
    let mut named = Vec::new();
    while let Some(step) = steps.pop() {
        named.extend([step.from, step.to]);
        let Reason::Inferred(index) = step.reason else { continue };
        if !std::mem::replace(&mut explained[index as usize], true) {
            let (from, to, edges_before) = inferred.because[index as usize];
            named.extend([inferred.edges[index as usize].reader, from, to]);
            let way = (from != to).then(|| search.path(&roads(edges_before), (from, to), u32::MAX, |_| true));
            steps.extend(way.flatten().map(|(_, steps)| steps).unwrap_or_default());
        }
    }
    named.sort_unstable();
    named.dedup();
    named
}

/// Leaves out one transaction after another, as long as what is left is contradictory.
fn cut(columns: &Columns, mut named: Vec<u32>) -> Result<Vec<u32>, Exhausted> {
    let contradicts = |kept: &[u32]| {
        let found = saturate(&columns.restrict(kept), &Budget::unlimited())?;
        Ok::<_, Exhausted>(found.is_some())
    };
    if named.len() > CUT_MAX {
        return Ok(named);
    }
    let mut at = named.len();
    while at > 0 {
        at -= 1;
        let mut kept = named.clone();
        kept.remove(at);
        if contradicts(&kept)? {
            named = kept;
        }
    }
    Ok(named)
}
