//! Dependencies between transactions that every version order of a history has.

use super::columns::Columns;
use super::level::Order;
use crate::graph::NONE;

/// Why one transaction precedes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// The same session ran both, one after the other.
    Session,
    /// One had returned before the other was invoked.
    RealTime,
    /// The second read a version that the first installed.
    WriteRead,
    /// The second replaced a version that the first installed.
    WriteWrite,
    /// The second replaced a version that the first read.
    ReadWrite,
}

/// An edge between nodes: transactions first, then helpers, through which many edges pass as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dependency {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) kind: Kind,
}

/// Dependencies over the transactions and over so many helpers.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    pub(super) edges: Vec<Dependency>,
    pub(super) nodes: u32,
}

/// Runs of versions that nothing interrupts. Chains 0 to `keys - 1` begin with the initial versions and precede every other
/// chain of their key.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// By chain.
    pub(super) first: Vec<u32>,
    pub(super) last: Vec<u32>,
    /// By version.
    pub(super) of: Vec<u32>,
    /// By chain, how many transactions installed it.
    pub(super) length: Vec<u32>,
    /// By key, its chains but the first.
    pub(super) of_key: crate::graph::Rows,
}

impl Chains {
    /// The versions must not follow each other in a circle.
    pub(super) fn of(columns: &Columns) -> Self {
        let count = columns.versions() as usize;
        let mut is_first = vec![true; count];
        for version in 0..columns.versions() {
            if let Some(next) = columns.next(version) {
                is_first[next as usize] = false;
            }
        }
        let mut chains = Self { of: vec![NONE; count], ..Self::default() };
        for first in (0..columns.versions()).filter(|&version| is_first[version as usize]) {
            let chain = chains.first.len() as u32;
            let (mut last, mut length) = (first, 0);
            let mut at = Some(first);
            while let Some(version) = at {
                chains.of[version as usize] = chain;
                length += u32::from(version >= columns.keys);
                last = version;
                at = columns.next(version);
            }
            chains.first.push(first);
            chains.last.push(last);
            chains.length.push(length);
        }
        let others = columns.keys..chains.first.len() as u32;
        let pairs = others.map(|chain| (columns.key[chains.first[chain as usize] as usize], chain));
        chains.of_key = crate::graph::Rows::of(columns.keys as usize, pairs);
        chains
    }

    pub(super) fn count(&self) -> u32 {
        self.first.len() as u32
    }
}

impl Dependencies {
    pub(super) fn of(columns: &Columns, chains: &Chains, order: Order) -> Self {
        let mut all = Self { edges: Vec::new(), nodes: columns.count() };
        match order {
            Order::None => {}
            Order::Session => all.sessions(columns, |_| true),
            Order::RealTime => all.real_time(columns),
        }
        all.write_read(columns);
        all.within_chains(columns);
        for key in 0..columns.keys {
            all.after_first_chain(columns, chains, key);
        }
        all
    }

    pub(super) fn add(&mut self, from: u32, to: u32, kind: Kind) {
        self.edges.push(Dependency { from, to, kind });
    }

    fn helper(&mut self) -> u32 {
        self.nodes += 1;
        self.nodes - 1
    }

    /// From the predecessors in their sessions to the transactions that `keeps` names.
    pub(super) fn sessions(&mut self, columns: &Columns, keeps: impl Fn(u32) -> bool) {
        for t in (0..columns.count()).filter(|&t| keeps(t)) {
            if columns.previous[t as usize] != NONE {
                self.add(columns.previous[t as usize], t, Kind::Session);
            }
        }
    }

    /// Through a helper for each run of completions: O(n) edges for O(n²) pairs.
    fn real_time(&mut self, columns: &Columns) {
        let mut moments: Vec<(u64, bool, u32)> = Vec::new();
        for t in 0..columns.count() {
            moments.push((columns.invoked[t as usize], false, t));
            if columns.returned[t as usize] != u64::MAX {
                moments.push((columns.returned[t as usize], true, t));
            }
        }
        // At the same moment invocations come first: what touches is concurrent.
        moments.sort_unstable();
        let (mut run, mut open) = (NONE, false);
        for (_, ends, t) in moments {
            if !ends {
                open = false;
                if run != NONE {
                    self.add(run, t, Kind::RealTime);
                }
                continue;
            }
            if !open {
                let next = self.helper();
                if run != NONE {
                    self.add(run, next, Kind::RealTime);
                }
                (run, open) = (next, true);
            }
            self.add(t, run, Kind::RealTime);
        }
    }

    pub(super) fn write_read(&mut self, columns: &Columns) {
        for version in columns.keys..columns.versions() {
            let writer = columns.writer[version as usize];
            for &reader in columns.readers.row(version) {
                self.add(writer, reader, Kind::WriteRead);
            }
        }
    }

    /// From each version's writer and readers to the writer of the next in its chain.
    fn within_chains(&mut self, columns: &Columns) {
        for version in 0..columns.versions() {
            let Some(next) = columns.next(version) else { continue };
            let writer = columns.writer[next as usize];
            if version >= columns.keys {
                self.add(columns.writer[version as usize], writer, Kind::WriteWrite);
            }
            for &reader in columns.readers.row(version) {
                if reader != writer {
                    self.add(reader, writer, Kind::ReadWrite);
                }
            }
        }
    }

    /// The chain of the initial version precedes every other chain of its key.
    fn after_first_chain(&mut self, columns: &Columns, chains: &Chains, key: u32) {
        let heads = chains.of_key.row(key);
        let last = chains.last[key as usize];
        let readers = columns.readers.row(last);
        if heads.is_empty() {
            return;
        }
        let head_writer = |chain: u32| columns.writer[chains.first[chain as usize] as usize];
        if last >= columns.keys {
            for &chain in heads {
                self.add(columns.writer[last as usize], head_writer(chain), Kind::WriteWrite);
            }
        }
        // A reader that writes the key itself does not precede itself: it takes no part in the hub.
        let (own, readers): (Vec<u32>, Vec<u32>) =
            readers.iter().partition(|&&reader| columns.version_of(reader, key).is_some());
        let waits = |reader: u32| {
            heads.iter().map(|&chain| head_writer(chain)).filter(move |&writer| writer != reader)
        };
        for reader in own {
            for writer in waits(reader) {
                self.add(reader, writer, Kind::ReadWrite);
            }
        }
        if readers.len() * heads.len() > readers.len() + heads.len() + 1 {
            let hub = self.helper();
            for &reader in &readers {
                self.add(reader, hub, Kind::ReadWrite);
            }
            for &chain in heads {
                self.add(hub, head_writer(chain), Kind::ReadWrite);
            }
        } else {
            for &reader in &readers {
                for writer in waits(reader) {
                    self.add(reader, writer, Kind::ReadWrite);
                }
            }
        }
    }
}
