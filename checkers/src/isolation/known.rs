//! The levels below snapshot isolation, by the dependencies that are known: of lists, whose reads tell the order of their
//! versions, all; of registers those that every version order has.

use super::columns::Columns;
use super::dependencies::{Chains, Dependencies, Kind};
use super::level::{Level, Order, Rule};
use super::polygraph::Decision;
use crate::graph::{NONE, Rows, left_over, short_cycle, shortest_path};
use crate::{Budget, Exhausted};

/// How many pairs of appends that no read shows are put in order.
const PAIRS_MAX: usize = 2_000;

pub(super) fn decide(
    columns: &Columns,
    level: Level,
    is_list: impl Fn(u32) -> bool,
    budget: &Budget,
) -> Result<Decision, Exhausted> {
    match level.rule {
        Rule::ReadUncommitted => Ok(acyclic(columns, &[Kind::WriteWrite])),
        Rule::ReadCommitted => Ok(acyclic(columns, &[Kind::WriteWrite, Kind::WriteRead])),
        Rule::MonotonicAtomicView => match acyclic(columns, &[Kind::WriteWrite, Kind::WriteRead]) {
            Decision::Holds => Ok(monotonic_views(columns, is_list)),
            violated => Ok(violated),
        },
        Rule::Prefix => {
            let cycle = prefix_cycle(columns, level.order);
            Ok(known_or(columns, cycle, is_list))
        }
        _ => parallel_snapshot(columns, level.order, is_list, budget),
    }
}

/// Transactions on a cycle violate; without one, what is known suffices for lists alone.
fn known_or(columns: &Columns, cycle: Option<Vec<u32>>, is_list: impl Fn(u32) -> bool) -> Decision {
    match cycle {
        Some(cycle) => Decision::Violated(cycle),
        None if has_open_registers(columns, is_list) => Decision::Unknown(
            "what is read does not tell in which order the versions of every register came".into(),
        ),
        None => Decision::Holds,
    }
}

/// Whether two versions of some register stand in no known order.
fn has_open_registers(columns: &Columns, is_list: impl Fn(u32) -> bool) -> bool {
    let merged = columns.with_replaced();
    let chains = Chains::of(&merged);
    (0..columns.keys).any(|key| !is_list(key) && chains.of_key.len(key) > 0)
}

fn acyclic(columns: &Columns, kinds: &[Kind]) -> Decision {
    let chains = Chains::of(columns);
    let dependencies = Dependencies::of(columns, &chains, Order::None);
    let edges = dependencies.edges.iter().filter(|edge| kinds.contains(&edge.kind));
    let edges: Vec<(u32, u32)> = edges.map(|edge| (edge.from, edge.to)).collect();
    cycle(dependencies.nodes, &edges).map_or(Decision::Holds, |cycle| Decision::Violated(own(columns, cycle)))
}

/// The transactions among nodes, in ascending order.
fn own(columns: &Columns, mut nodes: Vec<u32>) -> Vec<u32> {
    nodes.retain(|&node| node < columns.count());
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// The nodes of a short cycle.
fn cycle(nodes: u32, edges: &[(u32, u32)]) -> Option<Vec<u32>> {
    let successors = Rows::of(nodes as usize, edges.iter().copied());
    let predecessors = Rows::of(nodes as usize, edges.iter().map(|&(from, to)| (to, from)));
    short_cycle(&successors, &predecessors)
}

/// What every version order has, where nothing forbids a version between one that was read and the reader's own.
fn loose(columns: &Columns, order: Order) -> Dependencies {
    let mut dependencies = Dependencies::of(columns, &Chains::of(columns), order);
    for version in 0..columns.versions() {
        let replaced = columns.replaced[version as usize];
        if replaced == NONE {
            continue;
        }
        let writer = columns.writer[replaced as usize];
        if version >= columns.keys {
            dependencies.add(columns.writer[version as usize], writer, Kind::WriteWrite);
        }
        for &reader in columns.readers.row(version).iter().filter(|&&reader| reader != writer) {
            dependencies.add(reader, writer, Kind::ReadWrite);
        }
    }
    dependencies
}

/// A cycle of ((SO or WR) ; RW?) or WW: each transaction has a second node, entered by what a read-write dependency may
/// follow and left by those alone.
fn prefix_cycle(columns: &Columns, order: Order) -> Option<Vec<u32>> {
    let dependencies = loose(columns, order);
    let second = dependencies.nodes;
    let is_own = |node: u32| node < columns.count();
    let mut edges = Vec::with_capacity(2 * dependencies.edges.len());
    for edge in &dependencies.edges {
        match edge.kind {
            Kind::ReadWrite if is_own(edge.from) => edges.push((second + edge.from, edge.to)),
            Kind::ReadWrite | Kind::WriteWrite => edges.push((edge.from, edge.to)),
            Kind::WriteRead | Kind::Session | Kind::RealTime => {
                edges.push((edge.from, edge.to));
                edges.push((edge.from, second + edge.to));
            }
        }
    }
    let nodes = cycle(2 * second, &edges)?;
    Some(own(
        columns,
        nodes.into_iter().map(|node| if node >= second { node - second } else { node }).collect(),
    ))
}

/// (SO or WR or WW)+ ; RW? is irreflexive.
fn parallel_snapshot(
    columns: &Columns,
    order: Order,
    is_list: impl Fn(u32) -> bool,
    budget: &Budget,
) -> Result<Decision, Exhausted> {
    let merged = columns.with_replaced();
    let chains = Chains::of(&merged);
    let dependencies = Dependencies::of(&merged, &chains, order);
    let mut view = Views::of(&merged, &dependencies);
    if let Some(cycle) = view.cycle(budget)? {
        return Ok(Decision::Violated(cycle));
    }
    let mut open = Vec::new();
    for key in 0..merged.keys {
        let heads = chains.of_key.row(key);
        if heads.len() > 1 && !is_list(key) {
            let why = "what is read does not tell in which order the versions of every register came";
            return Ok(Decision::Unknown(why.into()));
        }
        for (i, &one) in heads.iter().enumerate() {
            let writer = |chain: u32| merged.writer[chains.first[chain as usize] as usize];
            open.extend(heads[i + 1..].iter().map(|&other| (writer(one), writer(other))));
        }
    }
    if open.len() > PAIRS_MAX {
        return Ok(Decision::Unknown(format!("{} pairs of appends that no read shows", open.len())));
    }
    view.order(open, budget)
}

/// What a transaction's snapshot holds: transactions that precede it by session, write-read and write-write
/// dependencies.
struct Views<'a> {
    columns: &'a Columns,
    nodes: u32,
    visible: Vec<(u32, u32)>,
    /// Read-write dependencies with helpers resolved.
    replaces: Vec<(u32, u32)>,
}

impl<'a> Views<'a> {
    fn of(columns: &'a Columns, dependencies: &Dependencies) -> Self {
        let mut views =
            Self { columns, nodes: dependencies.nodes, visible: Vec::new(), replaces: Vec::new() };
        let helpers = dependencies.edges.iter().filter(|edge| edge.kind == Kind::ReadWrite);
        let out = Rows::of(
            dependencies.nodes as usize,
            helpers.clone().map(|e| (e.from, e.to)).collect::<Vec<_>>().into_iter(),
        );
        for edge in &dependencies.edges {
            match edge.kind {
                Kind::ReadWrite if edge.from >= columns.count() => {}
                Kind::ReadWrite if edge.to >= columns.count() => {
                    views.replaces.extend(out.row(edge.to).iter().map(|&to| (edge.from, to)));
                }
                Kind::ReadWrite => views.replaces.push((edge.from, edge.to)),
                _ => views.visible.push((edge.from, edge.to)),
            }
        }
        views
    }

    fn successors(&self) -> Rows {
        Rows::of(self.nodes as usize, self.visible.iter().copied())
    }

    fn path(&self, successors: &Rows, from: u32, to: u32) -> Option<Vec<u32>> {
        if from == to {
            return Some(vec![from]);
        }
        shortest_path(self.nodes as usize, from, to, |at| successors.row(at).iter().copied())
    }

    /// A cycle with one read-write dependency at most.
    fn cycle(&self, budget: &Budget) -> Result<Option<Vec<u32>>, Exhausted> {
        if let Some(found) = cycle(self.nodes, &self.visible) {
            return Ok(Some(own(self.columns, found)));
        }
        let successors = self.successors();
        let all = self.visible.iter().chain(&self.replaces).copied();
        let every = Rows::of(self.nodes as usize, all);
        // A cycle of that kind is one of all dependencies.
        let left = left_over(&every);
        for &(reader, writer) in &self.replaces {
            budget.check()?;
            if !left[reader as usize] || !left[writer as usize] {
                continue;
            }
            if let Some(path) = self.path(&successors, writer, reader) {
                return Ok(Some(own(self.columns, path)));
            }
        }
        Ok(None)
    }

    /// Puts pairs of transactions in order, of which either order may be the one.
    fn order(&mut self, mut open: Vec<(u32, u32)>, budget: &Budget) -> Result<Decision, Exhausted> {
        let mut guessed = false;
        while !open.is_empty() {
            let mut left = Vec::new();
            let before = open.len();
            for &(one, other) in &open {
                budget.check()?;
                let (first, second) = (self.contradicts(one, other), self.contradicts(other, one));
                match (first, second) {
                    (Some(_), Some(_)) if guessed => {
                        return Ok(Decision::Unknown("the order of appends that no read shows".into()));
                    }
                    (Some(first), Some(second)) => {
                        let nodes = first.into_iter().chain(second).chain([one, other]).collect();
                        return Ok(Decision::Violated(own(self.columns, nodes)));
                    }
                    (None, Some(_)) => self.visible.push((one, other)),
                    (Some(_), None) => self.visible.push((other, one)),
                    (None, None) => left.push((one, other)),
                }
            }
            if left.len() == before {
                // Nothing is forced: any order will do for one of them, as far as is known.
                if let Some((one, other)) = left.pop() {
                    self.visible.push((one.min(other), one.max(other)));
                    guessed = true;
                }
            }
            open = left;
        }
        Ok(Decision::Holds)
    }

    /// What an edge would close a cycle with: transactions on it.
    fn contradicts(&self, from: u32, to: u32) -> Option<Vec<u32>> {
        let successors = self.successors();
        if let Some(path) = self.path(&successors, to, from) {
            return Some(path);
        }
        self.replaces.iter().find_map(|&(reader, writer)| {
            let mut path = self.path(&successors, writer, from)?;
            path.extend(self.path(&successors, to, reader)?);
            Some(path)
        })
    }
}

/// Which version of a key certainly precedes which.
struct Precedence {
    /// By version, its chain and its place there.
    chain: Vec<u32>,
    place: Vec<u32>,
    keys: u32,
}

impl Precedence {
    fn of(columns: &Columns) -> Self {
        let chains = Chains::of(columns);
        let mut place = vec![0u32; columns.key.len()];
        for chain in 0..chains.count() {
            let versions =
                std::iter::successors(Some(chains.first[chain as usize]), |&version| columns.next(version));
            for (at, version) in (0..).zip(versions) {
                place[version as usize] = at;
            }
        }
        Self { chain: chains.of, place, keys: columns.keys }
    }

    /// `None` where they are not of one chain.
    fn precedes(&self, one: u32, two: u32) -> Option<bool> {
        let (one, two) = (one as usize, two as usize);
        (self.chain[one] == self.chain[two]).then_some(self.place[one] < self.place[two])
    }
}

/// Once a transaction has read a version that T installed, it reads no version that precedes another of T's.
fn monotonic_views(columns: &Columns, is_list: impl Fn(u32) -> bool) -> Decision {
    // Of a list every version that reads show precedes all others; of a register what was replaced precedes what replaced
    // it, with others perhaps in between.
    let (lists, registers) = (Precedence::of(columns), Precedence::of(&columns.with_replaced()));
    let mut unsure = false;
    for t in 0..columns.count() {
        let walk = columns.walks.row(t);
        for (i, &later) in walk.iter().enumerate() {
            let key = columns.key[later as usize];
            for &earlier in &walk[..i] {
                let seen = columns.writer[earlier as usize];
                let own = (seen != NONE && seen != t).then(|| columns.version_of(seen, key)).flatten();
                let Some(own) = own.filter(|&own| own != later) else { continue };
                let known = match is_list(key) {
                    true => lists.precedes(later, own).or(Some(lists.chain[later as usize] < lists.keys)),
                    false if later < columns.keys => Some(true),
                    false => registers.precedes(later, own),
                };
                if known == Some(true) {
                    return Decision::Violated(vec![t.min(seen), t.max(seen)]);
                }
                unsure |= known.is_none();
            }
        }
    }
    if unsure {
        Decision::Unknown(
            "what is read does not tell in which order the versions of every register came".into(),
        )
    } else {
        Decision::Holds
    }
}
