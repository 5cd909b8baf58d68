//! First-in-first-out queues whose elements are unique, with every dequeue answered: decided in O(n log n).
//!
//! It never judges a queue with a dequeue of unknown outcome, which may have taken any element.
//!
//! After Bouajjani, Emmi, Enea and Hamza, "On reducing linearizability to state reachability" (ICALP 2015): a
//! history is not linearizable iff an element is dequeued that was not enqueued, or not yet, or twice; or one
//! element was enqueued before another and dequeued after it, or never; or an empty answer falls into a time during
//! which, element by element, the queue was never empty.

use finding::{Meter, Stop};
use histories::Value;
use rustc_hash::FxHashMap;

use super::sets::Ruled;
use crate::models::{Entry, QueueCall};

type QueueEntry = Entry<QueueCall, Value>;

/// An element's life. Numbers are entries.
#[derive(Clone, Copy, Debug)]
struct Element {
    enqueue: u32,
    dequeue: Option<u32>,
    enqueued: (u64, u64),
    /// `u64::MAX` twice where it was never dequeued.
    dequeued: (u64, u64),
}

/// What a dequeue or a drain says that it took: each element, and that there was nothing more.
#[derive(Clone, Copy, Debug)]
struct Take<'e> {
    entry: u32,
    elements: &'e [Value],
    found_empty: bool,
}

/// `None` where the rules do not apply.
pub(super) fn decide(entries: &[QueueEntry], meter: &mut Meter<'_>) -> Result<Option<Ruled>, Stop> {
    let Some(mut elements) = enqueued(entries) else { return Ok(None) };
    let Some(takes) = takes(entries) else { return Ok(None) };
    let mut empty = Vec::new();
    for take in &takes {
        let entry = &entries[take.entry as usize];
        let returned = entry.returned.unwrap_or(u64::MAX);
        for taken in take.elements {
            meter.tick()?;
            let Some(element) = elements.get_mut(taken) else {
                return Ok(Some(Ruled::Violated(vec![take.entry])));
            };
            if let Some(first) = element.dequeue.replace(take.entry) {
                return Ok(Some(Ruled::Violated(vec![element.enqueue, first, take.entry])));
            }
            element.dequeued = (entry.invoked, returned);
            if returned < element.enqueued.0 {
                return Ok(Some(Ruled::Violated(vec![element.enqueue, take.entry])));
            }
        }
        empty.extend(take.found_empty.then_some(take.entry));
    }
    // order never shows: sorted at once
    let mut elements: Vec<Element> = elements.into_values().collect();
    elements.retain(|element| element.dequeue.is_some() || element.enqueued.1 < u64::MAX);
    elements.sort_unstable_by_key(|element| (element.enqueued, element.enqueue));
    let broken = overtaken(&elements).or_else(|| never_empty(entries, &elements, &empty));
    Ok(match broken {
        Some(broken) => Some(Ruled::Violated(broken)),
        None => drains_are_alone(entries, &takes).then_some(Ruled::Holds),
    })
}

/// `None` where what one of them took is not known.
fn takes(entries: &[QueueEntry]) -> Option<Vec<Take<'_>>> {
    let mut takes = Vec::new();
    for (entry, QueueEntry { call, reply, returned, .. }) in (0..).zip(entries) {
        let reply = match call {
            QueueCall::Enqueue(_) => continue,
            QueueCall::Dequeue | QueueCall::Drain => reply.as_ref().filter(|_| returned.is_some())?,
        };
        takes.push(match (call, reply) {
            (QueueCall::Drain, all) => Take { entry, elements: all.as_list()?, found_empty: true },
            (_, Value::Null) => Take { entry, elements: &[], found_empty: true },
            (_, taken) => Take { entry, elements: std::slice::from_ref(taken), found_empty: false },
        });
    }
    Some(takes)
}

/// Whether nothing else was taken, or found empty, while a drain went on.
///
/// The rules take a drain for dequeues of its elements and one of nothing, each at a moment of its own. Where it is alone
/// these can be moved together: to the moment at which it found nothing, or, where it took elements after that, to the
/// addition of the last of them, at which the queue held those and no others.
fn drains_are_alone(entries: &[QueueEntry], takes: &[Take<'_>]) -> bool {
    if takes.iter().all(|take| entries[take.entry as usize].call != QueueCall::Drain) {
        return true;
    }
    let mut spans: Vec<(u64, u64, bool)> = takes
        .iter()
        .map(|take| &entries[take.entry as usize])
        .map(|entry| (entry.invoked, entry.returned.unwrap_or(u64::MAX), entry.call == QueueCall::Drain))
        .collect();
    spans.sort_unstable();
    // Until when any take, and any drain, of those that began earlier went on.
    let (mut any, mut drain) = (None, None);
    spans.into_iter().all(|(from, to, drains)| {
        let overlaps = drain >= Some(from) || drains && any >= Some(from);
        any = any.max(Some(to));
        drain = if drains { drain.max(Some(to)) } else { drain };
        !overlaps
    })
}

/// `None` where an element is enqueued twice, or is one that stands for no element.
fn enqueued(entries: &[QueueEntry]) -> Option<FxHashMap<&Value, Element>> {
    let mut elements = FxHashMap::default();
    for (enqueue, entry) in (0..).zip(entries) {
        if let QueueCall::Enqueue(value) = &entry.call {
            let element = Element {
                enqueue,
                dequeue: None,
                enqueued: (entry.invoked, entry.returned.unwrap_or(u64::MAX)),
                dequeued: (u64::MAX, u64::MAX),
            };
            if value.is_null() || elements.insert(value, element).is_some() {
                return None;
            }
        }
    }
    Some(elements)
}

/// An element that was enqueued before another, which was dequeued before it. They come in the order of calls.
fn overtaken(sorted: &[Element]) -> Option<Vec<u32>> {
    let mut by_return: Vec<&Element> = sorted.iter().collect();
    by_return.sort_unstable_by_key(|element| element.enqueued.1);
    let mut earlier = by_return.into_iter().peekable();
    // Of those that were enqueued before, the one that was dequeued last.
    let mut last: Option<&Element> = None;
    for second in sorted {
        while let Some(first) = earlier.next_if(|first| first.enqueued.1 < second.enqueued.0) {
            if last.is_none_or(|last| last.dequeued.0 < first.dequeued.0) {
                last = Some(first);
            }
        }
        let Some(dequeue) = second.dequeue else { continue };
        if let Some(first) = last.filter(|first| second.dequeued.1 < first.dequeued.0) {
            let operations = [Some(first.enqueue), Some(second.enqueue), first.dequeue, Some(dequeue)];
            return Some(operations.into_iter().flatten().collect());
        }
    }
    None
}

/// An empty answer during a time in which some element was always there.
fn never_empty(entries: &[QueueEntry], elements: &[Element], empty: &[u32]) -> Option<Vec<u32>> {
    // When an element was certainly there: after its enqueue returned, before its dequeue was called.
    let mut stays: Vec<(u64, u64, &Element)> = elements
        .iter()
        .map(|element| (element.enqueued.1, element.dequeued.0, element))
        .filter(|(from, to, _)| from < to)
        .collect();
    stays.sort_unstable_by_key(|&(from, to, element)| (from, to, element.enqueue));
    let mut spans: Vec<(u64, u64, usize)> = Vec::new();
    for (i, &(from, to, _)) in stays.iter().enumerate() {
        match spans.last_mut() {
            Some(span) if from < span.1 => span.1 = span.1.max(to),
            _ => spans.push((from, to, i)),
        }
    }
    empty.iter().find_map(|&i| {
        let entry = &entries[i as usize];
        let returned = entry.returned?;
        let span = spans.partition_point(|&(from, _, _)| from < entry.invoked).checked_sub(1)?;
        let (_, end, first) = spans[span];
        (returned < end).then(|| {
            let next = spans.get(span + 1).map_or(stays.len(), |next| next.2);
            let mut operations = cover(&stays[first..next], entry.invoked, returned);
            operations.push(i);
            operations
        })
    })
}

/// As few elements as keep the queue from being empty from before `from` until after `to`.
fn cover(stays: &[(u64, u64, &Element)], from: u64, to: u64) -> Vec<u32> {
    let (mut operations, mut reached, mut next) = (Vec::new(), from, 0);
    loop {
        // Of those that are there by now, the one that stays longest.
        let mut best: Option<&(u64, u64, &Element)> = None;
        while let Some(stay) = stays.get(next).filter(|stay| stay.0 < reached) {
            if best.is_none_or(|best| best.1 < stay.1) {
                best = Some(stay);
            }
            next += 1;
        }
        let Some((_, until, element)) = best else { return operations };
        operations.push(element.enqueue);
        operations.extend(element.dequeue);
        reached = *until;
        if reached > to {
            return operations;
        }
    }
}

/// The entries of a witness and all others on its elements: what no order explains of them, no order explains of
/// the whole, for a queue restricted to some elements is a queue of them.
pub(super) fn projected(entries: &[QueueEntry], witness: &[u32]) -> Vec<QueueEntry> {
    let elements: Vec<Value> =
        witness.iter().flat_map(|&i| touched(&entries[i as usize]).iter().cloned()).collect();
    let kept = (0..).zip(entries).filter(|(i, entry): &(u32, _)| {
        witness.contains(i) || touched(entry).iter().any(|element| elements.contains(element))
    });
    kept.map(|(_, entry)| match (&entry.call, &entry.reply) {
        (QueueCall::Drain, Some(all)) => {
            let all = all.as_list().unwrap_or_default().iter();
            let of_elements = all.filter(|element| elements.contains(element)).cloned();
            QueueEntry { reply: Some(Value::list(of_elements)), ..entry.clone() }
        }
        _ => entry.clone(),
    })
    .collect()
}

/// The elements that an operation put in or took.
fn touched(entry: &QueueEntry) -> &[Value] {
    match (&entry.call, &entry.reply) {
        (QueueCall::Enqueue(value), _) => std::slice::from_ref(value),
        (QueueCall::Dequeue, Some(taken)) if !taken.is_null() => std::slice::from_ref(taken),
        (QueueCall::Drain, Some(all)) => all.as_list().unwrap_or_default(),
        _ => &[],
    }
}
