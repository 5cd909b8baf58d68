//! Guesses an order of transactions in one pass, which explains most valid histories.
//!
//! A chain of versions may begin on its key only when the chain before it is complete and every reader of that chain's
//! last version has started; else one of them could start no more.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::columns::Columns;
use super::super::dependencies::Chains;
use super::constraints::Constraints;
use super::layout::Moment;
use crate::graph::NONE;

/// An order of all nodes that keeps every known edge.
#[derive(Debug)]
pub(super) struct Schedule {
    pub(super) order: Vec<u32>,
    /// How many nodes had to be let through against the rule above; where there are none, the order explains every
    /// read.
    pub(super) forced: u32,
}

/// `rank` says which of several transactions that could come next does: the lowest.
pub(super) fn schedule(columns: &Columns, chains: &Chains, graph: &Constraints, rank: &[u64]) -> Schedule {
    let mut scheduler = Scheduler::new(columns, chains, graph, rank);
    while let Some((node, forced)) = scheduler.take() {
        scheduler.forced += u32::from(forced);
        scheduler.place(node);
    }
    Schedule { order: scheduler.order, forced: scheduler.forced }
}

type Queue = BinaryHeap<Reverse<(u64, u32)>>;

struct Scheduler<'a> {
    columns: &'a Columns,
    chains: &'a Chains,
    graph: &'a Constraints,
    rank: &'a [u64],
    /// By key, the chain whose versions are being installed or read.
    active: Vec<u32>,
    /// By key, how many of the active chain's transactions have not committed.
    members_left: Vec<u32>,
    /// By key, how many readers of the active chain's last version have not started.
    readers_left: Vec<u32>,
    /// By node, how many predecessors have not been placed.
    waiting: Vec<u32>,
    placed: Vec<bool>,
    /// Helpers whose predecessors have been placed.
    helpers: Vec<u32>,
    ready: Queue,
    /// Nodes that could be placed but would make it harder for others to commit (snapshot isolation only).
    reluctant: Queue,
    blocked: Queue,
    /// By key, nodes that look again once the active chain has been read.
    waiters: Vec<Vec<u32>>,
    order: Vec<u32>,
    forced: u32,
}

/// What keeps a node from being placed.
enum Obstacle {
    None,
    /// It can be placed, and had better not be.
    Soft(u32),
    Hard(u32),
}

impl<'a> Scheduler<'a> {
    fn new(columns: &'a Columns, chains: &'a Chains, graph: &'a Constraints, rank: &'a [u64]) -> Self {
        let keys = columns.keys;
        let nodes = graph.nodes;
        let mut scheduler = Self {
            columns,
            chains,
            graph,
            rank,
            active: (0..keys).collect(),
            members_left: chains.length[..keys as usize].to_vec(),
            readers_left: (0..keys).map(|chain| readers_of_last(columns, chains, chain)).collect(),
            waiting: (0..nodes).map(|node| graph.predecessors.len(node) as u32).collect(),
            placed: vec![false; nodes as usize],
            helpers: Vec::new(),
            ready: Queue::new(),
            reluctant: Queue::new(),
            blocked: Queue::new(),
            waiters: vec![Vec::new(); keys as usize],
            order: Vec::with_capacity(nodes as usize),
            forced: 0,
        };
        for node in 0..nodes {
            if scheduler.waiting[node as usize] == 0 {
                scheduler.offer(node);
            }
        }
        scheduler
    }

    fn entry(&self, node: u32) -> Reverse<(u64, u32)> {
        let rank = self.graph.layout.transaction(node).map_or(0, |(t, _)| self.rank[t as usize]);
        Reverse((rank, node))
    }

    /// Notes that a node's predecessors have all been placed.
    fn offer(&mut self, node: u32) {
        if self.graph.layout.transaction(node).is_some() {
            self.ready.push(self.entry(node));
        } else {
            self.helpers.push(node);
        }
    }

    /// The next node, and whether it breaks the rule.
    fn take(&mut self) -> Option<(u32, bool)> {
        loop {
            if let Some(node) = self.helpers.pop() {
                return Some((node, false));
            }
            if let Some(Reverse((_, node))) = self.ready.pop() {
                if self.placed[node as usize] {
                    continue;
                }
                match self.obstacle(node) {
                    Obstacle::None => return Some((node, false)),
                    Obstacle::Soft(key) => {
                        self.waiters[key as usize].push(node);
                        self.reluctant.push(self.entry(node));
                    }
                    Obstacle::Hard(key) => {
                        self.waiters[key as usize].push(node);
                        self.blocked.push(self.entry(node));
                    }
                }
            } else if let Some(Reverse((_, node))) = self.reluctant.pop() {
                if self.placed[node as usize] {
                    continue;
                }
                if let Obstacle::Hard(_) = self.obstacle(node) {
                    self.blocked.push(self.entry(node));
                } else {
                    return Some((node, false));
                }
            } else {
                let Reverse((_, node)) = self.blocked.pop()?;
                if !self.placed[node as usize] {
                    return Some((node, true));
                }
            }
        }
    }

    fn obstacle(&self, node: u32) -> Obstacle {
        let Some((t, moment)) = self.graph.layout.transaction(node) else { return Obstacle::None };
        let mut soft = NONE;
        for version in self.columns.installed(t) {
            let key = self.columns.key[version as usize];
            if !self.begins_chain(version) {
                continue;
            }
            let (members, readers) = (self.members_left[key as usize], self.readers_left[key as usize]);
            if (moment != Moment::Commit && members > 0) || (moment != Moment::Start && readers > 0) {
                return Obstacle::Hard(key);
            }
            if moment == Moment::Start && readers > 0 {
                soft = key;
            }
        }
        if soft == NONE { Obstacle::None } else { Obstacle::Soft(soft) }
    }

    /// Whether a version is the first of a chain other than its key's first chain.
    fn begins_chain(&self, version: u32) -> bool {
        let chain = self.chains.of[version as usize];
        chain >= self.columns.keys && self.chains.first[chain as usize] == version
    }

    fn place(&mut self, node: u32) {
        self.placed[node as usize] = true;
        self.order.push(node);
        if let Some((t, moment)) = self.graph.layout.transaction(node) {
            if moment != Moment::Commit {
                self.start(t);
            }
            self.install(t, moment);
        }
        let graph = self.graph;
        for &next in graph.successors.row(node) {
            self.waiting[next as usize] -= 1;
            if self.waiting[next as usize] == 0 {
                self.offer(next);
            }
        }
    }

    fn start(&mut self, t: u32) {
        let columns = self.columns;
        for &version in columns.reads.row(t) {
            let key = columns.key[version as usize] as usize;
            let chain = self.chains.of[version as usize];
            if self.chains.last[chain as usize] == version && self.active[key] == chain {
                self.readers_left[key] = self.readers_left[key].saturating_sub(1);
                if self.readers_left[key] == 0 {
                    self.wake(key);
                }
            }
        }
    }

    fn install(&mut self, t: u32, moment: Moment) {
        for version in self.columns.installed(t) {
            let key = self.columns.key[version as usize] as usize;
            let chain = self.chains.of[version as usize];
            if self.begins_chain(version) {
                if moment != Moment::Commit {
                    self.members_left[key] = self.chains.length[chain as usize];
                }
                if moment != Moment::Start {
                    self.active[key] = chain;
                    self.readers_left[key] = readers_of_last(self.columns, self.chains, chain);
                }
            }
            if moment != Moment::Start {
                self.members_left[key] = self.members_left[key].saturating_sub(1);
                if self.members_left[key] == 0 {
                    self.wake(key);
                }
            }
        }
    }

    fn wake(&mut self, key: usize) {
        for node in std::mem::take(&mut self.waiters[key]) {
            let entry = self.entry(node);
            self.ready.push(entry);
        }
    }
}

fn readers_of_last(columns: &Columns, chains: &Chains, chain: u32) -> u32 {
    columns.readers.len(chains.last[chain as usize]) as u32
}
