//! The shortest cycle of dependencies that a level forbids, by class, in a part of a history that is small.

use std::collections::VecDeque;

use super::columns::Columns;
use super::dependencies::Kind;
use super::level::{Level, Order, Rule};
use crate::graph::{NONE, Rows};

/// A dependency between two transactions, on a key where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) kind: Kind,
    /// The version that was installed first, or read.
    pub(super) version: u32,
    /// The version that replaced it; [`NONE`] where none did.
    pub(super) newer: u32,
}

/// Which dependencies a cycle holds, the weakest class first (Adya; G-nonadjacent after Elle).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Write-write alone.
    G0,
    /// Write-write and write-read.
    G1c,
    /// One read-write among them.
    GSingle,
    /// Several read-write, no two of them next to each other.
    GNonadjacent,
    /// Any.
    G2,
}

const CLASSES: [Class; 5] = [Class::G0, Class::G1c, Class::GSingle, Class::GNonadjacent, Class::G2];

/// A cycle, its class, and which order of whole transactions it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cycle {
    pub(super) edges: Vec<Edge>,
    pub(super) class: Class,
    pub(super) order: Order,
}

/// Every dependency between transactions that all version orders have.
pub(super) fn edges(columns: &Columns, order: Order) -> Vec<Edge> {
    let mut all = Vec::new();
    let mut order_edge = |from: u32, to: u32, kind: Kind| {
        all.push(Edge { from, to, kind, version: NONE, newer: NONE });
    };
    for from in 0..columns.count() {
        for to in (0..columns.count()).filter(|&to| to != from) {
            let (a, b) = (from as usize, to as usize);
            let same_session =
                columns.session[a] == columns.session[b] && from < to && !columns.indefinite[a];
            match order {
                Order::Session if same_session => order_edge(from, to, Kind::Session),
                Order::RealTime if columns.returned[a] < columns.invoked[b] => {
                    order_edge(from, to, Kind::RealTime);
                }
                _ => {}
            }
        }
    }
    for version in 0..columns.versions() {
        let writer = columns.writer[version as usize];
        for &reader in columns.readers.row(version) {
            if writer != NONE {
                all.push(Edge { from: writer, to: reader, kind: Kind::WriteRead, version, newer: NONE });
            }
        }
        for newer in successors(columns, version) {
            all.extend(replacing(columns, version, newer));
        }
    }
    all
}

/// The edges that say that a version was replaced by another.
pub(super) fn replacing(columns: &Columns, version: u32, newer: u32) -> Vec<Edge> {
    let (writer, to) = (columns.writer[version as usize], columns.writer[newer as usize]);
    let edge = |from: u32, kind: Kind| Edge { from, to, kind, version, newer };
    let first = (writer != NONE && writer != to).then(|| edge(writer, Kind::WriteWrite));
    let readers = columns.readers.row(version).iter().filter(|&&reader| reader != to);
    first.into_iter().chain(readers.map(|&reader| edge(reader, Kind::ReadWrite))).collect()
}

/// The versions that may come right after one, in every order that is allowed: the next of its chain, or behind the first
/// chain the first of every other.
fn successors(columns: &Columns, version: u32) -> Vec<u32> {
    if let Some(next) = columns.next(version) {
        return vec![next];
    }
    let chains = super::dependencies::Chains::of(columns);
    if chains.of[version as usize] >= columns.keys {
        return Vec::new();
    }
    let key = columns.key[version as usize];
    chains.of_key.row(key).iter().map(|&chain| chains.first[chain as usize]).collect()
}

/// The shortest cycle of the weakest class among edges, of those that the level forbids.
pub(super) fn forbidden(columns: &Columns, level: Level, edges: &[Edge]) -> Option<Cycle> {
    let orders = [Order::None, level.order];
    let orders = if level.order == Order::None { &orders[..1] } else { &orders[..] };
    for &order in orders {
        let plain =
            |edge: &&Edge| order != Order::None || !matches!(edge.kind, Kind::Session | Kind::RealTime);
        let edges: Vec<Edge> = edges.iter().filter(plain).copied().collect();
        let by_source = Rows::of(
            columns.operation.len(),
            (0..edges.len() as u32).map(|edge| (edges[edge as usize].from, edge)),
        );
        for class in CLASSES.into_iter().filter(|&class| forbids(level.rule, class)) {
            let cycles = (0..columns.count())
                .filter_map(|start| shortest(&edges, &by_source, level.rule, class, start));
            if let Some(edges) = cycles.min_by_key(Vec::len) {
                return Some(Cycle { edges, class, order });
            }
        }
    }
    None
}

fn forbids(rule: Rule, class: Class) -> bool {
    match rule {
        Rule::ReadUncommitted => class == Class::G0,
        Rule::ReadCommitted => class <= Class::G1c,
        Rule::MonotonicAtomicView | Rule::ParallelSnapshot => class <= Class::GSingle,
        Rule::Prefix | Rule::Snapshot => class <= Class::GNonadjacent,
        Rule::Serializable => true,
    }
}

/// How far a walk has come: where it is, its last kind, whether its first was read-write, how many were (two stand for
/// more).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    node: u32,
    last: Option<Kind>,
    first_is_rw: bool,
    rw: u8,
}

impl State {
    fn code(self) -> usize {
        let last = self.last.map_or(0, |kind| kind as usize + 1);
        ((self.node as usize * 6 + last) * 2 + usize::from(self.first_is_rw)) * 3 + usize::from(self.rw)
    }

    /// After one more edge; `None` where the class or the rule has no such step.
    fn step(self, kind: Kind, to: u32, rule: Rule, class: Class) -> Option<Self> {
        let is_rw = kind == Kind::ReadWrite;
        let allowed = match class {
            Class::G0 => matches!(kind, Kind::WriteWrite | Kind::Session | Kind::RealTime),
            Class::G1c => !is_rw,
            Class::GSingle => !is_rw || self.rw == 0,
            Class::GNonadjacent => !is_rw || self.last != Some(Kind::ReadWrite),
            Class::G2 => true,
        };
        // Under consistent prefix a read-write dependency counts only behind what makes the read visible.
        let behind = match self.last {
            Some(Kind::WriteWrite | Kind::ReadWrite) => false,
            Some(_) | None => true,
        };
        if !allowed || (rule == Rule::Prefix && is_rw && !behind) {
            return None;
        }
        let first_is_rw = if self.last.is_none() { is_rw } else { self.first_is_rw };
        Some(Self { node: to, last: Some(kind), first_is_rw, rw: (self.rw + u8::from(is_rw)).min(2) })
    }

    /// Whether a walk that has come back to its start is a cycle of the class.
    fn closes(self, rule: Rule, class: Class) -> bool {
        let last_is_rw = self.last == Some(Kind::ReadWrite);
        let visible = !matches!(self.last, Some(Kind::WriteWrite | Kind::ReadWrite));
        let prefix = rule != Rule::Prefix || !self.first_is_rw || visible;
        prefix
            && match class {
                Class::G0 | Class::G1c => true,
                Class::GSingle => self.rw == 1,
                Class::GNonadjacent => self.rw >= 2 && !(self.first_is_rw && last_is_rw),
                Class::G2 => self.rw >= 1,
            }
    }
}

/// A shortest cycle of a class through a transaction.
fn shortest(edges: &[Edge], by_source: &Rows, rule: Rule, class: Class, start: u32) -> Option<Vec<Edge>> {
    let origin = State { node: start, last: None, first_is_rw: false, rw: 0 };
    let mut came_by: Vec<Option<(usize, u32)>> = vec![None; by_source.count() * 36];
    let mut queue = VecDeque::from([origin]);
    while let Some(state) = queue.pop_front() {
        for &at in by_source.row(state.node) {
            let edge = edges[at as usize];
            let Some(next) = state.step(edge.kind, edge.to, rule, class) else { continue };
            if edge.to == start {
                if next.closes(rule, class) {
                    return Some(walk_back(edges, &came_by, state.code(), at));
                }
                continue;
            }
            let slot = &mut came_by[next.code()];
            if slot.is_none() {
                *slot = Some((state.code(), at));
                queue.push_back(next);
            }
        }
    }
    None
}

fn walk_back(edges: &[Edge], came_by: &[Option<(usize, u32)>], state: usize, last: u32) -> Vec<Edge> {
    let mut walk = vec![edges[last as usize]];
    let mut at = state;
    while let Some((before, edge)) = came_by[at] {
        walk.push(edges[edge as usize]);
        at = before;
    }
    walk.reverse();
    walk
}
