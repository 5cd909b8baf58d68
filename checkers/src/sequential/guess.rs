//! Which write the search tries first: hints of the system, and times.
//!
//! It never decides anything: a wrong guess costs time.

use histories::{History, OperationId, Value};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::accesses::{Deed, Objects};
use super::problem::Problem;
use crate::core::object::Part;
use crate::words;

/// By node or deed, those of less first.
pub(super) type Rank = Vec<u64>;

/// The most promising one first.
pub(super) fn ranks(history: &History, problem: &Problem) -> Vec<Rank> {
    let returned = |node: u32| history.operation(problem.acts[node as usize].operation).returned().0;
    let invoked = |node: u32| history.operation(problem.acts[node as usize].operation).invoked.0;
    let nodes = 0..problem.count();
    let mut known: Rank = nodes.clone().map(returned).collect();
    for node in nodes.clone() {
        if let Some(rank) = known.get(problem.source[node as usize] as usize) {
            known[problem.source[node as usize] as usize] = (*rank).min(returned(node));
        }
    }
    let mut ranks: Vec<Rank> = by_version(history, problem).into_iter().collect();
    ranks.push(known);
    ranks.push(nodes.clone().map(returned).collect());
    ranks.push(nodes.map(invoked).collect());
    ranks
}

/// By the log index that the system tells, which for a read is how far the replica had applied the log. A write that
/// was never answered stands just before the first that saw it. `None` where no write has an index.
fn by_version(history: &History, problem: &Problem) -> Option<Rank> {
    let version = |node: u32| history.hints(problem.acts[node as usize].operation).version;
    let nodes = 0..problem.count();
    let exact = |node: u32| problem.writes(node) && version(node).is_some();
    if !nodes.clone().any(exact) {
        return None;
    }
    let mut rank: Rank = nodes
        .clone()
        .map(|node| version(node).map_or(u64::MAX, |version| 2 * version + u64::from(problem.writes(node))))
        .collect();
    let mut work: Vec<u32> = nodes.filter(|&node| rank[node as usize] < u64::MAX).collect();
    while let Some(node) = work.pop() {
        let source = problem.source[node as usize];
        let before = rank[node as usize].saturating_sub(u64::from(problem.writes(node)));
        if source < problem.count() && version(source).is_none() && before < rank[source as usize] {
            rank[source as usize] = before;
            work.push(source);
        }
    }
    Some(rank)
}

/// For objects of any kind: by the system's versions where it tells them, and by when an operation was known to have
/// happened; an operation that was never answered stands just before the first read that shows its value.
pub(super) fn ranks_of_objects(history: &History, objects: &Objects) -> Vec<Rank> {
    let version = |deed: &Deed| history.hints(deed.operation).version;
    let returned =
        |deed: &Deed| Some(history.operation(deed.operation).returned().0).filter(|&time| time < u64::MAX);
    let told = objects.deeds.iter().any(|deed| !deed.access.only_reads() && version(deed).is_some());
    let mut ranks = Vec::new();
    if told {
        ranks.push(by_sight(history, objects, version));
    }
    ranks.push(by_sight(history, objects, returned));
    ranks
}

fn by_sight(history: &History, objects: &Objects, stamp: impl Fn(&Deed) -> Option<u64>) -> Rank {
    let mut first: FxHashMap<(u32, &Value), u64> = FxHashMap::default();
    for deed in objects.deeds.iter().filter(|deed| deed.access.only_reads()) {
        let reply = history.operation(deed.operation).reply();
        let items = reply.as_list().unwrap_or(std::slice::from_ref(reply));
        for item in items {
            let seen = item.as_list().and_then(<[Value]>::last).unwrap_or(item);
            let stamp = stamp(deed).unwrap_or(u64::MAX);
            first.entry((deed.object, seen)).and_modify(|old| *old = stamp.min(*old)).or_insert(stamp);
        }
    }
    let rank = |deed: &Deed| {
        let own = stamp(deed).map(|stamp| 2 * stamp + 1);
        let value = words::value(history.operation(deed.operation));
        let seen = first.get(&(deed.object, &value)).map(|stamp| stamp.saturating_mul(2));
        own.or(seen).unwrap_or(u64::MAX)
    };
    objects.deeds.iter().map(rank).collect()
}

/// How many steps a linearization of one key may take, beside a few for each operation.
const STEPS: u64 = 1_000_000;

/// By when operations took effect, where each key has an order that respects time: one made of these moments is an
/// order of all keys. Of a key without one, by when operations were known to have happened. `parts` are by object;
/// `linear` finds the order of one of them in so many steps.
pub(super) fn by_linearization(
    history: &History,
    parts: &[Part],
    objects: &Objects,
    linear: impl Fn(&Part, u64) -> Option<Vec<OperationId>> + Sync,
) -> Rank {
    let mut used: Vec<u32> = objects.deeds.iter().map(|deed| deed.object).collect();
    used.sort_unstable();
    used.dedup();
    let orders = used.par_iter().filter_map(|&object| {
        let part = parts.get(object as usize)?;
        let steps = STEPS + 64 * part.operations.len() as u64;
        Some(moments(history, &linear(part, steps)?))
    });
    let moments: FxHashMap<OperationId, (u64, u32)> = orders.flatten_iter().collect();
    let moment = |deed: &Deed| {
        let returned = (history.operation(deed.operation).returned().0, 0);
        moments.get(&deed.operation).copied().unwrap_or(returned)
    };
    let mut sorted: Vec<(u64, u32, usize)> = objects
        .deeds
        .iter()
        .enumerate()
        .map(|(place, deed)| (moment(deed).0, moment(deed).1, place))
        .collect();
    sorted.sort_unstable();
    let mut rank = vec![0; sorted.len()];
    for (at, (_, _, place)) in (0..).zip(sorted) {
        rank[place] = at;
    }
    rank
}

/// The earliest moment of each operation of an order, and its place in it.
fn moments(history: &History, order: &[OperationId]) -> Vec<(OperationId, (u64, u32))> {
    let mut now = 0;
    let at = |(place, &operation): (u32, &OperationId)| {
        now = history.operation(operation).invoked.0.max(now);
        (operation, (now, place))
    };
    (1..).zip(order).map(at).collect()
}
