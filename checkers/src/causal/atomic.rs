//! What read atomic and read committed infer: who comes before whom because a transaction read of both.
//!
//! It looks no further than a transaction's direct predecessors, which is all that these models speak of.

use super::clocks::Inferred;
use super::columns::{Columns, Groups, NONE, Read};
use super::order::Edge;
use crate::{Budget, Exhausted};

/// Which reads of a transaction an earlier one obliges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Atomicity {
    /// All of them, and the session's own writes as well: read atomic.
    Whole,
    /// Those that come after: read committed, after Biswas and Enea, "On the complexity of checking transactional
    /// consistency", OOPSLA 2019.
    Onward,
}

pub(crate) fn infer(
    columns: &Columns,
    groups: &Groups,
    atomicity: Atomicity,
    budget: &Budget,
) -> Result<Inferred, Exhausted> {
    let mut inferred = Inferred::default();
    let parents = parents(columns);
    // By writer, the last transaction that was found to read from it.
    let mut met = vec![NONE; columns.len()];
    let mut by_key: Vec<(u32, u32)> = Vec::new();
    for t in columns.ids() {
        if t % 8192 == 0 {
            budget.check()?;
        }
        let reads = columns.reads(t);
        if atomicity == Atomicity::Whole {
            for read in reads {
                if let Some(own) = last_own(columns, groups, &parents, t, read.key) {
                    add(columns, &mut inferred, own, *read, t);
                }
            }
        }
        if reads.len() < 2 {
            continue;
        }
        by_key.clear();
        by_key.extend((0..).zip(reads).map(|(at, read): (u32, _)| (read.key, at)));
        by_key.sort_unstable();
        for (at, read) in (0..).zip(reads) {
            if read.writer == NONE || met[read.writer as usize] == t {
                continue;
            }
            met[read.writer as usize] = t;
            let first = if atomicity == Atomicity::Whole { 0 } else { at + 1 };
            for obliged in shared(columns, reads, &by_key, read.writer).filter(|&obliged| obliged >= first) {
                add(columns, &mut inferred, read.writer, reads[obliged as usize], t);
            }
        }
    }
    Ok(inferred)
}

fn add(columns: &Columns, inferred: &mut Inferred, from: u32, read: Read, reader: u32) {
    let edge = Edge { from, to: read.writer, reader, key: read.key };
    if read.writer == NONE {
        inferred.initial.push(edge);
    } else if from != read.writer && !columns.in_chain_order(from, read.writer) {
        inferred.edges.push(edge);
    }
}

/// Which of a transaction's reads are of keys that a writer wrote, by way of the smaller of the two sets.
fn shared<'c>(
    columns: &'c Columns,
    reads: &'c [Read],
    by_key: &'c [(u32, u32)],
    writer: u32,
) -> Box<dyn Iterator<Item = u32> + 'c> {
    let writes = columns.writes(writer);
    if writes.len() > reads.len() {
        let written = |&&(key, _): &&(u32, u32)| writes.binary_search(&key).is_ok();
        return Box::new(by_key.iter().filter(written).map(|&(_, at)| at));
    }
    Box::new(writes.iter().flat_map(|&key| {
        let first = by_key.partition_point(|&(other, _)| other < key);
        by_key[first..].iter().take_while(move |&&(other, _)| other == key).map(|&(_, at)| at)
    }))
}

/// By chain, the transaction that its first follows in session order.
fn parents(columns: &Columns) -> Vec<u32> {
    let mut parents = vec![NONE; columns.chains as usize];
    for t in columns.ids().filter(|&t| columns.place[t as usize] == 0) {
        parents[columns.chain[t as usize] as usize] = columns.previous[t as usize];
    }
    parents
}

/// The last transaction before `t` in its session that writes a key.
fn last_own(columns: &Columns, groups: &Groups, parents: &[u32], t: u32, key: u32) -> Option<u32> {
    let (mut chain, mut bound) = (columns.chain[t as usize], columns.place[t as usize]);
    loop {
        let group = groups.in_chain(key, chain);
        let at = group.and_then(|group| groups.last_before(group, bound, groups.start(group)));
        if let Some(at) = at {
            return Some(groups.writer(at));
        }
        let parent = parents[chain as usize];
        if parent == NONE {
            return None;
        }
        (chain, bound) = (columns.chain[parent as usize], columns.place[parent as usize] + 1);
    }
}
