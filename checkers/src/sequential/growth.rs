//! Sets that only grow and lists that are only appended to, each element added once: decided by forced order alone.
//!
//! It never searches: a read says of each element whether its addition stands before it or after it, so that
//! additions and reads have a legal order iff these edges and session order have no cycle.
//!
//! Of one key's reads each shows all that a smaller one shows, or two of them contradict each other. So they stand on
//! *levels*, and two helper nodes a level carry the edges: all additions up to a level come before the node at its
//! foot and that before the level's reads; the reads come before the node at its head, and that before all later
//! additions.

use std::collections::{BTreeMap, VecDeque};

use histories::Value;
use rustc_hash::{FxHashMap, FxHashSet};

use super::accesses::{Deed, Objects};
use super::objects::Access;
use crate::core::registers::NONE;
use crate::graph::{self, Rows};
use crate::models::{ListCall, SetCall};

/// What was decided; deeds by their places.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Growth {
    Order(Vec<u32>),
    /// Deeds that no order explains.
    Contradiction(Vec<u32>),
}

/// `None` where the rule does not apply.
pub(super) fn decide(objects: &Objects) -> Option<Growth> {
    let mut additions = Additions::of(objects)?;
    if let Err(read) = additions.see(objects) {
        return Some(Growth::Contradiction(vec![read]));
    }
    let mut graph = Graph::new(objects, &additions);
    for reads in reads_by_object(objects).values() {
        if let Err(contradiction) = graph.add_object(objects, &additions, reads) {
            return Some(Growth::Contradiction(contradiction));
        }
    }
    graph.add_unseen(&additions);
    Some(graph.decide(objects, &additions))
}

fn element(deed: &Deed) -> Option<&Value> {
    match &deed.access {
        Access::Set(SetCall::Add(element), _) | Access::List(ListCall::Append(element), _) => Some(element),
        _ => None,
    }
}

/// What a read shows, in its order.
fn shown(deed: &Deed) -> Vec<&Value> {
    match &deed.access {
        Access::Set(SetCall::Read, Some(seen)) => seen.iter().collect(),
        Access::List(ListCall::Read, Some(seen)) => seen.iter().collect(),
        _ => Vec::new(),
    }
}

fn reads_by_object(objects: &Objects) -> BTreeMap<u32, Vec<u32>> {
    let mut reads: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (place, deed) in (0..).zip(&objects.deeds).filter(|(_, deed)| element(deed).is_none()) {
        reads.entry(deed.object).or_default().push(place);
    }
    reads
}

/// Who added which element.
struct Additions<'o> {
    by_element: FxHashMap<(u32, &'o Value), u32>,
    /// By deed, whether it happened: a read, acknowledged, or seen.
    happened: Vec<bool>,
}

impl<'o> Additions<'o> {
    fn of(objects: &'o Objects) -> Option<Self> {
        let mut by_element = FxHashMap::default();
        for (place, deed) in (0..).zip(&objects.deeds) {
            let reads = matches!(
                deed.access,
                Access::Set(SetCall::Read, Some(_)) | Access::List(ListCall::Read, Some(_))
            );
            match element(deed) {
                Some(element) if by_element.insert((deed.object, element), place).is_some() => return None,
                None if !reads => return None,
                _ => {}
            }
        }
        Some(Self { by_element, happened: objects.deeds.iter().map(|deed| deed.acknowledged).collect() })
    }

    /// Notes what reads show. A read that shows what was not added, or twice what was added once, is an error.
    fn see(&mut self, objects: &Objects) -> Result<(), u32> {
        for (place, deed) in (0..).zip(&objects.deeds) {
            let mut here = FxHashSet::default();
            for element in shown(deed) {
                let addition = *self.by_element.get(&(deed.object, element)).ok_or(place)?;
                if !here.insert(addition) {
                    return Err(place);
                }
                self.happened[addition as usize] = true;
            }
        }
        Ok(())
    }

    fn seen_by(&self, deed: &Deed) -> Vec<u32> {
        shown(deed).into_iter().map(|element| self.by_element[&(deed.object, element)]).collect()
    }
}

struct Graph {
    deeds: u32,
    nodes: u32,
    edges: Vec<(u32, u32)>,
    /// By deed, whether a read showed it.
    leveled: Vec<bool>,
    /// By object, the head of its last level, and the read that shows most.
    last: FxHashMap<u32, (u32, u32)>,
}

impl Graph {
    /// With session order: from what a session knows to have happened to what it did next.
    fn new(objects: &Objects, additions: &Additions<'_>) -> Self {
        let deeds = objects.deeds.len() as u32;
        let mut edges = Vec::new();
        let mut last: Option<(u32, u32)> = None;
        for (place, deed) in (0..).zip(&objects.deeds) {
            let before = last.filter(|&(process, _)| process == deed.process);
            if additions.happened[place as usize] {
                edges.extend(before.map(|(_, before)| (before, place)));
            }
            last = if deed.acknowledged { Some((deed.process, place)) } else { before };
        }
        Self { deeds, nodes: deeds, edges, leveled: vec![false; deeds as usize], last: FxHashMap::default() }
    }

    fn node(&mut self) -> u32 {
        self.nodes += 1;
        self.nodes - 1
    }

    /// The levels of one object's reads, or what they contradict each other by.
    fn add_object(
        &mut self,
        objects: &Objects,
        additions: &Additions<'_>,
        reads: &[u32],
    ) -> Result<(), Vec<u32>> {
        let mut reads: Vec<(u32, Vec<u32>)> =
            reads.iter().map(|&read| (read, additions.seen_by(&objects.deeds[read as usize]))).collect();
        reads.sort_by_key(|(read, seen)| (seen.len(), *read));
        let is_list = |read: u32| matches!(objects.deeds[read as usize].access, Access::List(..));
        // The foot and the head of the level before, and what it shows.
        let mut below: Option<(u32, u32)> = None;
        let mut known: (u32, Vec<u32>) = (NONE, Vec::new());
        for (read, seen) in reads {
            let new = if is_list(read) { beyond_list(&known.1, &seen) } else { beyond_set(&known.1, &seen) };
            let new = new.map_err(|pair| vec![known.0, read, pair.0, pair.1])?;
            let (foot, head) = match below.filter(|_| new.is_empty()) {
                Some(level) => level,
                None => self.level(below, &new, is_list(read).then_some(known.1.last().copied()).flatten()),
            };
            if is_list(read) {
                self.edges.extend(new.windows(2).map(|pair| (pair[0], pair[1])));
            }
            self.edges.extend([(foot, read), (read, head)]);
            (below, known) = (Some((foot, head)), (read, seen));
        }
        if let Some((_, head)) = below {
            self.last.insert(objects.deeds[known.0 as usize].object, (head, known.0));
        }
        Ok(())
    }

    /// A level above another, with what is new on it; `before` was the last of a list so far.
    fn level(&mut self, below: Option<(u32, u32)>, new: &[u32], before: Option<u32>) -> (u32, u32) {
        let (foot, head) = (self.node(), self.node());
        for &addition in new {
            self.leveled[addition as usize] = true;
            self.edges.push((addition, foot));
            self.edges.extend(below.map(|(_, head)| (head, addition)));
        }
        if let (Some(before), Some(&first)) = (before, new.first()) {
            self.edges.push((before, first));
        }
        if let Some((old_foot, old_head)) = below {
            self.edges.extend([(old_foot, foot), (old_head, head)]);
        }
        (foot, head)
    }

    /// What happened and no read shows comes after all reads.
    fn add_unseen(&mut self, additions: &Additions<'_>) {
        for (&(object, _), &addition) in &additions.by_element {
            if additions.happened[addition as usize] && !self.leveled[addition as usize] {
                self.edges.extend(self.last.get(&object).map(|&(head, _)| (head, addition)));
            }
        }
        // The table has no order of its own.
        self.edges.sort_unstable();
    }

    fn decide(&self, objects: &Objects, additions: &Additions<'_>) -> Growth {
        let graph = Rows::of_edges(self.nodes as usize, |visit| {
            self.edges.iter().for_each(|&(from, to)| visit(from, to));
        });
        let counts = |node: &u32| *node < self.deeds && additions.happened[*node as usize];
        match graph::sort(&graph) {
            Ok(sequence) => Growth::Order(sequence.into_iter().filter(counts).collect()),
            Err(left) => Growth::Contradiction(self.cycle(objects, &graph, &left)),
        }
    }

    /// The deeds of a short cycle, and the fullest read of each list on it, which shows its order.
    fn cycle(&self, objects: &Objects, graph: &Rows, left: &[bool]) -> Vec<u32> {
        let starts = (0..self.deeds).filter(|&node| left[node as usize]);
        let mut best: Option<Vec<u32>> = None;
        let mut found = 0;
        for start in starts {
            let Some(cycle) = self.shortest(objects, graph, left, start) else { continue };
            if best.as_ref().is_none_or(|best| cycle.len() < best.len()) {
                best = Some(cycle);
            }
            found += 1;
            if found == STARTS_MAX {
                break;
            }
        }
        let mut cycle = best.unwrap_or_default();
        for at in 0..cycle.len() {
            let deed = &objects.deeds[cycle[at] as usize];
            if matches!(deed.access, Access::List(..)) {
                cycle.extend(self.last.get(&deed.object).map(|&(_, read)| read));
            }
        }
        cycle.sort_unstable();
        cycle.dedup();
        cycle
    }

    /// The deeds of the cycle through one that leaves its sessions least often. A run within a session is its ends.
    fn shortest(&self, objects: &Objects, graph: &Rows, left: &[bool], start: u32) -> Option<Vec<u32>> {
        let mut toward = vec![NONE; self.nodes as usize];
        let mut cost = vec![NONE; self.nodes as usize];
        let mut queue = VecDeque::from([(start, 0)]);
        let process = |node: u32| objects.deeds.get(node as usize).map(|deed| deed.process);
        let end = loop {
            let (node, so_far) = queue.pop_front()?;
            if cost[node as usize] < so_far {
                continue;
            }
            if graph.row(node).contains(&start) {
                break node;
            }
            for &next in graph.row(node).iter().filter(|&&next| left[next as usize]) {
                let leaves = node < self.deeds && (process(node) != process(next) || next < node);
                let (at, more) = (next as usize, so_far + u32::from(leaves));
                if next != start && more < cost[at] {
                    (cost[at], toward[at]) = (more, node);
                    if leaves { queue.push_back((next, more)) } else { queue.push_front((next, more)) }
                }
            }
        };
        let back = std::iter::successors(Some(end), |&node| {
            Some(toward[node as usize]).filter(|&node| node != NONE)
        });
        let deeds: Vec<u32> = back.filter(|&node| node < self.deeds).collect();
        Some(ends_of_runs(&deeds, objects))
    }
}

/// How many cycles are compared.
const STARTS_MAX: usize = 64;

/// Of a cycle told backwards, without those that stand between two of their own session, of which the first leads on.
fn ends_of_runs(cycle: &[u32], objects: &Objects) -> Vec<u32> {
    let count = cycle.len();
    let deed = |node: u32| &objects.deeds[node as usize];
    let inner = |at: usize| {
        let (after, node, before) = (cycle[(at + count - 1) % count], cycle[at], cycle[(at + 1) % count]);
        let own = deed(node).process;
        let in_order = before < node && node < after && deed(before).acknowledged;
        in_order && deed(before).process == own && deed(after).process == own
    };
    (0..count).filter(|&at| !inner(at)).map(|at| cycle[at]).collect()
}

/// What a larger set has beyond a smaller one; or an element that each has and the other has not.
fn beyond_set(smaller: &[u32], larger: &[u32]) -> Result<Vec<u32>, (u32, u32)> {
    let (old, now): (FxHashSet<u32>, FxHashSet<u32>) =
        (smaller.iter().copied().collect(), larger.iter().copied().collect());
    let new: Vec<u32> = larger.iter().copied().filter(|element| !old.contains(element)).collect();
    match smaller.iter().find(|element| !now.contains(element)) {
        Some(&lost) => Err((lost, new.first().copied().unwrap_or(lost))),
        None => Ok(new),
    }
}

/// What a longer list has beyond a shorter one; or the first two elements that differ.
fn beyond_list(shorter: &[u32], longer: &[u32]) -> Result<Vec<u32>, (u32, u32)> {
    match shorter.iter().zip(longer).find(|(a, b)| a != b) {
        Some((&a, &b)) => Err((a, b)),
        None => Ok(longer[shorter.len()..].to_vec()),
    }
}
