//! A history's transactions as columns of integers: sessions, what each read from whom, who wrote which key.
//!
//! It never judges: reads that no write explains are listed beside the columns, not among them.

use histories::OperationId;

/// No transaction; as the writer of a read, the initial value.
pub(crate) use crate::graph::NONE;

/// A read of a value that another transaction wrote, or of the initial value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) key: u32,
    /// [`NONE`] for the initial value.
    pub(crate) writer: u32,
}

/// Why a read cannot be, whatever the order of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlawKind {
    /// Nobody wrote the value.
    ThinAir,
    /// Whoever wrote it had failed.
    Aborted(OperationId),
    /// The writer overwrote it in the same transaction.
    Intermediate(OperationId),
    /// It is not what the transaction itself had written before, or only wrote later.
    Internal,
    /// The transaction had read another value before and wrote none in between.
    NonRepeatable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) kind: FlawKind,
    pub(crate) operation: OperationId,
    /// Which of the operation's accesses, from 0.
    pub(crate) access: u32,
}

/// Transactions in the order of their completions; an operation on one key is a transaction of its own.
///
/// A *chain* is a session, or a part of one: what follows an operation of unknown outcome starts a new chain,
/// because session order leads to that operation and not on from it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    pub(crate) operation: Vec<OperationId>,
    pub(crate) chain: Vec<u32>,
    /// Place within the chain, from 0.
    pub(crate) place: Vec<u32>,
    /// Predecessor in session order.
    pub(crate) previous: Vec<u32>,
    pub(crate) read_start: Vec<u32>,
    pub(crate) reads: Vec<Read>,
    pub(crate) write_start: Vec<u32>,
    /// Keys written, each once a transaction and in ascending order.
    pub(crate) writes: Vec<u32>,
    pub(crate) chains: u32,
    pub(crate) keys: u32,
    pub(crate) flaws: Vec<Flaw>,
}

impl Columns {
    pub(crate) fn len(&self) -> usize {
        self.operation.len()
    }

    pub(crate) fn ids(&self) -> std::ops::Range<u32> {
        0..self.len() as u32
    }

    pub(crate) fn reads(&self, transaction: u32) -> &[Read] {
        let t = transaction as usize;
        &self.reads[self.read_start[t] as usize..self.read_start[t + 1] as usize]
    }

    pub(crate) fn writes(&self, transaction: u32) -> &[u32] {
        let t = transaction as usize;
        &self.writes[self.write_start[t] as usize..self.write_start[t + 1] as usize]
    }

    pub(crate) fn previous(&self, transaction: u32) -> Option<u32> {
        Some(self.previous[transaction as usize]).filter(|&previous| previous != NONE)
    }

    /// Whether session order leads from `first` to `second` within one chain.
    pub(crate) fn in_chain_order(&self, first: u32, second: u32) -> bool {
        let (a, b) = (first as usize, second as usize);
        self.chain[a] == self.chain[b] && self.place[a] < self.place[b]
    }

    /// Direct predecessors: session order and reads-from.
    pub(crate) fn causes(&self, transaction: u32) -> impl Iterator<Item = u32> + '_ {
        let writers = self.reads(transaction).iter().map(|read| read.writer);
        std::iter::once(self.previous[transaction as usize]).chain(writers).filter(|&t| t != NONE)
    }

    pub(crate) fn push(&mut self, operation: OperationId, chain: u32, place: u32, previous: u32) {
        if self.read_start.is_empty() {
            self.read_start.push(0);
            self.write_start.push(0);
        }
        self.operation.push(operation);
        self.chain.push(chain);
        self.place.push(place);
        self.previous.push(previous);
    }

    /// Ends the transaction begun by [`Columns::push`], whose reads and writes have been added.
    pub(crate) fn close(&mut self) {
        self.read_start.push(self.reads.len() as u32);
        self.write_start.push(self.writes.len() as u32);
    }

    /// The same columns with these transactions only, which are in ascending order. Reads of values written
    /// outside are left out, which only takes constraints away.
    pub(crate) fn restrict(&self, kept: &[u32]) -> Self {
        let number = |t: u32| kept.binary_search(&t).map_or(NONE, |at| at as u32);
        let mut places = vec![0; self.chains as usize];
        let mut columns = Self { chains: self.chains, keys: self.keys, ..Self::default() };
        for &t in kept {
            let chain = self.chain[t as usize];
            let place = places[chain as usize];
            places[chain as usize] += 1;
            let ancestors = std::iter::successors(self.previous(t), |&t| self.previous(t));
            let previous = ancestors.map(number).find(|&t| t != NONE).unwrap_or(NONE);
            columns.push(self.operation[t as usize], chain, place, previous);
            for read in self.reads(t) {
                let writer = if read.writer == NONE { NONE } else { number(read.writer) };
                if writer != NONE || read.writer == NONE {
                    columns.reads.push(Read { key: read.key, writer });
                }
            }
            columns.writes.extend_from_slice(self.writes(t));
            columns.close();
        }
        columns
    }
}

/// The transactions that write each key, chain by chain: a *group* is one key's writers in one chain.
#[derive(Debug)]
pub(crate) struct Groups {
    /// By key, its first group.
    key_start: Vec<u32>,
    pub(crate) chain: Vec<u32>,
    start: Vec<u32>,
    writers: Vec<u32>,
    /// Of the writers, their places in their chain.
    places: Vec<u32>,
}

impl Groups {
    pub(crate) fn of(columns: &Columns) -> Self {
        let by_chain = sort_by(columns.ids(), columns.chains, |t| columns.chain[t as usize]).1;
        let mut ends = vec![0; columns.keys as usize + 1];
        for &key in &columns.writes {
            ends[key as usize + 1] += 1;
        }
        accumulate(&mut ends);
        let mut next = ends.clone();
        let mut writers = vec![0; columns.writes.len()];
        for t in by_chain {
            for &key in columns.writes(t) {
                writers[next[key as usize] as usize] = t;
                next[key as usize] += 1;
            }
        }
        let mut groups = Self {
            key_start: Vec::with_capacity(ends.len()),
            chain: Vec::new(),
            start: Vec::new(),
            places: writers.iter().map(|&t| columns.place[t as usize]).collect(),
            writers,
        };
        groups.bound(columns, &ends);
        groups
    }

    fn bound(&mut self, columns: &Columns, ends: &[u32]) {
        for bounds in ends.windows(2) {
            self.key_start.push(self.chain.len() as u32);
            let mut last = NONE;
            for at in bounds[0]..bounds[1] {
                let chain = columns.chain[self.writers[at as usize] as usize];
                if chain != last {
                    self.chain.push(chain);
                    self.start.push(at);
                    last = chain;
                }
            }
        }
        self.key_start.push(self.chain.len() as u32);
        self.start.push(self.writers.len() as u32);
    }

    pub(crate) fn count(&self) -> usize {
        self.chain.len()
    }

    pub(crate) fn of_key(&self, key: u32) -> std::ops::Range<usize> {
        self.key_start[key as usize] as usize..self.key_start[key as usize + 1] as usize
    }

    /// The group of a key's writers in one chain.
    pub(crate) fn in_chain(&self, key: u32, chain: u32) -> Option<usize> {
        let groups = self.of_key(key);
        let at = self.chain[groups.clone()].binary_search(&chain).ok()?;
        Some(groups.start + at)
    }

    pub(crate) fn start(&self, group: usize) -> u32 {
        self.start[group]
    }

    pub(crate) fn writer(&self, at: u32) -> u32 {
        self.writers[at as usize]
    }

    pub(crate) fn place(&self, at: u32) -> u32 {
        self.places[at as usize]
    }

    /// The first writer of a group that follows something, which all later ones do.
    pub(crate) fn first_after(&self, group: usize, follows: impl Fn(u32) -> bool) -> Option<u32> {
        let writers = &self.writers[self.start[group] as usize..self.start[group + 1] as usize];
        writers.get(writers.partition_point(|&writer| !follows(writer))).copied()
    }

    /// Where among the writers the group's last with a place before `bound` stands. Gallops from `hint`, a
    /// position in the group, which is near where bounds grow slowly.
    #[inline]
    pub(crate) fn last_before(&self, group: usize, bound: u32, hint: u32) -> Option<u32> {
        let (first, end) = (self.start[group] as usize, self.start[group + 1] as usize);
        if self.places[first] >= bound {
            return None;
        }
        let mut low = hint as usize;
        let mut step = 1;
        if self.places[low] < bound {
            while low + step < end && self.places[low + step] < bound {
                low += step;
                step *= 2;
            }
            let high = (low + step).min(end);
            return Some((low + self.places[low..high].partition_point(|&place| place < bound) - 1) as u32);
        }
        let mut high = low;
        while high >= first + step && self.places[high - step] >= bound {
            high -= step;
            step *= 2;
        }
        low = high.saturating_sub(step).max(first);
        Some((low + self.places[low..high].partition_point(|&place| place < bound) - 1) as u32)
    }
}

/// Counts into starts: each entry becomes the sum of those up to it.
pub(crate) fn accumulate(counts: &mut [u32]) {
    let mut sum = 0;
    for count in counts {
        sum += *count;
        *count = sum;
    }
}

/// Stable counting sort: where each bucket starts, and the items in the order of their buckets.
pub(crate) fn sort_by(
    items: impl Iterator<Item = u32> + Clone,
    buckets: u32,
    bucket: impl Fn(u32) -> u32,
) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0; buckets as usize + 1];
    for item in items.clone() {
        starts[bucket(item) as usize + 1] += 1;
    }
    accumulate(&mut starts);
    let mut next = starts.clone();
    let mut sorted = vec![0; starts[buckets as usize] as usize];
    for item in items {
        let at = &mut next[bucket(item) as usize];
        sorted[*at as usize] = item;
        *at += 1;
    }
    (starts, sorted)
}
