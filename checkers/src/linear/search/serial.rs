//! Transactions of reads and writes whose values are unique: an order that respects time, found by looking ahead.
//!
//! It never says that there is none: what it does not order is left to the search.
//!
//! Who reads a value is known beforehand. A value in force with reads to come is *open*: it keeps all other writes off
//! its key. What is done tells what is open, so it alone is the state, and what time lets happen next tells what is done.
//! Whatever opens nothing that was closed is done at once: one that has done more, and has nothing more open, is as good.
//! Else what returns first has to happen before time can go on, and only what bears on it is tried: what it needs before
//! it, and what writes a key that one of these writes. Anything else can as well happen after the first of them.

mod problem;

use finding::{Meter, Stop};
use rustc_hash::FxHashSet;

use crate::core::registers::NONE;
use problem::{Node, Problem, Transaction};

/// Wrong choices after which the search takes over.
const DEAD_ENDS_MAX: u32 = 20_000;
/// Of a place that leads nowhere: its row in the table, and what the allocator adds.
const PLACE_BYTES: usize = 64;

/// The entries in an order that explains them, without those that nobody saw take effect. `None` where none was found.
pub(super) fn order(entries: &[Transaction], meter: &mut Meter<'_>) -> Result<Option<Vec<u32>>, Stop> {
    let Some(problem) = Problem::of(entries) else { return Ok(None) };
    let held = meter.held();
    let mut search = Search::new(&problem);
    let found = search.run(meter);
    meter.release_to(held);
    match found {
        Ok(true) => {
            Ok(Some(search.trail.iter().map(|step| problem.nodes[step.node as usize].entry).collect()))
        }
        Err(Stop::Time) => Err(Stop::Time),
        Ok(false) | Err(_) => Ok(None),
    }
}

/// One transaction that was done; what it replaced stands at the end of the list of those.
struct Step {
    node: u32,
    replaced: usize,
}

/// A choice that may have been wrong.
struct Branch {
    depth: usize,
    tried: u32,
}

struct Search<'p> {
    problem: &'p Problem,
    by_invoked: Vec<u32>,
    by_return: Vec<u32>,
    /// By node, its place among the returns.
    place: Vec<u32>,
    done: Vec<bool>,
    /// How many of those that returned first are all done, and how many of those invoked first were looked at.
    returned: usize,
    entered: usize,
    /// Looked at and not done; some of them time does not let happen yet.
    active: Vec<u32>,
    /// By slot, how many reads are to come; by key, the slot in force.
    pending: Vec<u32>,
    current: Vec<u32>,
    trail: Vec<Step>,
    replaced: Vec<(u32, u32)>,
    branches: Vec<Branch>,
    dead: FxHashSet<Box<[u32]>>,
    /// By node, the last time that it was found to bear on something.
    noted: Vec<u32>,
    times: u32,
}

impl<'p> Search<'p> {
    fn new(problem: &'p Problem) -> Self {
        let nodes = &problem.nodes;
        let sorted = |key: fn(&Node) -> u64| {
            let mut order: Vec<u32> = (0..nodes.len() as u32).collect();
            order.sort_by_key(|&node| key(&nodes[node as usize]));
            order
        };
        let by_return = sorted(|node| node.returned);
        let mut place = vec![0; nodes.len()];
        (0..).zip(&by_return).for_each(|(at, &node)| place[node as usize] = at);
        Self {
            problem,
            by_invoked: sorted(|node| node.invoked),
            by_return,
            place,
            done: vec![false; nodes.len()],
            returned: 0,
            entered: 0,
            active: Vec::new(),
            pending: problem.readers.iter().map(|readers| readers.len() as u32).collect(),
            current: problem.initial.clone(),
            trail: Vec::with_capacity(nodes.len()),
            replaced: Vec::new(),
            branches: Vec::new(),
            dead: FxHashSet::default(),
            noted: vec![0; nodes.len()],
            times: 0,
        }
    }

    fn node(&self, node: u32) -> &'p Node {
        &self.problem.nodes[node as usize]
    }

    fn run(&mut self, meter: &mut Meter<'_>) -> Result<bool, Stop> {
        let (mut dead_ends, mut tried) = (0, None);
        loop {
            if tried.is_none() {
                self.settle(meter)?;
            }
            if self.trail.len() == self.problem.nodes.len() {
                return Ok(true);
            }
            let fresh = tried.is_some() || self.is_fresh();
            if let Some(node) = self.candidate(tried).filter(|_| fresh) {
                self.branches.push(Branch { depth: self.trail.len(), tried: node });
                self.execute(node);
                tried = None;
                continue;
            }
            dead_ends += 1;
            let next = self.next();
            meter.hold(size_of_val(&*next) + PLACE_BYTES)?;
            self.dead.insert(next);
            let Some(branch) = self.branches.pop().filter(|_| dead_ends < DEAD_ENDS_MAX) else {
                return Ok(false);
            };
            self.back_to(branch.depth);
            tried = Some(branch.tried);
        }
    }

    fn is_fresh(&mut self) -> bool {
        let next = self.next();
        !self.dead.contains(&next)
    }

    /// What is invoked later than this comes after something that is not done.
    fn limit(&mut self) -> u64 {
        while self.by_return.get(self.returned).is_some_and(|&node| self.done[node as usize]) {
            self.returned += 1;
        }
        let limit = self.by_return.get(self.returned).map_or(u64::MAX, |&node| self.node(node).returned);
        while let Some(&node) =
            self.by_invoked.get(self.entered).filter(|&&node| self.node(node).invoked <= limit)
        {
            self.active.push(node);
            self.entered += 1;
        }
        limit
    }

    /// Does all that opens nothing.
    fn settle(&mut self, meter: &mut Meter<'_>) -> Result<(), Stop> {
        loop {
            meter.tick()?;
            let limit = self.limit();
            let harmless = |&&node: &&u32| self.is_possible(node, limit) && self.opens_nothing(node);
            let Some(&node) = self.active.iter().find(harmless) else { return Ok(()) };
            self.execute(node);
        }
    }

    fn is_possible(&self, node: u32, limit: u64) -> bool {
        let node = self.node(node);
        let own = |&(key, slot): &(u32, u32)| self.current[key as usize] == slot;
        let is_free = |&(key, _): &(u32, u32)| {
            let current = self.current[key as usize];
            self.pending[current as usize] == u32::from(node.reads.contains(&(key, current)))
        };
        node.invoked <= limit && node.reads.iter().all(own) && node.writes.iter().all(is_free)
    }

    fn opens_nothing(&self, node: u32) -> bool {
        let node = self.node(node);
        node.writes.iter().all(|&(key, slot)| {
            self.pending[slot as usize] == 0 || node.reads.contains(&(key, self.current[key as usize]))
        })
    }

    /// Of those that bear on what returns first, and are possible now, the first after `tried` by when they must have
    /// happened.
    fn candidate(&mut self, tried: Option<u32>) -> Option<u32> {
        let limit = self.limit();
        let bearing = self.bearing(limit)?;
        let rank = |node: u32| (self.node(node).known, node);
        let possible = bearing.into_iter().filter(|&node| self.is_possible(node, limit));
        let left = possible.filter(|&node| tried.is_none_or(|tried| rank(node) > rank(tried)));
        left.min_by_key(|&node| rank(node))
    }

    /// What returns first, what it needs before it, and what writes a key that one of these writes. `None` where it needs
    /// what comes only after it.
    fn bearing(&mut self, limit: u64) -> Option<Vec<u32>> {
        let mut bearing = Vec::new();
        self.times += 1;
        self.note(vec![*self.by_return.get(self.returned)?], &mut bearing);
        let mut at = 0;
        while let Some(&node) = bearing.get(at) {
            self.note(self.needs(node), &mut bearing);
            at += 1;
        }
        if bearing.iter().any(|&node| self.node(node).invoked > limit) {
            return None;
        }
        let mut at = 0;
        while let Some(&node) = bearing.get(at) {
            // What cannot happen yet stands after what returns first, and so does all that needs it.
            if self.node(node).invoked <= limit {
                self.note(self.needs(node), &mut bearing);
                self.note(self.rivals(node, limit), &mut bearing);
            }
            at += 1;
        }
        Some(bearing)
    }

    /// Adds what is not noted yet.
    fn note(&mut self, found: Vec<u32>, bearing: &mut Vec<u32>) {
        for node in found {
            if std::mem::replace(&mut self.noted[node as usize], self.times) != self.times {
                bearing.push(node);
            }
        }
    }

    /// What may happen now, too, and writes a key that a transaction writes.
    fn rivals(&self, node: u32, limit: u64) -> Vec<u32> {
        let keys = &self.node(node).writes;
        let is_rival = |other: &Node| {
            let writes = |&(key, _): &(u32, u32)| other.writes.iter().any(|&(written, _)| written == key);
            other.invoked <= limit && keys.iter().any(writes)
        };
        self.active.iter().copied().filter(|&other| is_rival(self.node(other))).collect()
    }

    /// The writers of what a transaction reads, and who has yet to read what it, or one of those, would overwrite.
    fn needs(&self, node: u32) -> Vec<u32> {
        let mut needs = Vec::new();
        let reads_left = |key: u32| {
            let readers = &self.problem.readers[self.current[key as usize] as usize];
            readers.iter().copied().filter(move |&other| other != node && !self.done[other as usize])
        };
        for &(key, slot) in &self.node(node).reads {
            if self.current[key as usize] != slot {
                needs.extend(Some(self.problem.writers[slot as usize]).filter(|&writer| writer != NONE));
                needs.extend(reads_left(key));
            }
        }
        for &(key, _) in &self.node(node).writes {
            needs.extend(reads_left(key));
        }
        needs
    }

    fn execute(&mut self, node: u32) {
        self.trail.push(Step { node, replaced: self.replaced.len() });
        self.done[node as usize] = true;
        self.active.retain(|&other| other != node);
        for &(_, slot) in &self.node(node).reads {
            self.pending[slot as usize] -= 1;
        }
        for &(key, slot) in &self.node(node).writes {
            self.replaced.push((key, std::mem::replace(&mut self.current[key as usize], slot)));
        }
    }

    fn back_to(&mut self, depth: usize) {
        while self.trail.len() > depth
            && let Some(Step { node, replaced }) = self.trail.pop()
        {
            for (key, slot) in self.replaced.drain(replaced..).rev() {
                self.current[key as usize] = slot;
            }
            for &(_, slot) in &self.problem.nodes[node as usize].reads {
                self.pending[slot as usize] += 1;
            }
            self.done[node as usize] = false;
            self.returned = self.returned.min(self.place[node as usize] as usize);
            self.active.push(node);
        }
    }

    /// What time lets happen next: all that is not done and comes after nothing that is not.
    fn next(&mut self) -> Box<[u32]> {
        let limit = self.limit();
        let mut next: Vec<u32> =
            self.active.iter().copied().filter(|&node| self.node(node).invoked <= limit).collect();
        next.sort_unstable();
        next.into()
    }
}
