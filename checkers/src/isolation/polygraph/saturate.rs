//! Draws every edge without which a choice would close a cycle, to a fixed point.
//!
//! Of two chains A and B of a key one comes first. A first means that A's last transaction commits before B's first
//! starts, and that A's last version's readers start before B's first transaction commits. Where a path already
//! contradicts that, B comes first. It suffices to look, for each session, at the last writer of the key that precedes A.

use super::super::columns::Columns;
use super::super::dependencies::Chains;
use super::clocks::{Clocks, Lines};
use super::constraints::{Because, Constraints};
use crate::graph::{NONE, Rows};
use crate::{Budget, Exhausted};

/// The writers of one key on one line, in its order: a range of [`Writers::versions`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) line: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The versions of each key by line.
#[derive(Debug)]
pub(super) struct Writers {
    groups: Vec<Group>,
    /// By key, its first group, and the end of the last key's.
    of_key: Vec<usize>,
    pub(super) versions: Vec<u32>,
    /// Of each of these, where its transaction starts on its line.
    pub(super) starts: Vec<u32>,
    /// Of each of these, its chain.
    pub(super) chains: Vec<u32>,
    /// Of each of these, the one before it in its group that is of another chain; `usize::MAX` if there is none.
    others: Vec<usize>,
}

impl Writers {
    pub(super) fn of(columns: &Columns, chains: &Chains, lines: &Lines) -> Self {
        let by_key = Rows::of(
            columns.keys as usize,
            (columns.keys..columns.versions()).map(|version| (columns.key[version as usize], version)),
        );
        let mut writers = Self {
            groups: Vec::new(),
            of_key: vec![0],
            versions: Vec::with_capacity(columns.key.len()),
            starts: Vec::with_capacity(columns.key.len()),
            chains: Vec::with_capacity(columns.key.len()),
            others: Vec::with_capacity(columns.key.len()),
        };
        for key in 0..columns.keys {
            let mut versions = by_key.row(key).to_vec();
            versions.sort_unstable_by_key(|&version| lines.start(columns.writer[version as usize]));
            let first_group = writers.groups.len();
            for version in versions {
                let (line, start) = lines.start(columns.writer[version as usize]);
                writers.push(version, line, start, chains.of[version as usize], first_group);
            }
            writers.of_key.push(writers.groups.len());
        }
        writers
    }

    fn push(&mut self, version: u32, line: usize, start: u32, chain: u32, first_group: usize) {
        let at = self.versions.len();
        let same =
            self.groups.len() > first_group && self.groups.last().is_some_and(|group| group.line == line);
        let other = match same {
            true if self.chains[at - 1] == chain => self.others[at - 1],
            true => at - 1,
            false => usize::MAX,
        };
        match self.groups.last_mut().filter(|_| same) {
            Some(group) => group.end += 1,
            None => self.groups.push(Group { line, start: at, end: at + 1 }),
        }
        self.versions.push(version);
        self.starts.push(start);
        self.chains.push(chain);
        self.others.push(other);
    }

    pub(super) fn groups(&self, key: u32) -> &[Group] {
        &self.groups[self.of_key[key as usize]..self.of_key[key as usize + 1]]
    }

    /// Of a group's writers, how many have a position below a bound; `offset` is that of the moment that counts.
    pub(super) fn below(&self, group: &Group, bound: u32, offset: u32) -> usize {
        self.starts[group.start..group.end].partition_point(|&start| start + offset < bound)
    }
}

/// The graph with everything inferred, and what goes with it.
pub(super) struct Saturated {
    pub(super) clocks: Clocks,
    pub(super) lines: Lines,
    pub(super) writers: Writers,
}

/// Whether every choice that is left stands open.
pub(super) enum Outcome {
    /// A cycle of forced edges: no version order helps.
    Cyclic,
    Open,
}

pub(super) struct Saturation<'a> {
    pub(super) columns: &'a Columns,
    pub(super) chains: &'a Chains,
    pub(super) budget: &'a Budget,
}

impl Saturation<'_> {
    /// To the fixed point. `retry` is called after each pass and ends it where it answers.
    pub(super) fn run(
        &self,
        graph: &mut Constraints,
        saturated: &mut Saturated,
        mut order: Vec<u32>,
        mut retry: impl FnMut(&Constraints) -> bool,
    ) -> Result<Outcome, Exhausted> {
        loop {
            self.budget.check()?;
            saturated.clocks.propagate(graph, &saturated.lines, &order);
            let before = graph.edges.len();
            self.pass(graph, saturated)?;
            if graph.edges.len() == before {
                return Ok(Outcome::Open);
            }
            for edge in before..graph.edges.len() {
                saturated.clocks.refresh(graph.edges[edge].1);
            }
            graph.index();
            match graph.topological() {
                Some(next) => order = next,
                None => return Ok(Outcome::Cyclic),
            }
            if retry(graph) {
                return Ok(Outcome::Open);
            }
        }
    }

    fn pass(&self, graph: &mut Constraints, saturated: &Saturated) -> Result<(), Exhausted> {
        let edges = graph.edges.len() as u32;
        let mut seen = vec![NONE; self.chains.first.len()];
        for key in 0..self.columns.keys {
            if key % 1024 == 0 {
                self.budget.check()?;
            }
            for &chain in self.chains.of_key.row(key) {
                self.before_chain(graph, saturated, chain, edges, &mut seen);
            }
        }
        Ok(())
    }

    /// Draws edges from every chain that has to come before this one.
    fn before_chain(
        &self,
        graph: &mut Constraints,
        saturated: &Saturated,
        chain: u32,
        edges: u32,
        seen: &mut [u32],
    ) {
        let (columns, layout) = (self.columns, graph.layout);
        let last = self.chains.last[chain as usize];
        let key = columns.key[last as usize];
        let commit = layout.commit(columns.writer[last as usize]);
        let readers =
            columns.readers.row(last).iter().map(|&reader| (layout.start(reader), u32::from(layout.split)));
        // A first is contradicted if B started before A's last commit, or committed before a reader of A started.
        for (node, offset) in std::iter::once((commit, 0)).chain(readers) {
            if !saturated.clocks.has_grown(node) {
                continue;
            }
            let row = saturated.clocks.row(node);
            for group in saturated.writers.groups(key) {
                let bound = row[group.line];
                if bound <= saturated.writers.starts[group.start] + offset {
                    continue;
                }
                let mut at = group.start + saturated.writers.below(group, bound, offset) - 1;
                if saturated.writers.chains[at] == chain {
                    at = saturated.writers.others[at];
                }
                if at == usize::MAX {
                    continue;
                }
                let other = saturated.writers.chains[at];
                if other < columns.keys || std::mem::replace(&mut seen[other as usize], chain) == chain {
                    continue;
                }
                let writer = columns.writer[saturated.writers.versions[at] as usize];
                let from = if offset == 0 { layout.start(writer) } else { layout.commit(writer) };
                self.draw(graph, saturated, other, chain, Because { from, to: node, edges });
            }
        }
    }

    /// The edges that say that one chain precedes another.
    fn draw(
        &self,
        graph: &mut Constraints,
        saturated: &Saturated,
        first: u32,
        second: u32,
        because: Because,
    ) {
        let (columns, layout) = (self.columns, graph.layout);
        let last = self.chains.last[first as usize];
        let begins = columns.writer[self.chains.first[second as usize] as usize];
        let writer = columns.writer[last as usize];
        if !saturated.clocks.covers(layout.start(begins), saturated.lines.commit(writer)) {
            graph.infer(layout.commit(writer), layout.start(begins), because);
        }
        for &reader in columns.readers.row(last) {
            if !saturated.clocks.covers(layout.commit(begins), saturated.lines.start(reader)) {
                graph.infer(layout.start(reader), layout.commit(begins), because);
            }
        }
    }
}
