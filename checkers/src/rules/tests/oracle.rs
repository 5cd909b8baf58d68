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

/// Whether every read of a set shows what a client had begun to add, once; and whatever is known and missing from a read that
/// was called later is shown by some read that ended at or after that call.
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
    let known_before = |read: &Operation, value: &Value| {
        adds.iter().any(|add| add.is_ok() && add.call() == value && add.completed < read.invoked)
            || reads.iter().any(|other| elements(other).contains(value) && other.completed < read.invoked)
    };
    let shown_since = |read: &Operation, value: &Value| {
        reads.iter().any(|other| elements(other).contains(value) && other.completed >= read.invoked)
    };
    let kept = |read: &Operation, value: &Value| {
        removed(value)
            || elements(read).contains(value)
            || !known_before(read, value)
            || shown_since(read, value)
    };
    sound && reads.iter().all(|read| adds.iter().all(|add| kept(read, add.call())))
}

/// Whether every read of a bank shows the same total, which is 30, the accounts that every other shows or a transfer names,
/// and no account below zero or without a balance. A read of nothing is one of the time before a transaction opened accounts.
pub(super) fn bank(history: &History) -> bool {
    let opened = all(history, Function::Txn).into_iter().any(happened);
    let reads: Vec<_> = all(history, Function::ReadAll)
        .into_iter()
        .filter(|read| read.is_ok())
        .map(|read| read.reply().as_map().unwrap())
        .filter(|balances| !(opened && balances.is_empty()))
        .collect();
    let transfers: Vec<&Operation> =
        all(history, Function::Transfer).into_iter().filter(|op| happened(op)).collect();
    let named = |account: &str| {
        transfers.iter().any(|op| op.call().as_list().unwrap()[..2].contains(&Value::text(account)))
    };
    reads.iter().all(|read| {
        let sum: i64 = read.values().map(|balance| balance.as_int().unwrap_or(0)).sum();
        sum == 30
            && read.values().all(|balance| balance.as_int().is_some_and(|balance| balance >= 0))
            && read
                .keys()
                .all(|account| named(account) || reads.iter().all(|other| other.contains_key(account)))
    })
}

/// Whether what came out of a queue can have: each time that an element came out is given an addition of it that had
/// begun by then, in every way there is, and each dequeue of unknown outcome one of those that are left, or none.
pub(super) fn queue(history: &History) -> bool {
    let puts: Vec<&Operation> =
        all(history, Function::Enqueue).into_iter().filter(|put| happened(put)).collect();
    let dequeues = all(history, Function::Dequeue);
    let drains = all(history, Function::Drain);
    let out: Vec<(&Operation, &Value)> = dequeues
        .iter()
        .filter(|take| take.is_ok() && !take.reply().is_null())
        .map(|take| (*take, take.reply()))
        .chain(
            drains
                .iter()
                .filter(|drain| drain.is_ok())
                .flat_map(|drain| drain.reply().as_list().unwrap().iter().map(|value| (*drain, value))),
        )
        .collect();
    // Which additions are used up, in every way.
    let mut worlds: BTreeSet<u32> = BTreeSet::from([0]);
    for (take, value) in out {
        let fits = |&i: &usize| puts[i].call() == value && puts[i].invoked <= take.completed;
        let fitting: Vec<usize> = (0..puts.len()).filter(fits).collect();
        let next = |world: &u32, i: usize| (world >> i & 1 == 0).then_some(world | 1 << i);
        worlds = worlds
            .iter()
            .flat_map(|world| fitting.iter().filter_map(|&i| next(world, i)).collect::<Vec<u32>>())
            .collect();
    }
    let last_put: Option<Nanos> = puts.iter().filter(|put| put.is_ok()).map(|put| put.completed).max();
    let mut found_nothing_more =
        dequeues.iter().filter(|take| take.reply().is_null()).chain(&drains).filter(|op| op.is_ok());
    let found_empty = found_nothing_more.any(|op| last_put.is_none_or(|last| op.invoked > last));
    let unseen = dequeues.iter().filter(|take| take.outcome == Outcome::Info).count();
    let any_number = drains.iter().any(|drain| drain.outcome == Outcome::Info);
    let left = |world: &u32| (0..puts.len()).filter(|&i| puts[i].is_ok() && world >> i & 1 == 0).count();
    worlds.iter().any(|world| !found_empty || any_number || left(world) <= unseen)
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
        let known = |value: &Value| value.is_null() || versions(key).contains(value);
        let mut reads = list.iter().filter(|(f, other, _)| f == "r" && other == key).map(|(.., value)| value);
        let steady = reads.all(|value| known(value) && value.is_null() == read.2.is_null());
        (!own && steady && op.is_ok()).then(|| !read.2.is_null())
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
    crate::testing::oracle::is_linearizable(&Mutex, &entries)
}
