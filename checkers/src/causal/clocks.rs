//! The scan in causal order that knows, at each transaction, how much of each chain precedes it.
//!
//! It keeps a clock only while somebody may still ask for it, and never decides by itself.

use super::columns::{Columns, Groups, NONE};
use super::order::{Edge, Order};
use crate::{Budget, Exhausted};

/// How many transactions are scanned between two looks at the budget.
const STRIDE: usize = 8_192;

/// Vector clocks in slots that are used again once the last successor has been scanned. Chains without a write
/// need no component: nobody asks which of their transactions came before.
struct Clocks<'c> {
    columns: &'c Columns,
    /// By chain, its component.
    component: Vec<u32>,
    width: usize,
    /// By transaction, how many successors are still to come.
    waiting: Vec<u32>,
    slot: Vec<u32>,
    free: Vec<u32>,
    slots: Vec<u32>,
    current: Vec<u32>,
    /// By read, whether it told its session of anything new.
    news: Vec<bool>,
}

impl<'c> Clocks<'c> {
    fn new(columns: &'c Columns) -> Self {
        let mut component = vec![NONE; columns.chains as usize];
        let mut width = 0;
        let mut waiting = vec![0; columns.len()];
        for t in columns.ids() {
            let chain = &mut component[columns.chain[t as usize] as usize];
            if *chain == NONE && !columns.writes(t).is_empty() {
                *chain = width;
                width += 1;
            }
            for cause in columns.causes(t) {
                waiting[cause as usize] += 1;
            }
        }
        Self {
            columns,
            component,
            width: width as usize,
            waiting,
            slot: vec![NONE; columns.len()],
            free: Vec::new(),
            slots: Vec::new(),
            current: vec![0; width as usize],
            news: vec![false; columns.reads.len()],
        }
    }

    fn stored(&self, transaction: u32) -> &[u32] {
        let start = self.slot[transaction as usize] as usize * self.width;
        &self.slots[start..start + self.width]
    }

    /// Makes the current clock that of a transaction's strict past.
    fn enter(&mut self, t: u32) {
        match self.columns.previous(t) {
            Some(previous) => {
                let start = self.slot[previous as usize] as usize * self.width;
                self.current.copy_from_slice(&self.slots[start..start + self.width]);
                self.include(previous);
            }
            None => self.current.fill(0),
        }
        for (at, read) in (self.columns.read_start[t as usize] as usize..).zip(self.columns.reads(t)) {
            if read.writer != NONE && !self.precedes(&self.current, read.writer) {
                self.news[at] = true;
                let start = self.slot[read.writer as usize] as usize * self.width;
                for (now, &then) in self.current.iter_mut().zip(&self.slots[start..start + self.width]) {
                    *now = (*now).max(then);
                }
                self.include(read.writer);
            }
        }
    }

    fn include(&mut self, t: u32) {
        let component = self.component[self.columns.chain[t as usize] as usize];
        if component != NONE {
            self.current[component as usize] = self.columns.place[t as usize] + 1;
        }
    }

    /// Whether a clock's past holds a transaction of a chain that writes.
    fn precedes(&self, clock: &[u32], t: u32) -> bool {
        let component = self.component[self.columns.chain[t as usize] as usize];
        clock[component as usize] > self.columns.place[t as usize]
    }

    fn leave(&mut self, t: u32) {
        for cause in self.columns.causes(t) {
            let waiting = &mut self.waiting[cause as usize];
            *waiting -= 1;
            if *waiting == 0 {
                self.free.push(self.slot[cause as usize]);
                self.slot[cause as usize] = NONE;
            }
        }
        if self.waiting[t as usize] == 0 {
            return;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.resize(self.slots.len() + self.width, 0);
            // Without components every slot is the same empty one.
            (self.slots.len() / self.width.max(1)).saturating_sub(1) as u32
        });
        self.slot[t as usize] = slot;
        let start = slot as usize * self.width;
        self.slots[start..start + self.width].copy_from_slice(&self.current);
    }
}

/// What the scan infers.
#[derive(Debug, Default)]
pub(crate) struct Inferred {
    /// w2 -> w1, because w2 precedes a reader of w1; in the order of the scan.
    pub(crate) edges: Vec<Edge>,
    /// A read of the initial value of a key (`to` is none) with a write of it before.
    pub(crate) initial: Vec<Edge>,
    /// By read, whether it told its session of anything new.
    pub(crate) news: Vec<bool>,
}

/// How many initial reads with a write before are kept.
const INITIAL_MAX: usize = 1_024;

/// For each read, the last write of the key in each chain of the reader's past comes before what was read.
pub(crate) fn infer(
    columns: &Columns,
    groups: &Groups,
    order: &Order,
    budget: &Budget,
) -> Result<Inferred, Exhausted> {
    let mut clocks = Clocks::new(columns);
    let mut inferred = Inferred::default();
    let mut cursors: Vec<Cursor> =
        (0..groups.count()).map(|group| Cursor::new(groups, group, &clocks.component)).collect();
    for index in 0..columns.len() {
        if index % STRIDE == 0 {
            budget.check()?;
        }
        let t = order.at(index);
        clocks.enter(t);
        for read in columns.reads(t) {
            let stored = if read.writer == NONE { &[] } else { clocks.stored(read.writer) };
            for group in groups.of_key(read.key) {
                let cursor = &mut cursors[group];
                let bound = clocks.current[cursor.component as usize];
                if bound < cursor.low || bound > cursor.high {
                    cursor.seek(groups, group, bound);
                }
                if cursor.writer == NONE || cursor.writer == read.writer {
                    continue;
                }
                let edge = Edge { from: cursor.writer, to: read.writer, reader: t, key: read.key };
                if read.writer == NONE {
                    if inferred.initial.len() < INITIAL_MAX {
                        inferred.initial.push(edge);
                    }
                } else if stored[cursor.component as usize] < cursor.low {
                    inferred.edges.push(edge);
                }
            }
        }
        clocks.leave(t);
    }
    inferred.news = clocks.news;
    Ok(inferred)
}

/// Where the scan stands in a group. Clocks seldom move past a write of the same key, so that most looks find here all
/// that they need, and all groups of a key side by side.
struct Cursor {
    component: u32,
    /// The number of transactions of the chain that a past must hold at least, and at most, for `writer` to be the last
    /// among them.
    low: u32,
    high: u32,
    /// [`NONE`] where the past holds no writer.
    writer: u32,
    at: u32,
}

impl Cursor {
    fn new(groups: &Groups, group: usize, components: &[u32]) -> Self {
        let at = groups.start(group);
        // A group's chain writes, so it has a component.
        let component = components[groups.chain[group] as usize];
        Self { component, low: 0, high: groups.place(at), writer: NONE, at }
    }

    #[cold]
    fn seek(&mut self, groups: &Groups, group: usize, bound: u32) {
        let Some(at) = groups.last_before(group, bound, self.at) else {
            let at = groups.start(group);
            (self.low, self.high, self.writer, self.at) = (0, groups.place(at), NONE, at);
            return;
        };
        let last = at + 1 == groups.start(group + 1);
        self.low = groups.place(at) + 1;
        self.high = if last { u32::MAX } else { groups.place(at + 1) };
        (self.writer, self.at) = (groups.writer(at), at);
    }
}

/// Which of the edges contradict causality itself: their `to` causally precedes their `from`.
pub(crate) fn contradicted(
    columns: &Columns,
    order: &Order,
    mut edges: Vec<Edge>,
    budget: &Budget,
) -> Result<Vec<Edge>, Exhausted> {
    edges.sort_by_key(|edge| order.position(edge.from));
    let mut clocks = Clocks::new(columns);
    let mut found = Vec::new();
    let mut pending = edges.into_iter().peekable();
    for index in 0..columns.len() {
        if index % STRIDE == 0 {
            budget.check()?;
        }
        let t = order.at(index);
        clocks.enter(t);
        while let Some(edge) = pending.next_if(|edge| edge.from == t) {
            if clocks.precedes(&clocks.current, edge.to) {
                found.push(edge);
            }
        }
        if pending.peek().is_none() {
            break;
        }
        clocks.leave(t);
    }
    Ok(found)
}
