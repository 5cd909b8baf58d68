//! Objects of any kind: forced order where that decides, else guesses, and then the search over their states.
//!
//! It never searches while causal consistency of transactions, which is necessary, is not established.

use std::cell::LazyCell;

use histories::{Function, History, ModelName, OperationId};

use super::accesses::{Deed, Objects};
use super::frontier::order;
use super::growth::{self, Growth};
use super::problem::components;
use super::search::Found;
use super::{Decided, Method, guess, proof, replay};
use crate::causal;
use crate::search::parts;
use crate::{Budget, Causal, Checker, Exhausted, Finding, Verdict};

/// How many wrong choices a guess may come to before the next is tried.
const GUESS_DEAD_ENDS_MAX: u64 = 100;
/// The same while a proof is made smaller, and how often that is tried.
const DEAD_ENDS_MAX: u64 = 2_000;
const TRIES_MAX: usize = 500;

pub(super) fn decide(history: &History, budget: &Budget) -> (Verdict, Method) {
    let objects = match Objects::of(history) {
        Ok(objects) => objects,
        Err(why) => return (Verdict::NotApplicable(why), Method::Search),
    };
    if !objects.deeds.iter().any(|deed| deed.acknowledged) {
        return (super::nothing_observed(), Method::Search);
    }
    if let Some(violated) = necessary(history, budget) {
        return (violated, Method::Forced);
    }
    let parts = LazyCell::new(|| parts(history));
    let contradiction = LazyCell::new(|| contradiction(history, budget));
    let components = components(&objects.deeds, |deed| (deed.process, deed.object));
    super::merged(components.into_iter().map(|deeds| {
        let objects = Objects { initial: objects.initial.clone(), deeds };
        let linearization = || guess::by_linearization(history, &parts, &objects, budget);
        let forced = || contradiction.as_ref().map(|named| contradicted(history, named));
        component(history, &objects, (linearization, forced), budget)
    }))
}

/// A violation by transactions of what sequential consistency implies, and which is decided fast.
fn necessary(history: &History, budget: &Budget) -> Option<Verdict> {
    let invalid = |finding: &Finding| {
        matches!(finding.model, ModelName::CausalConvergence | ModelName::CausalMemory)
            && matches!(finding.verdict, Verdict::Invalid(_))
    };
    let findings = if has_transactions(history) { Causal.check(history, budget) } else { Vec::new() };
    findings.into_iter().find(invalid).map(|finding| finding.verdict)
}

fn has_transactions(history: &History) -> bool {
    history.operations().iter().any(|op| op.function == Function::Txn)
}

/// Transactions that contradict each other by what is forced, or why that is not known.
fn contradiction(history: &History, budget: &Budget) -> Option<Result<Vec<OperationId>, Exhausted>> {
    let found = if has_transactions(history) { causal::contradiction(history, budget) } else { Ok(None) };
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
    let decided = match order(objects, &ranks[0], u64::MAX, budget) {
        Found::Order(order) => held(objects, &order),
        Found::Nothing => violated(history, objects, budget),
        Found::Stopped(stop, reached) => super::stopped(stop, reached, objects.deeds.len()),
    };
    (decided, Method::Search)
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
    deeds.iter().map(|deed| deed.operation).collect()
}

/// Leaves out whole objects and single reads, as long as what is left has no order. What changes an object may explain
/// what others saw of it, so it stays.
fn smaller(objects: &Objects, budget: &Budget) -> Vec<Deed> {
    let mut part = Objects { initial: objects.initial.clone(), deeds: objects.deeds.clone() };
    let mut tries = 0;
    let mut try_without = |part: &mut Objects, out: &dyn Fn(&Deed) -> bool| {
        let kept = part.deeds.iter().filter(|deed| !out(deed)).cloned().collect();
        let candidate = Objects { initial: part.initial.clone(), deeds: kept };
        tries += 1;
        let rank = vec![0; candidate.deeds.len()];
        if tries < TRIES_MAX && order(&candidate, &rank, DEAD_ENDS_MAX, budget) == Found::Nothing {
            *part = candidate;
        }
    };
    for object in 0..objects.initial.len() as u32 {
        try_without(&mut part, &|deed| deed.object == object);
    }
    for read in objects.deeds.iter().filter(|deed| deed.access.only_reads()) {
        try_without(&mut part, &|deed| deed.operation == read.operation);
    }
    part.deeds
}
