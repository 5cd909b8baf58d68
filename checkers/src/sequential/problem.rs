//! Sessions of registers as a graph: what each operation reads, and what it certainly comes after.
//!
//! It never guesses: its edges hold in every legal order.
//!
//! A *slot* names a value that can be in force: that of a write by the write's node, and after all nodes the initial
//! value of each key.

use rustc_hash::FxHashMap;

use crate::core::registers::NONE;
use crate::core::sessions::{Act, ReadFrom, Write};
use crate::graph::UnionFind;

/// One connected component of a history, or a part of one that is closed under writers.
#[derive(Debug)]
pub(super) struct Problem {
    /// By node: session by session, each in its order.
    pub(super) acts: Vec<Act>,
    /// By node, its key, dense here.
    pub(super) key: Vec<u32>,
    pub(super) keys: usize,
    /// By node, the slot that it reads; [`NONE`] where it only writes.
    pub(super) source: Vec<u32>,
    /// By node, where it stands: in which chain, and at what place of it.
    pub(super) chain: Vec<u32>,
    pub(super) place: Vec<u32>,
    /// Nodes of a session, in order. One that its session does not know to have happened has a chain of its own
    /// where others follow it.
    pub(super) chains: Vec<Vec<u32>>,
    /// Session order and reads-from.
    pub(super) edges: Vec<(u32, u32)>,
}

impl Problem {
    /// `acts` are in the order of their sessions, and hold the writer of all that they read.
    pub(super) fn of(acts: Vec<Act>) -> Self {
        let mut keys: FxHashMap<u32, u32> = FxHashMap::default();
        let mut writers: FxHashMap<Write, u32> = FxHashMap::default();
        let mut key = Vec::with_capacity(acts.len());
        for (node, act) in (0..).zip(&acts) {
            let next = keys.len() as u32;
            key.push(*keys.entry(act.key).or_insert(next));
            if let Some(write) = act.wrote {
                writers.insert(write, node);
            }
        }
        let count = acts.len() as u32;
        let slot = |(act, key): (&Act, &u32)| match act.seen {
            ReadFrom::Nothing => NONE,
            ReadFrom::Initial => count + key,
            ReadFrom::Written(write) => writers.get(&write).copied().unwrap_or(NONE),
        };
        let source = acts.iter().zip(&key).map(slot).collect();
        let mut problem = Self {
            keys: keys.len(),
            key,
            source,
            chain: vec![NONE; acts.len()],
            place: vec![0; acts.len()],
            chains: Vec::new(),
            edges: Vec::new(),
            acts,
        };
        problem.link();
        problem
    }

    fn link(&mut self) {
        // The open chain of the session, and its last node that others come after.
        let mut open: Option<(u32, u32)> = None;
        for node in 0..self.count() {
            let act = self.acts[node as usize];
            let before = open.filter(|&(last, _)| self.acts[last as usize].process == act.process);
            if let Some((last, _)) = before {
                self.edges.push((last, node));
            }
            let alone = !act.acknowledged && self.is_followed(node);
            let chain = match before {
                Some((_, chain)) if !alone => chain,
                _ => {
                    self.chains.push(Vec::new());
                    self.chains.len() as u32 - 1
                }
            };
            self.chain[node as usize] = chain;
            self.place[node as usize] = self.chains[chain as usize].len() as u32;
            self.chains[chain as usize].push(node);
            open = if alone { before } else { Some((node, chain)) };
            let source = self.source[node as usize];
            if source < self.count() {
                self.edges.push((source, node));
            }
        }
    }

    /// Whether its session went on after a node.
    fn is_followed(&self, node: u32) -> bool {
        let process = self.acts[node as usize].process;
        self.acts.get(node as usize + 1).is_some_and(|next| next.process == process)
    }

    /// Number of nodes.
    pub(super) fn count(&self) -> u32 {
        self.acts.len() as u32
    }

    pub(super) fn initial(&self, key: u32) -> u32 {
        self.count() + key
    }

    pub(super) fn writes(&self, node: u32) -> bool {
        self.acts[node as usize].wrote.is_some()
    }

    pub(super) fn reads(&self, node: u32) -> bool {
        self.source[node as usize] != NONE
    }

    /// By slot, how many read it.
    pub(super) fn readers(&self) -> Vec<u32> {
        let mut readers = vec![0; self.acts.len() + self.keys];
        for &slot in self.source.iter().filter(|&&slot| slot != NONE) {
            readers[slot as usize] += 1;
        }
        readers
    }
}

/// Operations by connected component, in their order: sessions that share no key, even over others, constrain each
/// other in nothing. `of` tells the session and the key of an operation.
pub(super) fn components<T: Clone>(operations: &[T], of: impl Fn(&T) -> (u32, u32)) -> Vec<Vec<T>> {
    let mut sessions: FxHashMap<u32, u32> = FxHashMap::default();
    let mut sets = UnionFind::default();
    let mut first: FxHashMap<u32, u32> = FxHashMap::default();
    for (process, key) in operations.iter().map(&of) {
        let session = *sessions.entry(process).or_insert_with(|| sets.push());
        let other = *first.entry(key).or_insert(session);
        sets.union(session, other);
    }
    let mut components: Vec<Vec<T>> = vec![Vec::new(); sets.len()];
    for operation in operations {
        let session = sessions[&of(operation).0];
        components[sets.root(session) as usize].push(operation.clone());
    }
    components.retain(|component| !component.is_empty());
    components
}
