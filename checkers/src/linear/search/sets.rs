//! Sets to which each element is added once, and none removed, read as a whole: decided in linear time.
//!
//! It never judges a set with removes or repeated adds: those are left to the search.
//!
//! Reads must form a chain by inclusion. Then the order of groups is forced: the adds that the smallest read saw,
//! the reads of it, the adds that the next one saw besides, and so on, at last what no read saw. Within a group
//! time decides. So a history is linearizable iff nothing in a group began after something in a later one ended.

use std::collections::BTreeSet;

use finding::{Meter, Stop};
use histories::Value;
use rustc_hash::FxHashMap;

use crate::models::{Entry, SetCall};

type SetEntry = Entry<SetCall, BTreeSet<Value>>;

/// What the rules say. Numbers are entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ruled {
    Holds,
    /// These alone contradict each other; the last of them is the one to tell of.
    Violated(Vec<u32>),
}

/// `None` where the rules do not apply.
pub(super) fn decide(entries: &[SetEntry], meter: &mut Meter<'_>) -> Result<Option<Ruled>, Stop> {
    Ok(grouped(entries, meter)?.map(|grouped| grouped.map_or_else(Ruled::Violated, |_| Ruled::Holds)))
}

/// The entries in an order that explains them; `None` where there is none, or the rules do not apply.
pub(super) fn order(entries: &[SetEntry], meter: &mut Meter<'_>) -> Result<Option<Vec<u32>>, Stop> {
    let groups = grouped(entries, meter)?.and_then(Result::ok);
    Ok(groups.map(|groups| groups.into_iter().map(|(_, entry)| entry).collect()))
}

/// Each entry that took effect with its group, in order; or entries that contradict each other.
type Grouped = Result<Vec<(u32, u32)>, Vec<u32>>;

/// `None` where the rules do not apply.
fn grouped(entries: &[SetEntry], meter: &mut Meter<'_>) -> Result<Option<Grouped>, Stop> {
    let Some(adds) = unique_adds(entries) else { return Ok(None) };
    let mut reads: Vec<(&BTreeSet<Value>, u32)> =
        (0..).zip(entries).filter_map(|(i, entry)| entry.reply.as_ref().map(|seen| (seen, i))).collect();
    reads.sort_by_key(|(seen, _)| seen.len());
    // For each add the group of the smallest read that saw it; reads stand between the groups of adds.
    let mut group_of: FxHashMap<u32, u32> = FxHashMap::default();
    let mut groups: Vec<(u32, u32)> = Vec::with_capacity(entries.len());
    let mut previous: Option<(&BTreeSet<Value>, u32)> = None;
    let mut group = 0;
    for &(seen, read) in &reads {
        if previous.is_none_or(|(smaller, _)| smaller.len() < seen.len()) {
            group += 2;
        }
        let mut shared = 0;
        for element in seen {
            meter.tick()?;
            let Some(&add) = adds.get(element) else { return Ok(Some(Err(vec![read]))) };
            shared += usize::from(*group_of.entry(add).or_insert(group - 1) < group - 1);
        }
        if let Some((smaller, other)) = previous {
            let expected = if smaller.len() < seen.len() { smaller.len() } else { seen.len() };
            let same = smaller.len() == seen.len() && smaller == seen;
            if !same && (smaller.len() == seen.len() || shared != expected) {
                return Ok(Some(Err(crossed(&adds, (smaller, other), (seen, read)))));
            }
        }
        groups.push((group, read));
        previous = Some((seen, read));
    }
    // order never shows: sorted at once
    let mut added: Vec<u32> = adds.values().copied().collect();
    added.sort_unstable();
    for add in added {
        let group = group_of.get(&add).copied().unwrap_or(u32::MAX);
        // Nobody saw it, and it may not have happened.
        if group < u32::MAX || entries[add as usize].returned.is_some() {
            groups.push((group, add));
        }
    }
    groups.sort_unstable();
    Ok(Some(match disorder(entries, &groups) {
        None => Ok(groups),
        Some((late, early)) => Err(witness(entries, &adds, &reads, late, early)),
    }))
}

/// Which entry adds each element; `None` where one is added twice or removed.
fn unique_adds(entries: &[SetEntry]) -> Option<FxHashMap<&Value, u32>> {
    let mut adds = FxHashMap::default();
    for (i, entry) in (0..).zip(entries) {
        match &entry.call {
            SetCall::Remove(_) => return None,
            SetCall::Read => {}
            SetCall::Add(element) => {
                if adds.insert(element, i).is_some() {
                    return None;
                }
            }
        }
    }
    Some(adds)
}

/// Each of two reads saw an element that the other did not.
fn crossed(
    adds: &FxHashMap<&Value, u32>,
    a: (&BTreeSet<Value>, u32),
    b: (&BTreeSet<Value>, u32),
) -> Vec<u32> {
    let only = |of: &BTreeSet<Value>, not: &BTreeSet<Value>| {
        of.difference(not).next().and_then(|element| adds.get(element).copied())
    };
    [only(a.0, b.0), only(b.0, a.0), Some(a.1), Some(b.1)].into_iter().flatten().collect()
}

/// An entry of one group that began after one of a later group had ended: the late one, then the early one.
fn disorder(entries: &[SetEntry], groups: &[(u32, u32)]) -> Option<(u32, u32)> {
    // From the last group to the first, the entry of all later groups that ended first.
    let mut earliest: Option<(u64, u32)> = None;
    for same in groups.chunk_by(|a, b| a.0 == b.0).rev() {
        for &(_, late) in same {
            if let Some((returned, early)) = earliest
                && returned < entries[late as usize].invoked
            {
                return Some((late, early));
            }
        }
        let ends = same.iter().filter_map(|&(_, i)| Some((entries[i as usize].returned?, i)));
        earliest = ends.chain(earliest).min();
    }
    None
}

/// The two, with reads and adds that show which of them comes first.
fn witness(
    entries: &[SetEntry],
    adds: &FxHashMap<&Value, u32>,
    reads: &[(&BTreeSet<Value>, u32)],
    late: u32,
    early: u32,
) -> Vec<u32> {
    let call = |i: u32| &entries[i as usize].call;
    let mut operations = vec![early, late];
    match (call(late), call(early)) {
        // Some read saw the late one, and not the early one.
        (SetCall::Add(first), SetCall::Add(second)) => {
            let between = reads.iter().find(|(seen, _)| seen.contains(first) && !seen.contains(second));
            operations.extend(between.map(|&(_, read)| read));
        }
        (SetCall::Read, SetCall::Read) => {
            let seen = |i: u32| entries[i as usize].reply.as_ref();
            let more = seen(early).zip(seen(late)).and_then(|(more, less)| more.difference(less).next());
            operations.extend(more.and_then(|element| adds.get(element).copied()));
        }
        // A read that saw what was added only later, or missed what had been added.
        _ => {}
    }
    operations
}

/// The entries of a witness, restricted to the elements that its adds add: what no order explains of them, no
/// order explains of the whole. A read of an element that nobody adds stands for itself.
pub(super) fn projected(entries: &[SetEntry], witness: &[u32]) -> Vec<SetEntry> {
    let added = |entry: &SetEntry| match &entry.call {
        SetCall::Add(element) | SetCall::Remove(element) => Some(element.clone()),
        SetCall::Read => None,
    };
    let mut elements: BTreeSet<Value> = witness.iter().filter_map(|&i| added(&entries[i as usize])).collect();
    let known: BTreeSet<Value> = entries.iter().filter_map(added).collect();
    for &i in witness {
        let seen = entries[i as usize].reply.iter().flatten();
        elements.extend(seen.filter(|element| !known.contains(element)).take(1).cloned());
    }
    let kept = (0..).zip(entries).filter(|(i, entry): &(u32, _)| match added(entry) {
        Some(element) => elements.contains(&element),
        None => witness.contains(i),
    });
    kept.map(|(_, entry)| SetEntry {
        reply: entry.reply.as_ref().map(|seen| seen.intersection(&elements).cloned().collect()),
        ..entry.clone()
    })
    .collect()
}
