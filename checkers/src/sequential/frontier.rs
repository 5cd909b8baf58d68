//! Depth-first search over how far each session has come and what every object holds: for objects of any kind.
//!
//! It never claims an order that it has not executed step by step, nor that there is none before it has tried all.
//! A read that is next and fits is done at once: it changes nothing, so nothing is lost.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::accesses::{Deed, Objects};
use super::guess::Rank;
use super::objects::State;
use super::search::{Found, Stop};
use crate::registers::NONE;
use crate::{Budget, Exhausted};

/// An order of the deeds, tried in the order of `rank`, without those that took no effect.
pub(super) fn order(objects: &Objects, rank: &Rank, dead_ends_max: u64, budget: &Budget) -> Found {
    let mut search = Search::new(objects, rank, budget);
    match search.run(dead_ends_max) {
        Ok(true) => Found::Order(search.trail),
        Ok(false) => Found::Nothing,
        Err(stop) => Found::Stopped(stop, search.farthest),
    }
}

/// A point to come back to.
struct Branch {
    place: Place,
    /// Length of the trail before it.
    depth: usize,
    /// What is left to try, the best last.
    moves: Vec<u32>,
}

/// How far each session has come, and what each object holds; this alone tells what may follow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    /// By session, the next deed that its session knows to have happened, [`NONE`] past the last.
    next: Vec<u32>,
    /// Sorted: what nobody was told of and may happen yet.
    open: Vec<u32>,
    /// By object, its state's number.
    states: Vec<u32>,
}

struct Search<'o> {
    deeds: &'o [Deed],
    rank: &'o Rank,
    budget: &'o Budget,
    /// By deed, the next acknowledged one of its session, and those in between that nobody was told of.
    following: Vec<(u32, Vec<u32>)>,
    /// By deed, its session.
    session: Vec<u32>,
    states: Interned,
    place: Place,
    trail: Vec<u32>,
    branches: Vec<Branch>,
    dead: FxHashSet<Place>,
    bytes: usize,
    farthest: u32,
}

impl<'o> Search<'o> {
    fn new(objects: &'o Objects, rank: &'o Rank, budget: &'o Budget) -> Self {
        let deeds = objects.deeds.as_slice();
        let mut search = Self {
            deeds,
            rank,
            budget,
            following: vec![(NONE, Vec::new()); deeds.len()],
            session: Vec::with_capacity(deeds.len()),
            states: Interned::default(),
            place: Place { next: Vec::new(), open: Vec::new(), states: Vec::new() },
            trail: Vec::with_capacity(deeds.len()),
            branches: Vec::new(),
            dead: FxHashSet::default(),
            bytes: 0,
            farthest: 0,
        };
        search.link();
        search.place.states =
            objects.initial.iter().map(|state| search.states.number(state.clone())).collect();
        search
    }

    fn link(&mut self) {
        let mut last: Option<usize> = None;
        for (i, deed) in self.deeds.iter().enumerate() {
            if i == 0 || self.deeds[i - 1].process != deed.process {
                self.place.next.push(NONE);
                last = None;
            }
            self.session.push(self.place.next.len() as u32 - 1);
            match last {
                Some(last) if deed.acknowledged => self.following[last].0 = i as u32,
                Some(last) => self.following[last].1.push(i as u32),
                None if deed.acknowledged => self.place.next[self.session[i] as usize] = i as u32,
                None => self.place.open.push(i as u32),
            }
            last = if deed.acknowledged { Some(i) } else { last };
        }
    }

    fn run(&mut self, dead_ends_max: u64) -> Result<bool, Stop> {
        let mut dead_ends = 0;
        self.settle()?;
        while self.place.next.iter().any(|&next| next != NONE) {
            self.farthest = self.farthest.max(self.trail.len() as u32);
            if self.dead.contains(&self.place) || !self.advance()? {
                dead_ends += 1;
                if dead_ends > dead_ends_max {
                    return Err(Stop::DeadEnds);
                }
                if !self.retreat()? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Takes the best move, and notes the others. Whether there is one.
    fn advance(&mut self) -> Result<bool, Stop> {
        let next = self.place.next.iter().copied().filter(|&next| next != NONE);
        let mut moves: Vec<u32> = next.chain(self.place.open.iter().copied()).collect();
        moves.sort_unstable_by_key(|&deed| std::cmp::Reverse((self.rank[deed as usize], deed)));
        let Some(deed) = self.best(&mut moves) else { return Ok(false) };
        if !moves.is_empty() {
            self.branches.push(Branch { place: self.place.clone(), depth: self.trail.len(), moves });
        }
        self.execute(deed);
        self.settle()?;
        Ok(true)
    }

    /// Takes the last of the moves that is possible. None is tried before it is wanted: a state may be large.
    fn best(&mut self, moves: &mut Vec<u32>) -> Option<u32> {
        while let Some(deed) = moves.pop() {
            if self.after(deed).is_some() {
                return Some(deed);
            }
        }
        None
    }

    /// Goes back to where another move is left, and takes it. Whether there is one.
    fn retreat(&mut self) -> Result<bool, Stop> {
        let here = self.place.clone();
        self.bury(here);
        while let Some(mut branch) = self.branches.pop() {
            self.trail.truncate(branch.depth);
            self.place.clone_from(&branch.place);
            let Some(deed) = self.best(&mut branch.moves) else {
                self.bury(branch.place);
                continue;
            };
            self.branches.push(branch);
            self.execute(deed);
            self.settle()?;
            return Ok(true);
        }
        Ok(false)
    }

    fn settle(&mut self) -> Result<(), Stop> {
        self.budget.check().map_err(|Exhausted| Stop::Time)?;
        if self.bytes.saturating_add(self.states.bytes) > self.budget.memory_bytes_max {
            return Err(Stop::Memory);
        }
        let mut work: Vec<u32> = self.place.next.clone();
        while let Some(deed) = work.pop() {
            if deed != NONE && self.deeds[deed as usize].access.only_reads() && self.after(deed).is_some() {
                self.execute(deed);
                work.push(self.place.next[self.session[deed as usize] as usize]);
            }
        }
        Ok(())
    }

    /// The state of its object after a deed.
    fn after(&mut self, deed: u32) -> Option<u32> {
        let Deed { object, access, .. } = &self.deeds[deed as usize];
        self.states.step(self.place.states[*object as usize], deed, access)
    }

    fn execute(&mut self, deed: u32) {
        let object = self.deeds[deed as usize].object as usize;
        if let Some(after) = self.after(deed) {
            self.place.states[object] = after;
        }
        if self.deeds[deed as usize].acknowledged {
            let (next, between) = &self.following[deed as usize];
            self.place.next[self.session[deed as usize] as usize] = *next;
            self.place.open.extend(between);
            self.place.open.sort_unstable();
        } else {
            self.place.open.retain(|&other| other != deed);
        }
        self.trail.push(deed);
    }

    /// Notes that a place leads nowhere.
    fn bury(&mut self, place: Place) {
        self.bytes += size_of::<Place>() + 4 * (place.next.len() + place.open.len() + place.states.len());
        self.dead.insert(place);
    }
}

/// States by number, and what follows from them.
#[derive(Default)]
struct Interned {
    states: Vec<Rc<State>>,
    numbers: FxHashMap<Rc<State>, u32>,
    steps: FxHashMap<(u32, u32), Option<u32>>,
    bytes: usize,
}

impl Interned {
    fn number(&mut self, state: State) -> u32 {
        if let Some(&number) = self.numbers.get(&state) {
            return number;
        }
        let number = self.states.len() as u32;
        self.bytes += state.bytes() + 64;
        let state = Rc::new(state);
        self.states.push(Rc::clone(&state));
        self.numbers.insert(state, number);
        number
    }

    fn step(&mut self, state: u32, deed: u32, access: &super::objects::Access) -> Option<u32> {
        if let Some(&after) = self.steps.get(&(state, deed)) {
            return after;
        }
        let after = self.states[state as usize].step(access).map(|after| self.number(after));
        self.bytes += 32;
        self.steps.insert((state, deed), after);
        after
    }
}
