//! Objects of any kind: forced order where that decides, else guesses, and then the search over their states.
//!
//! It never searches while causal consistency of transactions, which is necessary, is not established.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use histories::{Function, History, OperationId, Value};

use super::accesses::{Deed, Objects};
use super::frontier::order;
use super::growth::{self, Growth};
use super::objects::State;
use super::problem::components;
use super::search::Found;
use super::{Decided, Method, Others, elements, guess, proof, replay};
use crate::core::object::parts;
use crate::{Budget, Exhausted, Verdict};

/// How many wrong choices a guess may come to before the next is tried.
const GUESS_DEAD_ENDS_MAX: u64 = 100;
/// The same while a proof is made smaller, and how often that is tried.
const DEAD_ENDS_MAX: u64 = 2_000;
const TRIES_MAX: usize = 500;
/// The same for queues, stacks and locks, of whose states there are so many that no search ends.
const ELEMENTS_DEAD_ENDS_MAX: u64 = 100_000;

pub(super) fn decide(history: &History, budget: &Budget, others: Others) -> (Verdict, Method) {
    let objects = match Objects::of(history) {
        Ok(objects) => objects,
        Err(why) => return (Verdict::NotApplicable(why), Method::Search),
    };
    if !objects.deeds.iter().any(|deed| deed.acknowledged) {
        return (super::nothing_observed(), Method::Search);
    }
    if let Some(violated) = necessary(history, budget, others) {
        return (violated, Method::Forced);
    }
    let parts = LazyCell::new(|| parts(history));
    let contradiction = LazyCell::new(|| contradiction(history, budget, others));
    let components = components(&objects.deeds, |deed| (deed.process, deed.object));
    super::merged(components.into_iter().map(|deeds| {
        let objects = Objects { initial: objects.initial.clone(), deeds };
        let linear = |part: &_, steps| (others.linearization)(history, part, budget, steps);
        let linearization = || guess::by_linearization(history, &parts, &objects, linear);
        let forced = || contradiction.as_ref().map(|named| contradicted(history, named));
        component(history, &objects, (linearization, forced), budget)
    }))
}

/// A violation by transactions of what sequential consistency implies, and which is decided fast.
fn necessary(history: &History, budget: &Budget, others: Others) -> Option<Verdict> {
    has_transactions(history).then(|| (others.causal_violation)(history, budget)).flatten()
}

fn has_transactions(history: &History) -> bool {
    history.operations().iter().any(|op| op.function == Function::Txn)
}

/// Transactions that contradict each other by what is forced, or why that is not known.
fn contradiction(
    history: &History,
    budget: &Budget,
    others: Others,
) -> Option<Result<Vec<OperationId>, Exhausted>> {
    let found = if has_transactions(history) { (others.contradiction)(history, budget) } else { Ok(None) };
    found.transpose()
}

fn contradicted(history: &History, named: &Result<Vec<OperationId>, Exhausted>) -> (Decided, Method) {
    let decided = match named {
        Ok(named) => super::confirmed(history, proof::tell(history, named.clone())),
        Err(exhausted) => Decided::Unknown(exhausted.to_string()),
    };
    (decided, Method::Forced)
}

fn component(
    history: &History,
    objects: &Objects,
    (linearization, forced): (impl FnOnce() -> guess::Rank, impl FnOnce() -> Option<(Decided, Method)>),
    budget: &Budget,
) -> (Decided, Method) {
    match growth::decide(objects) {
        Some(Growth::Order(order)) => return (held(objects, &order), Method::Forced),
        Some(Growth::Contradiction(deeds)) => {
            let deeds = deeds.iter().map(|&deed| objects.deeds[deed as usize].operation);
            return (super::confirmed(history, proof::tell(history, deeds.collect())), Method::Forced);
        }
        None => {}
    }
    if let Some(deeds) = elements::contradiction(objects, budget) {
        return (super::confirmed(history, proof::tell(history, operations(&deeds))), Method::Forced);
    }
    let ranks = guess::ranks_of_objects(history, objects);
    let by_rank = |rank: &guess::Rank| guessed(history, objects, rank, budget);
    let by_time = || by_rank(&linearization());
    let found = ranks.iter().find_map(by_rank);
    // Without real time all operations are concurrent, and it is much to linearize them.
    let found = if history.has_real_time() {
        found.or_else(by_time).or_else(forced)
    } else {
        found.or_else(forced).or_else(by_time)
    };
    if let Some(found) = found {
        return found;
    }
    let decided = match order(objects, &ranks[0], dead_ends_max(objects), budget) {
        Found::Order(order) => held(objects, &order),
        Found::Nothing => violated(history, objects, budget),
        Found::Stopped(stop, reached) => super::stopped(stop, reached, objects.deeds.len()),
    };
    (decided, Method::Search)
}

fn dead_ends_max(objects: &Objects) -> u64 {
    let has_elements = |deed: &Deed| {
        let state = &objects.initial[deed.object as usize];
        matches!(state, State::Queue(_) | State::Stack(_) | State::Mutex(_))
    };
    if objects.deeds.iter().any(has_elements) { ELEMENTS_DEAD_ENDS_MAX } else { u64::MAX }
}

/// What an order after a guess says, if the guess leads anywhere.
fn guessed(
    history: &History,
    objects: &Objects,
    rank: &guess::Rank,
    budget: &Budget,
) -> Option<(Decided, Method)> {
    match order(objects, rank, GUESS_DEAD_ENDS_MAX, budget) {
        Found::Order(order) => Some((held(objects, &order), Method::Witness)),
        Found::Nothing => Some((violated(history, objects, budget), Method::Search)),
        Found::Stopped(..) => None,
    }
}

fn held(objects: &Objects, order: &[u32]) -> Decided {
    super::replayed(replay::explains_objects(objects, order))
}

fn violated(history: &History, objects: &Objects, budget: &Budget) -> Decided {
    let told = proof::tell(history, operations(&smaller(objects, budget)));
    super::confirmed(history, told)
}

fn operations(deeds: &[Deed]) -> Vec<OperationId> {
    let operations: BTreeSet<OperationId> = deeds.iter().map(|deed| deed.operation).collect();
    operations.into_iter().collect()
}

/// Leaves out whole objects, elements of queues and stacks, single reads, and what puts a value in a register that nothing
/// left finds there, as long as what is left has no order. Anything else that changes an object may explain what others
/// saw of it, so it stays.
fn smaller(objects: &Objects, budget: &Budget) -> Vec<Deed> {
    let part = Objects { initial: objects.initial.clone(), deeds: objects.deeds.clone() };
    let mut smaller = Smaller { part, tries: 0, budget };
    for object in 0..objects.initial.len() as u32 {
        smaller.try_without(|deed| deed.object == object);
        smaller.without_elements(object);
    }
    for read in objects.deeds.iter().filter(|deed| deed.access.only_reads()) {
        smaller.try_without(|deed| deed.operation == read.operation);
    }
    let all_unfound: BTreeSet<OperationId> = unfound(&smaller.part.deeds).collect();
    smaller.try_without(|deed| all_unfound.contains(&deed.operation));
    for deed in &objects.deeds {
        if unfound(&smaller.part.deeds).any(|id| id == deed.operation) {
            smaller.try_without(|other| other.operation == deed.operation);
        }
    }
    smaller.part.deeds
}

/// Objects that have no order, with less and less of what is done to them.
struct Smaller<'b> {
    part: Objects,
    tries: usize,
    budget: &'b Budget,
}

impl Smaller<'_> {
    fn try_without(&mut self, out: impl Fn(&Deed) -> bool) -> bool {
        let kept = self.part.deeds.iter().filter(|deed| !out(deed)).cloned().collect();
        self.try_with(Objects { initial: self.part.initial.clone(), deeds: kept })
    }

    fn try_with(&mut self, candidate: Objects) -> bool {
        if candidate.deeds.len() == self.part.deeds.len() || self.tries >= TRIES_MAX {
            return false;
        }
        self.tries += 1;
        let rank = vec![0; candidate.deeds.len()];
        let has_none = order(&candidate, &rank, DEAD_ENDS_MAX, self.budget) == Found::Nothing;
        if has_none {
            self.part = candidate;
        }
        has_none
    }

    /// Halves of the elements at first, and single ones at last.
    fn without_elements(&mut self, object: u32) {
        let mut left: Vec<Value> = elements::elements(&self.part, object).into_iter().collect();
        let mut length = left.len().div_ceil(2);
        while length > 0 {
            for some in left.clone().chunks(length) {
                let some: BTreeSet<Value> = some.iter().cloned().collect();
                if self.try_with(elements::without(&self.part, object, &some)) {
                    left.retain(|element| !some.contains(element));
                }
            }
            length /= 2;
        }
    }
}

/// What puts a value in a register that none of these finds there.
fn unfound(deeds: &[Deed]) -> impl Iterator<Item = OperationId> {
    let found: BTreeSet<(u32, &Value)> =
        deeds.iter().filter_map(|deed| Some((deed.object, deed.access.found()?))).collect();
    let made = deeds.iter().filter_map(|deed| Some((deed, deed.access.made()?)));
    let unfound = made.filter(|(deed, value)| !found.contains(&(deed.object, *value)));
    unfound.map(|(deed, _)| deed.operation).collect::<Vec<_>>().into_iter()
}
