//! Depth-first search for a legal order, over how far each session has come.
//!
//! It never claims an order that it has not executed step by step, nor that there is none before it has tried all.
//!
//! Written values are unique, so an order is legal iff between a write and its last read no other write of the key
//! stands. A value that is in force and has reads to come is *open*: it keeps all other writes off its key. What is
//! done tells what is open, so it alone is the state. One state is as good as another if it has done all that the
//! other has, and has nothing open that the other has not: whatever completes the other, less what is done already,
//! completes it. Hence without loss
//!
//! - a read that is next in its session and fits is done at once, and so is a write that nobody reads;
//! - a compare-and-set that is the only one left to read what is in force is done at once: nothing can come before;
//! - a write whose reads can all be done at once after it needs no alternative.
//!
//! What is left to try are writes that stay open, and of each state that led nowhere only how far the sessions had
//! come is remembered.

use rustc_hash::FxHashSet;

use super::guess::Rank;
use super::problem::Problem;
use crate::core::registers::NONE;
use crate::graph::Rows;
use crate::{Budget, Exhausted};

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// All nodes, in a legal order.
    Order(Vec<u32>),
    /// There is none.
    Nothing,
    /// Why, and how many nodes an order explains at least.
    Stopped(Stop, u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stop {
    #[error("the time budget ran out")]
    Time,
    #[error("the memory budget ran out")]
    Memory,
    #[error("the search was cut short")]
    DeadEnds,
}

/// Steps between two looks at the clock.
const STEPS: u64 = 4096;

/// An order, tried in the order of `rank`. `forced` are edges beyond the problem's own that hold in every legal
/// order; after `dead_ends_max` the search stops.
pub(super) fn order(
    problem: &Problem,
    forced: &[(u32, u32)],
    rank: &Rank,
    dead_ends_max: u64,
    budget: &Budget,
) -> Found {
    let mut search = Search::new(problem, forced, rank);
    match search.run(dead_ends_max, budget) {
        Ok(true) => Found::Order(search.trail.iter().map(|step| step.node).collect()),
        Ok(false) => Found::Nothing,
        Err(stop) => Found::Stopped(stop, search.farthest),
    }
}

/// One node that was done, and the slot that was in force on its key before.
struct Step {
    node: u32,
    before: u32,
}

/// A choice that may have been wrong.
struct Branch {
    /// Length of the trail before it.
    depth: usize,
    tried: u32,
}

struct Search<'p> {
    problem: &'p Problem,
    rank: &'p Rank,
    successors: Rows,
    /// By node, how many that come before it are not done.
    waits: Vec<u32>,
    /// By slot, how many reads are not done.
    pending: Vec<u32>,
    /// By key, the slot in force.
    current: Vec<u32>,
    /// Writes that wait for nothing but their key.
    ready: Vec<u32>,
    /// Reads that wait for nothing.
    due: Vec<u32>,
    /// By chain, how many are done.
    frontier: Vec<u32>,
    trail: Vec<Step>,
    branches: Vec<Branch>,
    /// Frontiers that lead nowhere.
    dead: FxHashSet<Box<[u32]>>,
    farthest: u32,
    steps: u64,
}

impl<'p> Search<'p> {
    fn new(problem: &'p Problem, forced: &[(u32, u32)], rank: &'p Rank) -> Self {
        let edges = problem.edges.iter().chain(forced).copied();
        let mut waits = vec![0; problem.acts.len()];
        edges.clone().for_each(|(_, to)| waits[to as usize] += 1);
        let free = |node: &u32| waits[*node as usize] == 0;
        let (ready, due) = (0..problem.count()).filter(free).partition(|&node| problem.writes(node));
        Self {
            problem,
            rank,
            successors: Rows::of(problem.acts.len(), edges),
            pending: problem.readers(),
            current: (0..problem.keys as u32).map(|key| problem.initial(key)).collect(),
            ready,
            due,
            frontier: vec![0; problem.chains.len()],
            trail: Vec::with_capacity(problem.acts.len()),
            branches: Vec::new(),
            dead: FxHashSet::default(),
            farthest: 0,
            steps: 0,
            waits,
        }
    }

    fn run(&mut self, dead_ends_max: u64, budget: &Budget) -> Result<bool, Stop> {
        let mut dead_ends = 0;
        let mut tried = None;
        self.settle(budget)?;
        while self.trail.len() < self.problem.acts.len() {
            let fresh = tried.is_some() || !self.dead.contains(self.frontier.as_slice());
            if let Some(node) = self.candidate(tried).filter(|_| fresh) {
                self.open(node, budget)?;
                tried = None;
                continue;
            }
            dead_ends += 1;
            self.bury(budget)?;
            let Some(branch) = self.branches.pop() else { return Ok(false) };
            if dead_ends > dead_ends_max {
                return Err(Stop::DeadEnds);
            }
            self.back_to(branch.depth);
            tried = Some(branch.tried);
        }
        Ok(true)
    }

    /// Of the writes that are possible now the first by rank after `tried`.
    fn candidate(&self, tried: Option<u32>) -> Option<u32> {
        let place = |node: u32| (self.rank[node as usize], node);
        let possible = |node: &&u32| !self.problem.reads(**node) && !self.is_open(self.key(**node));
        let left = |node: &&u32| tried.is_none_or(|tried| place(**node) > place(tried));
        self.ready.iter().filter(possible).filter(left).copied().min_by_key(|&node| place(node))
    }

    fn open(&mut self, node: u32, budget: &Budget) -> Result<(), Stop> {
        self.branches.push(Branch { depth: self.trail.len(), tried: node });
        self.execute(node);
        let opened_more = self.settle(budget)?;
        if !opened_more && !self.is_open(self.key(node)) {
            self.branches.pop();
        }
        Ok(())
    }

    /// Does all that can be done without loss; returns whether a value was opened by that.
    fn settle(&mut self, budget: &Budget) -> Result<bool, Stop> {
        let mut opened = false;
        loop {
            while let Some(node) = self.due.pop() {
                self.execute(node);
            }
            let Some(node) = self.ready.iter().copied().find(|&node| self.is_harmless(node)) else { break };
            opened |= self.pending[node as usize] > 0;
            self.execute(node);
            self.steps += 1;
            if self.steps.is_multiple_of(STEPS) {
                budget.check().map_err(|Exhausted| Stop::Time)?;
            }
        }
        self.farthest = self.farthest.max(self.trail.len() as u32);
        Ok(opened)
    }

    fn is_harmless(&self, node: u32) -> bool {
        let current = self.current[self.key(node) as usize];
        if self.problem.reads(node) {
            self.pending[current as usize] == 1 && self.problem.source[node as usize] == current
        } else {
            self.pending[node as usize] == 0 && self.pending[current as usize] == 0
        }
    }

    fn key(&self, node: u32) -> u32 {
        self.problem.key[node as usize]
    }

    fn is_open(&self, key: u32) -> bool {
        self.pending[self.current[key as usize] as usize] > 0
    }

    fn execute(&mut self, node: u32) {
        let key = self.key(node) as usize;
        self.trail.push(Step { node, before: self.current[key] });
        self.frontier[self.problem.chain[node as usize] as usize] += 1;
        let source = self.problem.source[node as usize];
        if source != NONE {
            self.pending[source as usize] -= 1;
        }
        if self.problem.writes(node) {
            self.current[key] = node;
            self.ready.retain(|&other| other != node);
        }
        for &next in self.successors.row(node) {
            self.waits[next as usize] -= 1;
            if self.waits[next as usize] == 0 {
                let list = if self.problem.writes(next) { &mut self.ready } else { &mut self.due };
                list.push(next);
            }
        }
    }

    fn back_to(&mut self, depth: usize) {
        while self.trail.len() > depth
            && let Some(Step { node, before }) = self.trail.pop()
        {
            for &next in self.successors.row(node) {
                if self.waits[next as usize] == 0 && self.problem.writes(next) {
                    self.ready.retain(|&other| other != next);
                }
                self.waits[next as usize] += 1;
            }
            if self.problem.writes(node) {
                let key = self.key(node) as usize;
                self.current[key] = before;
                self.ready.push(node);
            }
            let source = self.problem.source[node as usize];
            if source != NONE {
                self.pending[source as usize] += 1;
            }
            self.frontier[self.problem.chain[node as usize] as usize] -= 1;
        }
    }

    /// Notes that what has been done so far leads nowhere.
    fn bury(&mut self, budget: &Budget) -> Result<(), Stop> {
        let bytes_each = size_of_val(self.frontier.as_slice()) + 2 * size_of::<Box<[u32]>>();
        if self.dead.len().saturating_mul(bytes_each) > budget.memory_bytes_max {
            return Err(Stop::Memory);
        }
        budget.check().map_err(|Exhausted| Stop::Time)?;
        self.dead.insert(self.frontier.as_slice().into());
        Ok(())
    }
}
