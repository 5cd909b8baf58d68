//! A datacentre's state machine: what its group's log drives. Every member of the group has the same.
//!
//! A client's write becomes a change here, in the order of the log, so that a new leader goes on where the old one ended.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use histories::{Key, Nanos, Node, Value};
use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::change::{Change, Effect, Work};
use super::decide::effect;
use super::options::{Conflict, Options};
use crate::store::clock::{HybridClock, HybridTime};
use crate::store::keyed::Keyed;
use crate::store::single::{self, Machine, NoTransactions, Outcome, Place, Prepared, Sight, decide};
use crate::store::{Bug, Command, DumpEntry, Request, VersionVector};

/// One origin's changes, as far as some datacentre may still lack them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trail {
    /// This many were forgotten.
    base: u64,
    changes: VecDeque<Arc<Change>>,
    /// Applied before those that come first (`delivery=none`).
    ahead: BTreeMap<u64, Arc<Change>>,
}

impl Trail {
    /// All changes up to this one are here or were.
    pub(super) fn last(&self) -> u64 {
        self.base + self.changes.len() as u64
    }

    fn has(&self, sequence: u64) -> bool {
        sequence <= self.last() || self.ahead.contains_key(&sequence)
    }

    fn push(&mut self, change: Arc<Change>) {
        if self.ahead.is_empty() && change.sequence == self.last() + 1 {
            return self.changes.push_back(change);
        }
        self.ahead.insert(change.sequence, change);
        while let Some(next) = self.ahead.remove(&(self.last() + 1)) {
            self.changes.push_back(next);
        }
    }

    /// Up to `count` changes after the first `after`.
    pub(super) fn following(&self, after: u64, count: usize) -> impl Iterator<Item = &Arc<Change>> {
        self.changes.iter().skip(after.saturating_sub(self.base) as usize).take(count)
    }

    fn forget(&mut self, up_to: u64) {
        let count = up_to.saturating_sub(self.base).min(self.changes.len() as u64);
        if count > 0 {
            self.changes.drain(..count as usize);
            self.base += count;
        }
    }

    /// The first change that is not kept any more comes before those after the first `after`.
    pub(super) fn has_forgotten(&self, after: u64) -> bool {
        after < self.base
    }

    /// All changes up to `last` came otherwise.
    pub(super) fn skip_to(&mut self, last: u64) {
        if last > self.last() {
            self.changes.clear();
            self.base = last;
            self.ahead.retain(|sequence, _| *sequence > last);
            while let Some(next) = self.ahead.remove(&(self.last() + 1)) {
                self.changes.push_back(next);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn newest(&self) -> Option<&Arc<Change>> {
        self.changes.back()
    }

    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) options: Options,
    pub(super) me: Node,
    pub(super) clock: HybridClock,
    pub(super) vector: VersionVector,
    /// The same without the own changes, where changes say what they come after (`delivery=causal`).
    others: VersionVector,
    pub(super) trails: BTreeMap<Node, Trail>,
    known: BTreeMap<Node, VersionVector>,
    /// Of `conflict=home`.
    pub(super) homes: single::State,
    pub(super) cells: Keyed<(u64, Cell)>,
    /// Writes that came too late to be seen by anyone.
    pub(super) discarded: u64,
}

impl State {
    /// Of the datacentre whose first node is `me`, among `origins`.
    pub(super) fn new(options: Options, me: Node, origins: &[Node]) -> Self {
        Self {
            options,
            me,
            clock: HybridClock::default(),
            vector: VersionVector::default(),
            others: VersionVector::default(),
            trails: origins.iter().map(|origin| (*origin, Trail::default())).collect(),
            known: origins
                .iter()
                .filter(|origin| **origin != me)
                .map(|o| (*o, VersionVector::default()))
                .collect(),
            homes: single::State::default(),
            cells: Keyed::default(),
            discarded: 0,
        }
    }

    fn local(&mut self, index: u64, command: &Command, quoted: &VersionVector, wall: Nanos) -> Outcome {
        let Some(key) = command.key() else { return Outcome::DONE };
        let effect = if self.options.conflict == Conflict::Home {
            let decided = decide(command, self.homes.data(key));
            decided.map(|change| change.map(|change| Effect::Decided(Box::new(change))))
        } else {
            effect(&self.options, self.cells.get(key).map(|(_, cell)| cell), command, quoted)
        };
        let effect = match effect {
            Ok(Some(effect)) => effect,
            Ok(None) => return Outcome::DONE,
            Err(refused) => return refused,
        };
        let wall_only = self.options.conflict == Conflict::Lww;
        let time = if wall_only { HybridTime::of_wall(wall) } else { self.clock.tick(wall) };
        let sequence = self.vector.get(self.me) + 1;
        let change =
            Change { origin: self.me, sequence, time, after: self.others.clone(), key: key.clone(), effect };
        self.take(index, &Arc::new(change));
        let stamped = matches!(self.options.conflict, Conflict::Lww | Conflict::LwwHlc);
        Outcome::Done { version: stamped.then_some(time.wall.0) }
    }

    /// Applies a change once.
    fn take(&mut self, index: u64, change: &Arc<Change>) {
        let Some(trail) = self.trails.get_mut(&change.origin) else { return };
        let gap = change.sequence > trail.last() + 1 && !self.options.takes_any_order();
        if self.options.has(Bug::RingLoop) && change.origin == self.me && trail.has(change.sequence) {
            return self.merge(index, change);
        }
        if trail.has(change.sequence) || gap {
            return;
        }
        trail.push(Arc::clone(change));
        // Whoever lacks what is forgotten now is sent the whole state one day.
        trail.forget(trail.last().saturating_sub(self.options.backlog));
        let last = trail.last();
        self.raise(change.origin, last);
        self.clock.observe(change.time);
        match &change.effect {
            Effect::Decided(decided) => self.homes.change(index, decided),
            _ => self.merge(index, change),
        }
    }

    /// All changes of `origin` up to `last` are here.
    pub(super) fn raise(&mut self, origin: Node, last: u64) {
        self.vector.raise(origin, last);
        if origin != self.me && self.options.is_causal() {
            self.others.raise(origin, last);
        }
    }

    fn merge(&mut self, index: u64, change: &Change) {
        let change = &self.spoil(change);
        let Some((version, cell)) = self.cells.get_mut(&change.key) else {
            if let Some(cell) = Cell::of(change) {
                self.cells.insert(change.key.clone(), (index, cell));
            }
            return;
        };
        if let Cell::Last { stamp, .. } = cell {
            self.discarded += u64::from(*stamp > change.stamp());
        }
        *version = index;
        cell.change(change);
    }

    /// The change as a planted bug has it, or as it is.
    fn spoil<'c>(&self, change: &'c Change) -> Cow<'c, Change> {
        let Some(bug) = self.options.bug.filter(|_| change.origin != self.me) else {
            return Cow::Borrowed(change);
        };
        let before = self.cells.get(&change.key).map(|(_, cell)| cell);
        let effect = match (bug, &change.effect, before) {
            (Bug::MergeDropsSibling, Effect::Version { data, .. }, Some(Cell::Versions(held))) => {
                Effect::Version { data: data.clone(), quoted: held.context().clone() }
            }
            (Bug::RemoveTakesUnseen, Effect::Removed { value, .. }, Some(Cell::Set(set))) => {
                Effect::Removed { value: value.clone(), added: set.of(value).into() }
            }
            _ => return Cow::Borrowed(change),
        };
        Cow::Owned(Change { effect, ..change.clone() })
    }

    /// Forgets changes that every datacentre has.
    fn learn(&mut self, known: &[(Node, VersionVector)]) {
        for (datacentre, vector) in known {
            if let Some(held) = self.known.get_mut(datacentre) {
                held.merge(vector);
            }
        }
        for (origin, trail) in &mut self.trails {
            let others = self.known.iter().filter(|(datacentre, _)| *datacentre != origin);
            trail.forget(others.map(|(_, held)| held.get(*origin)).min().unwrap_or(u64::MAX));
        }
    }

    fn value(&self, key: &Key, cell: &Cell) -> Value {
        cell.value(self.options.merges().then(|| self.options.cart_of(key)))
    }
}

impl Machine for State {
    type Work = Work;
    type Foresight = ();
    type Transaction = NoTransactions;

    fn prepare(&self, (): &mut (), at: Place, request: Request) -> Prepared<Work> {
        let Request { command, context, .. } = request;
        let work = Work::Local { command, quoted: context.unwrap_or_default(), wall: at.wall };
        Prepared { work, outcome: None }
    }

    fn foresee(&self, (): &mut (), _index: u64, _work: &Work) {}

    fn forget((): &mut (), _index: u64, _work: &Work) {}

    fn apply(&mut self, index: u64, work: &Work) -> Outcome {
        match work {
            Work::Local { command, quoted, wall } => return self.local(index, command, quoted, *wall),
            Work::Remote(changes) => changes.iter().for_each(|change| self.take(index, change)),
            Work::Known(known) => self.learn(known),
            Work::Holding(holding) => self.take_in(index, holding),
        }
        Outcome::DONE
    }

    fn touched(_work: &Work) -> Box<dyn Iterator<Item = &Key> + '_> {
        // A datacentre applies its log in order.
        Box::new(std::iter::empty())
    }

    fn read(&self, key: &Key) -> Sight {
        let Some((_, cell)) = self.cells.get(key) else {
            let siblings = self.options.keeps_siblings(key);
            return if siblings {
                Sight { value: Value::list([]), context: Some(VersionVector::default()) }
            } else {
                self.homes.read(key)
            };
        };
        let mut context = cell.context().filter(|_| !self.options.merges()).cloned();
        if self.options.has(Bug::VectorOffByOne)
            && let Some(context) = &mut context
        {
            context.raise(self.me, self.vector.get(self.me) + 1);
        }
        Sight { value: self.value(key, cell), context }
    }

    fn dump(&self) -> BTreeMap<Key, DumpEntry> {
        let cells = self.cells.sorted().into_iter().map(|(key, (version, cell))| {
            (key.clone(), DumpEntry { value: self.value(key, cell), version: *version })
        });
        self.homes.dump().into_iter().chain(cells).collect()
    }
}
