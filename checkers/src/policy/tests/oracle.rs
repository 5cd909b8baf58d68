//! The definitions, tried out on every possibility.

use std::collections::BTreeSet;

use histories::{Function, History, Operation, Outcome, Value};

type Values = BTreeSet<Value>;

fn list(value: &Value) -> Values {
    value.as_list().unwrap_or_default().iter().cloned().collect()
}

fn happened(op: &Operation) -> bool {
    op.outcome != Outcome::Fail
}

fn parts<T: Clone>(list: &[T]) -> Vec<Vec<T>> {
    (0_u32..1 << list.len())
        .map(|part| {
            list.iter()
                .enumerate()
                .filter(|(i, _)| part >> i & 1 == 1)
                .map(|(_, item)| item.clone())
                .collect()
        })
        .collect()
}

/// Reads after everything, of which none of the same key was called after they had ended.
fn last(history: &History) -> Vec<&Operation> {
    let all = ends(history);
    let overtaken = |end: &Operation| all.iter().any(|op| op.key == end.key && op.invoked > end.completed);
    all.iter().copied().filter(|end| !overtaken(end)).collect()
}

/// Reads after everything.
fn ends(history: &History) -> Vec<&Operation> {
    let is_read = |op: &&Operation| op.function.is_read();
    let updates = || history.operations().iter().filter(|op| !is_read(op));
    if updates().any(|op| !op.has_completion()) {
        return Vec::new();
    }
    let quiet = updates().map(|op| op.completed).max();
    let reads = history.operations().iter().filter(is_read);
    reads.filter(|op| op.is_ok() && quiet.is_none_or(|quiet| op.invoked > quiet)).collect()
}

/// A write: what it quotes, its value, and itself.
type Write<'h> = (Values, Value, &'h Operation);

fn writes(history: &History) -> Vec<Write<'_>> {
    let of_kind =
        history.operations().iter().filter(|op| op.function == Function::Replace).filter(|op| happened(op));
    of_kind
        .map(|op| {
            let (quoted, value) = op.call().as_pair().unwrap();
            (list(quoted), value.clone(), op)
        })
        .collect()
}

/// All that a value had replaced.
fn past(writes: &[Write<'_>], quoted: &Values) -> Values {
    let mut past = quoted.clone();
    for _ in 0..writes.len() {
        for (quoted, value, _) in writes {
            if past.contains(value) {
                past.extend(quoted.iter().cloned());
            }
        }
    }
    past
}

/// What a store shows in which some writes have happened.
fn shown(all: &[Write<'_>], some: &[&Write<'_>]) -> Values {
    let replaced: Values = some.iter().flat_map(|(quoted, ..)| past(all, quoted)).collect();
    some.iter().map(|(_, value, _)| value.clone()).filter(|v| !v.is_null() && !replaced.contains(v)).collect()
}

/// Whether every sight of siblings is what a store shows in which some of the writes that had begun have happened, among
/// them all that the session knew; and, at the end, all that is known at all.
pub(super) fn siblings(history: &History) -> bool {
    let all = writes(history);
    let reads: Vec<&Operation> =
        history.operations().iter().filter(|op| op.function == Function::ReadAll && op.is_ok()).collect();
    let ends = last(history);
    let fits = |read: &Operation, must: &Values| {
        let begun: Vec<&Write<'_>> = all.iter().filter(|(.., op)| op.invoked <= read.completed).collect();
        parts(&begun).into_iter().any(|some| {
            let values: Values = some.iter().map(|(_, value, _)| value.clone()).collect();
            // What was known may have been replaced through writes that this store never saw by themselves.
            let replaced: Values = some.iter().flat_map(|(quoted, ..)| past(&all, quoted)).collect();
            shown(&all, &some) == list(read.reply())
                && must.iter().all(|value| values.contains(value) || replaced.contains(value))
        })
    };
    let of_session = |read: &&Operation| {
        let earlier = |op: &Operation| op.process == read.process && op.call_event < read.call_event;
        let written =
            all.iter().filter(|(.., op)| op.is_ok() && earlier(op)).map(|(_, value, _)| value.clone());
        let seen = reads.iter().filter(|op| earlier(op)).flat_map(|op| list(op.reply()));
        let must: Values = written.chain(seen).filter(|value| !value.is_null()).collect();
        fits(read, &must)
    };
    let everything: Values = all
        .iter()
        .filter(|(.., op)| op.is_ok())
        .map(|(_, value, _)| value.clone())
        .chain(reads.iter().flat_map(|op| list(op.reply())))
        .filter(|value| !value.is_null())
        .collect();
    let at_end = |read: &Operation| {
        let tombstones: Vec<&Write<'_>> =
            all.iter().filter(|(_, value, op)| value.is_null() && op.is_ok()).collect();
        let optional: Vec<&Write<'_>> =
            all.iter().filter(|(_, value, op)| !op.is_ok() && !everything.contains(value)).collect();
        let known: Vec<&Write<'_>> = all.iter().filter(|(_, value, _)| everything.contains(value)).collect();
        parts(&optional).into_iter().any(|some| {
            let some: Vec<&Write<'_>> =
                some.into_iter().chain(known.clone()).chain(tombstones.clone()).collect();
            shown(&all, &some) == list(read.reply())
        })
    };
    history.operations().iter().all(|op| op.function != Function::Replace)
        || reads.iter().all(of_session) && (ends.is_empty() || ends.iter().any(|read| at_end(read)))
}

/// Whether each element that a read shows had been added by then, and each at the end can be as it is: each remove had seen
/// any of the additions that it can have seen, and all that it must have.
pub(super) fn observed_removes(history: &History) -> bool {
    let of = |function: Function| -> Vec<&Operation> {
        history.operations().iter().filter(|op| op.function == function).filter(|op| happened(op)).collect()
    };
    let (adds, removes) = (of(Function::Add), of(Function::Remove));
    let ends = last(history);
    let elements: BTreeSet<&Value> = adds.iter().map(|op| op.call()).collect();
    let reads = history.operations().iter().filter(|op| op.function == Function::ReadAll && op.is_ok());
    let begun = |read: &Operation, element: &Value| {
        adds.iter().any(|add| add.call() == element && add.invoked <= read.completed)
    };
    reads.into_iter().all(|read| list(read.reply()).iter().all(|element| begun(read, element)))
        && (ends.is_empty()
            || elements.into_iter().all(|element| {
                let adds: Vec<&Operation> = adds.iter().copied().filter(|op| op.call() == element).collect();
                let removes: Vec<&Operation> =
                    removes.iter().copied().filter(|op| op.call() == element).collect();
                let possible = outcomes(history, element, &adds, &removes);
                let there = |end: &&Operation| end.reply().as_list().unwrap_or_default().contains(element);
                ends.iter().any(|end| possible.contains(&there(end)))
            }))
}

/// Whether an element is there, in every world.
fn outcomes(
    history: &History,
    element: &Value,
    adds: &[&Operation],
    removes: &[&Operation],
) -> BTreeSet<bool> {
    let mut worlds: BTreeSet<Vec<u32>> = BTreeSet::new();
    // What is there: the additions that happened and no remove has seen.
    for happened in parts(adds) {
        if adds
            .iter()
            .filter(|op| op.is_ok())
            .all(|op| happened.iter().any(|o| o.call_event == op.call_event))
        {
            worlds.insert(happened.iter().map(|op| op.call_event).collect());
        }
    }
    for remove in removes {
        let may: Vec<&Operation> = adds.iter().copied().filter(|add| !remove.precedes(add)).collect();
        let mut next = if remove.is_ok() { BTreeSet::new() } else { worlds.clone() };
        for world in &worlds {
            for seen in parts(&may) {
                let sees = |add: &&&Operation| seen.iter().any(|op| op.call_event == add.call_event);
                if adds
                    .iter()
                    .filter(|add| must_see(history, element, adds, remove, add))
                    .all(|add| sees(&add))
                {
                    let left = world.iter().filter(|event| !seen.iter().any(|op| op.call_event == **event));
                    next.insert(left.copied().collect());
                }
            }
        }
        worlds = next;
    }
    worlds.iter().map(|world| !world.is_empty()).collect()
}

fn must_see(
    history: &History,
    element: &Value,
    adds: &[&Operation],
    remove: &Operation,
    add: &Operation,
) -> bool {
    let earlier = |op: &Operation| op.process == remove.process && op.call_event < remove.call_event;
    let only_source = |read: &Operation| {
        let sources: Vec<u32> =
            adds.iter().filter(|add| add.invoked <= read.completed).map(|add| add.call_event).collect();
        sources == [add.call_event]
    };
    let reads = history.operations().iter().filter(|op| op.function == Function::ReadAll && op.is_ok());
    let mut sights = reads.filter(|op| op.reply().as_list().unwrap_or_default().contains(element));
    (add.is_ok() && earlier(add)) || sights.any(|read| earlier(read) && only_source(read))
}

/// Whether no write is left that causality has before another of its key.
pub(super) fn hybrid_clock(history: &History) -> bool {
    let ops = history.operations();
    let written = |op: &Operation| {
        (op.function == Function::Write && op.outcome != Outcome::Fail).then(|| op.call().clone())
    };
    let follows = |a: &Operation, b: &Operation| {
        let session = a.process == b.process
            && a.call_event < b.call_event
            && a.outcome == Outcome::Ok
            && b.outcome != Outcome::Fail;
        let read = b.function == Function::Read
            && b.is_ok()
            && a.key == b.key
            && written(a).as_ref() == Some(b.reply());
        session || read
    };
    let mut before: Vec<Vec<bool>> =
        ops.iter().map(|a| ops.iter().map(|b| follows(a, b)).collect()).collect();
    for k in 0..ops.len() {
        for i in 0..ops.len() {
            for j in 0..ops.len() {
                before[i][j] |= before[i][k] && before[k][j];
            }
        }
    }
    let ends = last(history);
    let observed = |op: &Operation| {
        op.is_ok()
            || ops.iter().any(|read| {
                read.function == Function::Read
                    && read.is_ok()
                    && read.key == op.key
                    && read.reply() == op.call()
            })
    };
    let wrong = |end: &&Operation| {
        let left = ops.iter().position(|op| op.key == end.key && written(op).as_ref() == Some(end.reply()));
        let Some(left) = left else { return false };
        (0..ops.len()).any(|other| {
            other != left
                && ops[other].key == end.key
                && written(&ops[other]).is_some()
                && observed(&ops[other])
                && before[left][other]
        })
    };
    let differ =
        |end: &&Operation| ends.iter().any(|other| other.key == end.key && other.reply() != end.reply());
    !ends.iter().filter(|end| !differ(end)).any(wrong)
}

/// Whether each read at the end shows all that was acknowledged, and any part of what may have happened beside.
pub(super) fn counters(history: &History) -> bool {
    let changes: Vec<(&Operation, i64)> = history
        .operations()
        .iter()
        .filter(|op| happened(op) && op.function != Function::Read)
        .map(|op| {
            let by = op.call().as_int().unwrap();
            (op, if op.function == Function::Decrement { -by } else { by })
        })
        .collect();
    ends(history).into_iter().all(|end| {
        parts(&changes).into_iter().any(|some| {
            let has = |op: &Operation| some.iter().any(|(other, _)| other.call_event == op.call_event);
            let sum: i64 = some.iter().map(|(_, by)| by).sum();
            changes.iter().all(|(op, _)| !op.is_ok() || has(op)) && *end.reply() == Value::Int(sum)
        })
    })
}
