//! All fifteen sets of session guarantees: which of them a history violates, and the least such sets.
//!
//! It never judges large histories set by set: where causal convergence does not settle the matter, it says so.
//!
//! After Terry et al., "Session guarantees for weakly consistent replicated data", PDIS 1994: V(r) is what the
//! database held when it answered r. Guarantees that hold one by one may still contradict each other, because V
//! grows by all of them in turn.

use histories::{History, ModelName};

use super::analysis::Analysis;
use super::columns::{Columns, NONE};
use super::compile;
use super::undecided;
use crate::Budget;
use crate::graph;

/// The guarantees, in the order of the bits of a set.
const GUARANTEES: [ModelName; 4] = [
    ModelName::ReadYourWrites,
    ModelName::MonotonicReads,
    ModelName::MonotonicWrites,
    ModelName::WritesFollowReads,
];
const READ_YOUR_WRITES: u8 = 1;
const MONOTONIC_READS: u8 = 2;
const MONOTONIC_WRITES: u8 = 4;
const WRITES_FOLLOW_READS: u8 = 8;
const ALL: u8 = 15;

/// What is known of the sets of session guarantees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionSets {
    /// The violated sets of which no part is violated; none where all four guarantees hold together.
    Minimal(Vec<Vec<ModelName>>),
    /// A read that nobody's write explains violates whatever one asks for.
    Unexplained,
    /// Not decided, and why.
    Undecided(String),
}

impl SessionSets {
    /// Beyond this many operations the sets of what was held do not fit.
    pub const OPERATIONS_MAX: usize = 8_192;
}

/// Decides all fifteen sets.
pub fn session_sets(history: &History, budget: &Budget) -> SessionSets {
    let compiled = match compile::compile(history, budget) {
        Ok(compiled) if compiled.has_transactions => {
            return SessionSets::Undecided("session guarantees are of single operations".into());
        }
        Ok(compiled) if compiled.beside.is_some() => {
            return SessionSets::Undecided("there are keys of other data types".into());
        }
        Ok(compiled) => compiled,
        Err(unfit) => return SessionSets::Undecided(undecided::reason(history, &unfit)),
    };
    let columns = &compiled.columns;
    if !columns.flaws.is_empty() {
        return SessionSets::Unexplained;
    }
    if let Some(uncertain) = &compiled.uncertain {
        return SessionSets::Undecided(undecided::left_out(history, uncertain));
    }
    // All four together are causal convergence, which is decided fast.
    let together = Analysis::new(history, columns, budget)
        .and_then(|analysis| analysis.decide(ModelName::CausalConvergence, budget));
    match together {
        Ok(None) => return SessionSets::Minimal(Vec::new()),
        Err(exhausted) => return SessionSets::Undecided(exhausted.to_string()),
        Ok(Some(_)) => {}
    }
    if columns.len() > SessionSets::OPERATIONS_MAX {
        return SessionSets::Undecided(format!(
            "all four together are violated; of more than {} operations the sets are not told apart",
            SessionSets::OPERATIONS_MAX
        ));
    }
    let mut least: Vec<u8> = Vec::new();
    let mut sets: Vec<u8> = (1..=ALL).collect();
    sets.sort_by_key(|set| set.count_ones());
    for set in sets {
        if let Err(exhausted) = budget.check() {
            return SessionSets::Undecided(exhausted.to_string());
        }
        if !least.iter().any(|part| part & set == *part) && violated(columns, set) {
            least.push(set);
        }
    }
    SessionSets::Minimal(least.into_iter().map(names).collect())
}

fn names(set: u8) -> Vec<ModelName> {
    (0..).zip(GUARANTEES).filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, name)| name).collect()
}

/// Whether no arbitration of the writes satisfies a set of guarantees.
pub(super) fn violated(columns: &Columns, set: u8) -> bool {
    let held = Held::of(columns, set);
    let mut edges: Vec<(u32, u32)> = Vec::new();
    let mut writers: Vec<Vec<u32>> = vec![Vec::new(); columns.keys as usize];
    for t in columns.ids() {
        columns.writes(t).iter().for_each(|&key| writers[key as usize].push(t));
    }
    for t in columns.ids() {
        for read in columns.reads(t) {
            for &other in writers[read.key as usize].iter().filter(|&&other| other != read.writer) {
                if held.reads.contains(t, other) {
                    if read.writer == NONE {
                        return true;
                    }
                    edges.push((other, read.writer));
                }
            }
        }
    }
    session_edges(columns, set, &mut edges);
    let graph = graph::Rows::of_edges(3 * columns.len(), |visit| {
        for &(from, to) in &edges {
            visit(from, to);
        }
    });
    graph::sort(&graph).is_err()
}

/// The order that monotonic writes and writes follow reads ask for among the writes themselves, by way of two more
/// nodes a transaction: one after all that its session had written, one after all that it had read.
fn session_edges(columns: &Columns, set: u8, edges: &mut Vec<(u32, u32)>) {
    let count = columns.len() as u32;
    for t in columns.ids() {
        let writes = !columns.writes(t).is_empty();
        let previous = columns.previous(t);
        if set & MONOTONIC_WRITES != 0 {
            if let Some(previous) = previous {
                edges.push((count + previous, count + t));
                if writes {
                    edges.push((count + previous, t));
                }
            }
            if writes {
                edges.push((t, count + t));
            }
        }
        if set & WRITES_FOLLOW_READS != 0 {
            let node = 2 * count + t;
            edges.extend(previous.map(|previous| (2 * count + previous, node)));
            let sources = columns.reads(t).iter().map(|read| read.writer);
            edges.extend(sources.filter(|&writer| writer != NONE).map(|writer| (writer, node)));
            if writes {
                edges.push((node, t));
            }
        }
    }
}

/// By transaction, a set of transactions.
struct Rows {
    width: usize,
    bits: Vec<u64>,
}

impl Rows {
    fn new(count: usize) -> Self {
        let width = count.div_ceil(64);
        Self { width, bits: vec![0; width * count] }
    }

    fn contains(&self, row: u32, member: u32) -> bool {
        self.bits[row as usize * self.width + member as usize / 64] >> (member % 64) & 1 == 1
    }

    fn row(&self, row: u32) -> &[u64] {
        &self.bits[row as usize * self.width..][..self.width]
    }

    /// Replaces a row by one that holds it; says whether it grew.
    fn grow(&mut self, row: u32, larger: &[u64]) -> bool {
        let old = &mut self.bits[row as usize * self.width..][..self.width];
        let grew = old != larger;
        old.copy_from_slice(larger);
        grew
    }
}

/// What the database held: V(r) of each read, and what comes with each write.
struct Held {
    reads: Rows,
    writes: Rows,
    /// All that came with the reads, and the writes, that the session made before a transaction.
    reads_before: Rows,
    writes_before: Rows,
}

impl Held {
    /// The least sets that are closed under the guarantees.
    fn of(columns: &Columns, set: u8) -> Self {
        let rows = || Rows::new(columns.len());
        let mut held = Self { reads: rows(), writes: rows(), reads_before: rows(), writes_before: rows() };
        loop {
            let mut grew = false;
            for t in columns.ids() {
                grew |= held.step(columns, set, t);
            }
            if !grew {
                return held;
            }
        }
    }

    fn step(&mut self, columns: &Columns, set: u8, t: u32) -> bool {
        let mut grew = false;
        if let Some(previous) = columns.previous(t) {
            let both = |before: &Rows, own: &Rows| union(before.row(previous), own.row(previous));
            let (reads, writes) =
                (both(&self.reads_before, &self.reads), both(&self.writes_before, &self.writes));
            grew |= self.reads_before.grow(t, &reads);
            grew |= self.writes_before.grow(t, &writes);
        }
        if !columns.reads(t).is_empty() {
            let mut held = self.reads.row(t).to_vec();
            for read in columns.reads(t).iter().filter(|read| read.writer != NONE) {
                held = union(&held, self.writes.row(read.writer));
            }
            if set & READ_YOUR_WRITES != 0 {
                held = union(&held, self.writes_before.row(t));
            }
            if set & MONOTONIC_READS != 0 {
                held = union(&held, self.reads_before.row(t));
            }
            grew |= self.reads.grow(t, &held);
        }
        if !columns.writes(t).is_empty() {
            let mut held = self.writes.row(t).to_vec();
            held[t as usize / 64] |= 1 << (t % 64);
            if set & MONOTONIC_WRITES != 0 {
                held = union(&held, self.writes_before.row(t));
            }
            if set & WRITES_FOLLOW_READS != 0 {
                held = union(&union(&held, self.reads_before.row(t)), self.reads.row(t));
            }
            grew |= self.writes.grow(t, &held);
        }
        grew
    }
}

fn union(a: &[u64], b: &[u64]) -> Vec<u64> {
    a.iter().zip(b).map(|(a, b)| a | b).collect()
}
