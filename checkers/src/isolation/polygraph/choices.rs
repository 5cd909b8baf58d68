//! The choices that are left when everything forced has been drawn: pairs of chains of a key of which either may come
//! first.

use rustc_hash::FxHashMap;

use super::super::columns::Columns;
use super::super::dependencies::Chains;
use super::constraints::Constraints;
use super::saturate::Saturated;

/// Choices as variables, with the edges that each direction draws.
#[derive(Debug, Default)]
pub(super) struct Choices {
    pub(super) variables: usize,
    /// A literal, and an edge that it draws; literal `2 v` stands for one direction of variable `v`, `2 v + 1` for the
    /// other.
    pub(super) edges: Vec<(u32, (u32, u32))>,
    /// The transactions between which a choice stands open.
    pub(super) transactions: Vec<u32>,
}

pub(super) fn open_choices(
    columns: &Columns,
    chains: &Chains,
    graph: &Constraints,
    saturated: &Saturated,
) -> Choices {
    let mut choices = Choices::default();
    // Chains of one transaction each, of the same two: whichever comes first on one key does on all.
    let mut between: FxHashMap<(u32, u32), u32> = FxHashMap::default();
    let writer = |version: u32| columns.writer[version as usize];
    for (one, other) in open_pairs(columns, chains, graph, saturated) {
        let single = chains.length[one as usize] == 1 && chains.length[other as usize] == 1;
        let (first, second) = (writer(chains.first[one as usize]), writer(chains.first[other as usize]));
        let (one, other) = if single && first > second { (other, one) } else { (one, other) };
        let fresh = choices.variables as u32;
        let variable = if single {
            *between.entry((first.min(second), first.max(second))).or_insert(fresh)
        } else {
            fresh
        };
        choices.variables += usize::from(variable == fresh);
        choices.transactions.extend([first, second]);
        for (literal, before, after) in [(2 * variable, one, other), (2 * variable + 1, other, one)] {
            let (last, first) = (chains.last[before as usize], chains.first[after as usize]);
            let begins = writer(first);
            choices.edges.push((literal, (graph.layout.commit(writer(last)), graph.layout.start(begins))));
            for &reader in columns.readers.row(last) {
                if !saturated.clocks.covers(graph.layout.commit(begins), saturated.lines.start(reader)) {
                    let edge = (graph.layout.start(reader), graph.layout.commit(begins));
                    choices.edges.push((literal, edge));
                }
            }
        }
    }
    choices.transactions.sort_unstable();
    choices.transactions.dedup();
    choices
}

/// On each line the chains known to precede a chain begin together, and those known to follow it end together: only what
/// lies between is open.
fn open_pairs(
    columns: &Columns,
    chains: &Chains,
    graph: &Constraints,
    saturated: &Saturated,
) -> Vec<(u32, u32)> {
    let (layout, writers) = (graph.layout, &saturated.writers);
    let start = |chain: u32| layout.start(columns.writer[chains.first[chain as usize] as usize]);
    let commit = |chain: u32| saturated.lines.commit(columns.writer[chains.last[chain as usize] as usize]);
    let mut pairs = Vec::new();
    for chain in columns.keys..chains.count() {
        let row = saturated.clocks.row(start(chain));
        for group in writers.groups(columns.key[chains.first[chain as usize] as usize]) {
            let known = writers.below(group, row[group.line], u32::from(layout.split));
            for at in group.start + known..group.end {
                let other = writers.chains[at];
                let is_head = chains.first[other as usize] == writers.versions[at];
                if other == chain || other < columns.keys || !is_head {
                    continue;
                }
                if saturated.clocks.covers(start(other), commit(chain)) {
                    break;
                }
                if chain < other && !saturated.clocks.covers(start(chain), commit(other)) {
                    pairs.push((chain, other));
                }
            }
        }
    }
    pairs
}
