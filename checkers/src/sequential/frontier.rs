//! Depth-first search over how far each session has come and what every object holds: for objects of any kind.
//!
//! It never claims an order that it has not executed step by step, nor that there is none before it has tried all.
//! A read that is next and fits is done at once: it changes nothing, so nothing is lost.
//!
//! What grows with the number of tries are the places that lead nowhere, and the states that deeds led to. Both count
//! against the budget; the rest grows with the history alone.

use rustc_hash::FxHashSet;

use super::accesses::{Deed, Objects};
use super::cells::Cells;
use super::guess::Rank;
use super::search::{Found, Stop};
use crate::core::registers::NONE;
use crate::{Budget, Exhausted};

/// An order of the deeds, tried in the order of `rank`, without those that took no effect.
pub(super) fn order(objects: &Objects, rank: &Rank, dead_ends_max: u64, budget: &Budget) -> Found {
    let mut search = Search::new(objects, rank, budget);
    match search.run(dead_ends_max) {
        Ok(true) => Found::Order(search.trail.iter().map(|step| step.deed).collect()),
        Ok(false) => Found::Nothing,
        Err(stop) => Found::Stopped(stop, search.farthest),
    }
}

/// One deed that was done.
struct Step {
    deed: u32,
    /// How many states had been replaced before.
    replaced: usize,
}

/// A choice that may have been wrong.
struct Branch {
    /// Length of the trail before it.
    depth: usize,
    tried: u32,
}

struct Search<'o> {
    deeds: &'o [Deed],
    rank: &'o Rank,
    budget: &'o Budget,
    /// By deed, the next acknowledged one of its session, and those in between that nobody was told of.
    following: Vec<(u32, Vec<u32>)>,
    /// By deed, its session.
    session: Vec<u32>,
    cells: Cells<'o>,
    /// By session, the next deed that its session knows to have happened, [`NONE`] past the last.
    next: Vec<u32>,
    /// Sessions that are not past their last.
    unfinished: usize,
    /// Sorted: what nobody was told of and may happen yet.
    open: Vec<u32>,
    /// By cell, its state's number.
    states: Vec<u32>,
    trail: Vec<Step>,
    /// Cells, each with the state that it had.
    replaced: Vec<(u32, u32)>,
    branches: Vec<Branch>,
    /// Places that lead nowhere.
    dead: FxHashSet<Box<[u32]>>,
    dead_bytes: usize,
    /// Sessions whose next deed may be a read that fits.
    due: Vec<u32>,
    /// What the deed that was looked at last would change.
    changes: Vec<(u32, u32)>,
    farthest: u32,
    steps: u32,
}

/// Steps between two looks at the clock.
const STEPS: u32 = 256;
/// A place's row in its table and what the allocator adds; the table is up to half empty.
const PLACE_BYTES: usize = 64;

impl<'o> Search<'o> {
    fn new(objects: &'o Objects, rank: &'o Rank, budget: &'o Budget) -> Self {
        let deeds = objects.deeds.as_slice();
        let cells = Cells::of(objects);
        let mut search = Self {
            deeds,
            rank,
            budget,
            following: vec![(NONE, Vec::new()); deeds.len()],
            session: Vec::with_capacity(deeds.len()),
            next: Vec::new(),
            unfinished: 0,
            open: Vec::new(),
            states: cells.initial.clone(),
            cells,
            trail: Vec::with_capacity(deeds.len()),
            replaced: Vec::with_capacity(deeds.len()),
            branches: Vec::new(),
            dead: FxHashSet::default(),
            dead_bytes: 0,
            due: Vec::new(),
            changes: Vec::new(),
            farthest: 0,
            steps: 0,
        };
        search.link();
        search
    }

    fn link(&mut self) {
        let mut last: Option<usize> = None;
        for (i, deed) in self.deeds.iter().enumerate() {
            if i == 0 || self.deeds[i - 1].process != deed.process {
                self.next.push(NONE);
                last = None;
            }
            self.session.push(self.next.len() as u32 - 1);
            match last {
                Some(last) if deed.acknowledged => self.following[last].0 = i as u32,
                Some(last) => self.following[last].1.push(i as u32),
                None if deed.acknowledged => self.next[self.session[i] as usize] = i as u32,
                None => self.open.push(i as u32),
            }
            last = if deed.acknowledged { Some(i) } else { last };
        }
        self.unfinished = self.next.iter().filter(|&&next| next != NONE).count();
        self.due = (0..self.next.len() as u32).collect();
    }

    fn run(&mut self, dead_ends_max: u64) -> Result<bool, Stop> {
        let mut dead_ends = 0;
        let mut tried = None;
        self.settle()?;
        while self.unfinished > 0 {
            let fresh = tried.is_some() || self.dead.is_empty() || !self.dead.contains(&self.place());
            if let Some(deed) = self.candidate(tried).filter(|_| fresh) {
                self.branches.push(Branch { depth: self.trail.len(), tried: deed });
                self.execute(deed);
                self.settle()?;
                tried = None;
                continue;
            }
            dead_ends += 1;
            self.bury()?;
            if dead_ends > dead_ends_max {
                return Err(Stop::DeadEnds);
            }
            let Some(branch) = self.branches.pop() else { return Ok(false) };
            self.back_to(branch.depth);
            tried = Some(branch.tried);
        }
        Ok(true)
    }

    /// Of the deeds that are possible now the first by rank after `tried`.
    fn candidate(&mut self, tried: Option<u32>) -> Option<u32> {
        let rank = |deed: u32| (self.rank[deed as usize], deed);
        let mut least = tried.map(rank);
        loop {
            let next = self.next.iter().copied().filter(|&next| next != NONE);
            let left = next.chain(self.open.iter().copied()).map(rank);
            let (place, deed) = left.filter(|&place| least.is_none_or(|least| place > least)).min()?;
            if self.cells.after(deed, &self.states, &mut self.changes) {
                return Some(deed);
            }
            least = Some((place, deed));
        }
    }

    /// Does each read that is next in its session and fits.
    fn settle(&mut self) -> Result<(), Stop> {
        self.check()?;
        self.due.clear();
        self.due.extend(0..self.next.len() as u32);
        while let Some(session) = self.due.pop() {
            let deed = self.next[session as usize];
            if deed != NONE
                && self.deeds[deed as usize].access.only_reads()
                && self.cells.after(deed, &self.states, &mut self.changes)
            {
                self.execute(deed);
                self.due.push(session);
            }
        }
        self.farthest = self.farthest.max(self.trail.len() as u32);
        Ok(())
    }

    fn check(&mut self) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps.is_multiple_of(STEPS) {
            self.budget.check().map_err(|Exhausted| Stop::Time)?;
        }
        let bytes = self.dead_bytes.saturating_add(self.cells.bytes);
        if bytes > self.budget.memory_bytes_max { Err(Stop::Memory) } else { Ok(()) }
    }

    /// Does a deed whose changes were found last.
    fn execute(&mut self, deed: u32) {
        self.trail.push(Step { deed, replaced: self.replaced.len() });
        for &(cell, after) in &self.changes {
            let state = &mut self.states[cell as usize];
            if *state != after {
                self.replaced.push((cell, *state));
                *state = after;
            }
        }
        if self.deeds[deed as usize].acknowledged {
            let (next, between) = &self.following[deed as usize];
            self.next[self.session[deed as usize] as usize] = *next;
            self.unfinished -= usize::from(*next == NONE);
            self.open.extend(between);
            if !between.is_empty() {
                self.open.sort_unstable();
            }
        } else if let Ok(at) = self.open.binary_search(&deed) {
            self.open.remove(at);
        }
    }

    fn back_to(&mut self, depth: usize) {
        while self.trail.len() > depth
            && let Some(Step { deed, replaced }) = self.trail.pop()
        {
            for (cell, before) in self.replaced.drain(replaced..).rev() {
                self.states[cell as usize] = before;
            }
            if self.deeds[deed as usize].acknowledged {
                let (next, between) = &self.following[deed as usize];
                self.next[self.session[deed as usize] as usize] = deed;
                self.unfinished += usize::from(*next == NONE);
                if !between.is_empty() {
                    self.open.retain(|other| !between.contains(other));
                }
            } else if let Err(at) = self.open.binary_search(&deed) {
                self.open.insert(at, deed);
            }
        }
    }

    /// What alone tells what may follow: how far each session has come, what may happen yet, and what each cell holds.
    fn place(&self) -> Box<[u32]> {
        let mut place = Vec::with_capacity(self.next.len() + self.open.len() + 1 + self.states.len());
        place.extend_from_slice(&self.next);
        place.extend_from_slice(&self.open);
        place.push(NONE);
        place.extend_from_slice(&self.states);
        place.into()
    }

    /// Notes that what has been done so far leads nowhere.
    fn bury(&mut self) -> Result<(), Stop> {
        let place = self.place();
        self.dead_bytes += size_of_val(&*place) + PLACE_BYTES;
        self.dead.insert(place);
        self.budget.check().map_err(|Exhausted| Stop::Time)?;
        self.check()
    }
}
