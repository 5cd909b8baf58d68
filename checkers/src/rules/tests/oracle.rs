//! The definitions, tried out on every possibility.

use std::collections::BTreeSet;

use histories::{Function, History, Nanos, Operation, Outcome, Value};

use crate::models::{Entry, Mutex, MutexCall};

pub(super) fn all(history: &History, function: Function) -> Vec<&Operation> {
    history.operations().iter().filter(|op| op.function == function).collect()
}

fn happened(op: &Operation) -> bool {
    op.outcome != Outcome::Fail
}

/// Every part of a list.
pub(super) fn parts<T: Copy>(list: &[T]) -> impl Iterator<Item = Vec<T>> + '_ {
    (0_u32..1 << list.len()).map(|part| {
        list.iter().enumerate().filter(|(i, _)| part >> i & 1 == 1).map(|(_, item)| *item).collect()
    })
}

/// Whether every read of a counter is the sum of some part of the changes: all that had ended before it, none that began
/// after it.
pub(super) fn counter(history: &History) -> bool {
    let ups = all(history, Function::Increment);
    let downs = all(history, Function::Decrement);
    let changes: Vec<(&Operation, i64)> = ups
        .iter()
        .filter(|op| happened(op))
        .map(|op| (*op, op.call().as_int().unwrap()))
        .chain(downs.iter().filter(|op| happened(op)).map(|op| (*op, -op.call().as_int().unwrap())))
        .collect();
    all(history, Function::Read).into_iter().filter(|read| read.is_ok()).all(|read| {
        parts(&changes).any(|part| {
            let has = |op: &Operation| part.iter().any(|(other, _)| other.call_event == op.call_event);
            changes.iter().all(|(op, _)| !op.precedes(read) || has(op))
                && part.iter().all(|(op, _)| op.invoked <= read.completed)
                && Value::Int(part.iter().map(|(_, by)| by).sum()) == *read.reply()
        })
    })
}

fn elements(read: &Operation) -> &[Value] {
    read.reply().as_list().unwrap_or_default()
}

/// Whether every read of a set shows what somebody had begun to add, once, and every last read what is known.
pub(super) fn set(history: &History) -> bool {
    let adds = all(history, Function::Add);
    let reads: Vec<&Operation> =
        all(history, Function::ReadAll).into_iter().filter(|read| read.is_ok()).collect();
    let begun = |read: &Operation, value: &Value| {
        adds.iter().filter(|op| happened(op)).any(|add| add.call() == value && add.invoked <= read.completed)
    };
    let sound = reads.iter().all(|read| {
        elements(read).iter().all(|value| begun(read, value))
            && elements(read).iter().collect::<BTreeSet<_>>().len() == elements(read).len()
    });
    let removes = all(history, Function::Remove);
    let removed =
        |value: &Value| removes.iter().filter(|op| happened(op)).any(|remove| remove.call() == value);
    let known: BTreeSet<&Value> = adds
        .iter()
        .filter(|add| add.is_ok())
        .map(|add| add.call())
        .chain(reads.iter().flat_map(|read| elements(read)))
        .filter(|value| !removed(value))
        .collect();
    let last = last(history, &reads);
    let kept = |value: &&&Value| last.iter().any(|read| elements(read).contains(value));
    sound && (last.is_empty() || known.iter().all(|value| kept(&value)))
}

/// Reads after everything, where the history came to its end.
pub(super) fn last<'h>(history: &'h History, reads: &[&'h Operation]) -> Vec<&'h Operation> {
    let updates: Vec<&Operation> = history
        .operations()
        .iter()
        .filter(|op| !matches!(op.function, Function::Read | Function::ReadAll))
        .collect();
    if updates.iter().any(|op| !op.has_completion()) {
        return Vec::new();
    }
    let quiet = updates.iter().map(|op| op.completed).max();
    reads.iter().copied().filter(|read| quiet.is_none_or(|quiet| read.invoked > quiet)).collect()
}

/// Whether what came out of a queue can have: each dequeue of unknown outcome took one element or none.
pub(super) fn queue(history: &History) -> bool {
    let puts: Vec<&Operation> =
        all(history, Function::Enqueue).into_iter().filter(|put| happened(put)).collect();
    let takes = all(history, Function::Dequeue);
    let out: Vec<&Operation> =
        takes.iter().copied().filter(|take| take.is_ok() && !take.reply().is_null()).collect();
    let count = |value: &Value| {
        let known = puts.iter().filter(|put| put.is_ok() && put.call() == value).count();
        let all = puts.iter().filter(|put| put.call() == value).count();
        let taken = out.iter().filter(|take| take.reply() == value).count();
        (known, all, taken)
    };
    let values: BTreeSet<&Value> =
        puts.iter().map(|put| put.call()).chain(out.iter().map(|take| take.reply())).collect();
    let first = |take: &Operation| {
        let same = out.iter().filter(|other| other.reply() == take.reply());
        same.map(|other| other.call_event).min() == Some(take.call_event)
    };
    let early = out.iter().filter(|take| first(take)).any(|take| {
        puts.iter().filter(|put| put.call() == take.reply()).all(|put| put.invoked > take.completed)
    });
    let last_put: Option<Nanos> = puts.iter().filter(|put| put.is_ok()).map(|put| put.completed).max();
    let found_empty = takes.iter().any(|take| {
        take.is_ok() && take.reply().is_null() && last_put.is_none_or(|last| take.invoked > last)
    });
    let unseen = takes.iter().filter(|take| take.outcome == Outcome::Info).count();
    // One dequeue of unknown outcome after another takes any element, or none.
    let mut worlds: BTreeSet<Vec<usize>> =
        BTreeSet::from([values.iter().map(|value| count(value).2).collect()]);
    for _ in 0..unseen {
        let mut more = worlds.clone();
        for world in &worlds {
            for at in 0..world.len() {
                let mut next = world.clone();
                next[at] += 1;
                more.insert(next);
            }
        }
        worlds = more;
    }
    let fits = |world: &Vec<usize>| {
        values.iter().zip(world).all(|(value, &taken)| {
            let (known, all, _) = count(value);
            taken <= all && (!found_empty || taken >= known)
        })
    };
    !early && worlds.iter().any(fits)
}

/// Whether no two transactions see two keys in opposite orders, each of them written once.
pub(super) fn long_fork(history: &History) -> bool {
    let accesses = |op: &Operation| -> Vec<(String, String, Value)> {
        let list = if op.is_ok() { op.reply() } else { op.call() };
        list.as_list()
            .unwrap()
            .iter()
            .map(|item| {
                let [f, key, value] = item.as_list().unwrap() else { panic!("{item}") };
                (f.as_text().unwrap().to_owned(), key.as_text().unwrap().to_owned(), value.clone())
            })
            .collect()
    };
    let all: Vec<&Operation> = all(history, Function::Txn).into_iter().filter(|op| happened(op)).collect();
    let writes = |key: &str| -> Vec<Value> {
        let accesses = all.iter().flat_map(|op| accesses(op));
        accesses.filter(|(f, other, _)| f == "w" && other == key).map(|(.., value)| value).collect()
    };
    // Of what nobody in the history writes, all that is read must be the one value that somebody else wrote.
    let shown = |key: &str| -> Vec<Value> {
        let read = all.iter().filter(|op| op.is_ok()).flat_map(|op| accesses(op));
        read.filter(|(f, other, value)| f == "r" && other == key && !value.is_null())
            .map(|(.., value)| value)
            .collect()
    };
    let versions = |key: &str| -> Vec<Value> {
        let mut versions = writes(key);
        if versions.is_empty() {
            versions = shown(key);
            versions.dedup();
        }
        versions
    };
    let once = |key: &str| versions(key).len() == 1;
    let sees = |op: &Operation, key: &str| -> Option<bool> {
        let list = accesses(op);
        let own = list.iter().any(|(f, other, _)| f == "w" && other == key);
        let read = list.iter().find(|(f, other, _)| f == "r" && other == key)?;
        let known = read.2.is_null() || versions(key).contains(&read.2);
        (!own && known && op.is_ok()).then(|| !read.2.is_null())
    };
    let keys = ["x", "y", "z"];
    !all.iter().any(|one| {
        all.iter().any(|two| {
            keys.iter().any(|a| {
                keys.iter().any(|b| {
                    let seen = |op| (sees(op, a), sees(op, b));
                    once(a)
                        && once(b)
                        && seen(one) == (Some(true), Some(false))
                        && seen(two) == (Some(false), Some(true))
                })
            })
        })
    })
}

/// Whether some order of all acquisitions and releases lets one client hold the lock at a time, by trying all.
pub(super) fn mutex(history: &History) -> bool {
    let entry = |op: &Operation| Entry {
        invoked: op.invoked.0,
        returned: op.is_ok().then_some(op.completed.0),
        call: if op.function.name() == "acquire" { MutexCall::Acquire } else { MutexCall::Release },
        reply: None,
    };
    let entries: Vec<_> = history.operations().iter().filter(|op| happened(op)).map(entry).collect();
    crate::search::oracle::is_linearizable(&Mutex, &entries)
}
