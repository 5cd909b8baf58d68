//! What two or three operations of one data type show by themselves, by the definitions.
//!
//! It never counts more than the element, lock, account or sum that an anomaly names.

use std::collections::{BTreeMap, BTreeSet};

use finding::Anomaly;
use histories::{AnomalyKind, Function, History, Nanos, Operation, Outcome, Value};

use super::Unconfirmed;
use crate::accesses::{What, accesses};

/// So many different sums are gone through.
const SUMS_MAX: usize = 1 << 20;

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    let named: Vec<&Operation> = anomaly.witness.operations.iter().map(|&id| history.operation(id)).collect();
    let Some((&first, others)) = named.split_first() else { return Err("the witness is empty".into()) };
    let shown = match (anomaly.kind, others) {
        (AnomalyKind::PhantomRead | AnomalyKind::AbortedRead | AnomalyKind::FutureRead, _) => {
            named.iter().any(|op| shows_too_early(history, op))
        }
        (AnomalyKind::DuplicateElement, _) if first.function == Function::Add || first.function.is_read() => {
            named.iter().any(|op| shows_twice(op))
        }
        (AnomalyKind::DuplicateElement, _) => comes_out_too_often(history, &named),
        (AnomalyKind::LostWrite, [empty, ..]) => never_came_out(history, first, empty),
        (AnomalyKind::WrongSum, _) => return wrong_sum(history, first),
        (AnomalyKind::WrongTotal, others) => {
            let right = match history.header.bank.as_ref().and_then(|bank| bank.total_amount) {
                Some(total) => Some(total.into()),
                None => others.first().and_then(|other| total(other)),
            };
            let judged = named.iter().all(|op| !is_before_opening(history, op));
            judged && total(first).zip(right).is_some_and(|(shown, right)| shown != right)
        }
        (AnomalyKind::Overdrawn, _) if may_be_negative(history) => false,
        (AnomalyKind::Overdrawn, _) => first.reply().as_map().is_some_and(|map| {
            map.values().any(|balance| balance.as_int().is_some_and(|balance| balance < 0))
        }),
        (AnomalyKind::NilBalance, _) => {
            first.reply().as_map().is_some_and(|map| map.values().any(Value::is_null))
        }
        (AnomalyKind::UnexpectedAccount, []) => is_unlisted(history, first),
        (AnomalyKind::UnexpectedAccount, [other, ..]) => {
            !is_before_opening(history, first) && appears(history, first, other)
        }
        (AnomalyKind::DuplicateId, [other, ..]) => {
            first.is_ok() && other.is_ok() && first.reply() == other.reply() && first.key == other.key
        }
        (AnomalyKind::LongFork, [other, ..]) => forked(history, first, other),
        (AnomalyKind::TwoHolders, [other, ..]) => hold_together(history, first, other),
        (AnomalyKind::StaleFence, [other, ..]) => is_fenced_late(first, other),
        _ => false,
    };
    if shown { Ok(()) } else { Err(format!("the operations show no {}", anomaly.kind).into()) }
}

/// What an operation shows that had been put in.
fn elements(op: &Operation) -> Vec<&Value> {
    match (&op.function, op.reply().as_list()) {
        _ if !op.is_ok() => Vec::new(),
        (Function::Read | Function::ReadAll | Function::Drain, Some(list)) => list.iter().collect(),
        (Function::Dequeue, _) if !op.reply().is_null() => vec![op.reply()],
        _ => Vec::new(),
    }
}

fn puts(history: &History, key: Option<histories::KeyId>, value: &Value) -> Vec<Operation> {
    let puts = |op: &&Operation| {
        op.key == key
            && op.outcome != Outcome::Fail
            && matches!(op.function, Function::Add | Function::Enqueue)
            && op.call() == value
    };
    history.operations().iter().filter(puts).cloned().collect()
}

/// Whether it shows something that nobody had begun to put in.
fn shows_too_early(history: &History, op: &Operation) -> bool {
    let begun = |value: &Value| puts(history, op.key, value).iter().any(|put| put.invoked <= op.completed);
    elements(op).into_iter().any(|value| !begun(value))
}

fn shows_twice(op: &Operation) -> bool {
    let all = elements(op);
    op.function.is_read() && all.iter().collect::<BTreeSet<_>>().len() < all.len()
}

/// When an element came out, once for each time.
fn taken(history: &History, key: Option<histories::KeyId>, value: &Value) -> Vec<Nanos> {
    let on_key = history.operations().iter().filter(|op| op.key == key && !op.function.is_read());
    let times = |op: &'_ Operation| elements(op).into_iter().filter(|&other| other == value).count();
    on_key.flat_map(|op| std::iter::repeat_n(op.completed, times(op))).collect()
}

/// One of the named took an element that by then had come out more often than its addition had begun.
fn comes_out_too_often(history: &History, named: &[&Operation]) -> bool {
    named.iter().any(|op| {
        elements(op).into_iter().any(|value| {
            let out = taken(history, op.key, value).into_iter().filter(|&at| at <= op.completed).count();
            let begun = puts(history, op.key, value).iter().filter(|put| put.invoked <= op.completed).count();
            out > begun
        })
    })
}

/// Somebody found nothing more after every acknowledged addition, and fewer may have been taken unseen than are missing.
fn never_came_out(history: &History, put: &Operation, empty: &Operation) -> bool {
    let first_key = put.key;
    let on_key = || history.operations().iter().filter(|op| op.key == first_key);
    let acknowledged = |op: &&Operation| op.function == Function::Enqueue && op.is_ok();
    let finds_nothing = match empty.function {
        Function::Dequeue => empty.is_ok() && empty.reply().is_null(),
        Function::Drain => empty.is_ok() && empty.reply().as_list().is_some(),
        _ => false,
    };
    let drains = on_key().filter(|op| op.function == Function::Drain && op.is_ok());
    let finds_nothing = finds_nothing && drains.into_iter().all(|drain| drain.reply().as_list().is_some());
    let after_all = on_key().filter(acknowledged).all(|op| op.completed < empty.invoked);
    let unseen = |function: Function| {
        on_key().filter(|op| op.function == function && op.outcome == Outcome::Info).count()
    };
    let values: BTreeSet<&Value> = on_key().filter(acknowledged).map(Operation::call).collect();
    // Of those that came out up to some moment, no more can have been acknowledged than had begun by then.
    let missing = |value: &Value| {
        let mut put = puts(history, put.key, value);
        put.retain(Operation::is_ok);
        let out = taken(history, first_key, value);
        let spare = out.iter().map(|&at| {
            let begun = put.iter().filter(|put| put.invoked <= at).count();
            out.iter().filter(|&&other| other <= at).count().saturating_sub(begun)
        });
        (put.len() + spare.max().unwrap_or(0)).saturating_sub(out.len())
    };
    let all: usize = values.iter().map(|value| missing(value)).sum();
    finds_nothing
        && after_all
        && put.is_ok()
        && missing(put.call()) > 0
        && unseen(Function::Drain) == 0
        && all > unseen(Function::Dequeue)
}

fn total(op: &Operation) -> Option<i128> {
    let amount = |balance: &Value| if balance.is_null() { Some(0) } else { balance.as_int().map(i128::from) };
    op.reply().as_map()?.values().map(amount).sum()
}

/// It shows no account, and a transaction of the history itself makes accounts: it may have read before that.
fn is_before_opening(history: &History, read: &Operation) -> bool {
    let opens = |op: &Operation| {
        let written = op.call().micros().into_iter().flatten().flatten().any(|micro| micro.function == "w");
        op.function == Function::Txn && op.outcome != Outcome::Fail && written
    };
    read.reply().as_map().is_some_and(BTreeMap::is_empty) && history.operations().iter().any(opens)
}

fn may_be_negative(history: &History) -> bool {
    history.header.bank.as_ref().is_some_and(|bank| bank.negative_balances)
}

/// It shows an account that is none of those that there are.
fn is_unlisted(history: &History, read: &Operation) -> bool {
    let Some(bank) = history.header.bank.as_ref().filter(|bank| !bank.accounts.is_empty()) else {
        return false;
    };
    read.reply().as_map().is_some_and(|shown| shown.keys().any(|account| !bank.accounts.contains(account)))
}

/// The other read shows an account that the first does not, and that is part of no transfer.
fn appears(history: &History, first: &Operation, other: &Operation) -> bool {
    let transfers = history
        .operations()
        .iter()
        .filter(|op| op.key == other.key && op.function == Function::Transfer && op.outcome != Outcome::Fail);
    let named: Vec<Value> = transfers
        .flat_map(|op| match (op.call().as_map(), op.call().as_list()) {
            (Some(map), _) => ["from", "to"].map(|side| map.get(side).cloned().unwrap_or_default()).to_vec(),
            (_, list) => list.unwrap_or_default().iter().take(2).cloned().collect(),
        })
        .collect();
    let is_named = |account: &str| {
        named.iter().any(|name| name.to_string() == account || name.as_text() == Some(account))
    };
    let (Some(before), Some(after)) = (first.reply().as_map(), other.reply().as_map()) else { return false };
    first.key == other.key && after.keys().any(|account| !before.contains_key(account) && !is_named(account))
}

/// By item, the number that an observation shows; `None` as the item of a plain counter. Items that it does not show
/// are at 0.
fn shown<'h>(
    history: &'h History,
    op: &'h Operation,
) -> Vec<(Option<histories::KeyId>, Option<&'h str>, i128)> {
    let of_value = |key, value: &'h Value| -> Vec<_> {
        match value.as_map() {
            Some(items) => items
                .iter()
                .filter_map(|(item, number)| Some((key, Some(item.as_str()), number.as_int()?.into())))
                .collect(),
            None => vec![(key, None, value.as_int().unwrap_or_default().into())],
        }
    };
    if op.function != Function::Dump {
        return of_value(op.key, op.reply());
    }
    let keys = op.reply().as_map().into_iter().flatten();
    keys.flat_map(|(name, value)| of_value(history.key_id(&name.as_str().into()), value)).collect()
}

/// Some item is at a number that no part of what may have happened makes.
pub(super) fn wrong_sum(history: &History, seen: &Operation) -> Result<(), Unconfirmed> {
    let shown = shown(history, seen);
    let mut counted: BTreeSet<(Option<histories::KeyId>, Option<&str>)> = BTreeSet::new();
    counted.extend(shown.iter().map(|&(key, item, _)| (key, item)));
    let on_key = |op: &&Operation| seen.function == Function::Dump || op.key == seen.key;
    counted.extend(history.operations().iter().filter(on_key).filter_map(|op| Some((op.key, change(op)?.0))));
    for (key, item) in counted {
        let number = shown.iter().find(|(k, i, _)| (*k, *i) == (key, item)).map_or(0, |(.., number)| *number);
        if !reached(history, (key, item), seen, number)? {
            return Ok(());
        }
    }
    Err("every number shown is some sum".into())
}

fn change(op: &Operation) -> Option<(Option<&str>, i128)> {
    let sign = match op.function {
        Function::Increment | Function::Add => 1,
        Function::Decrement => -1,
        _ => return None,
    };
    match op.call().as_list() {
        Some([item, amount]) => Some((Some(item.as_text()?), sign * i128::from(amount.as_int()?))),
        _ => Some((None, sign * i128::from(op.call().as_int()?))),
    }
}

fn reached(
    history: &History,
    (key, item): (Option<histories::KeyId>, Option<&str>),
    seen: &Operation,
    number: i128,
) -> Result<bool, Unconfirmed> {
    let mut sums = BTreeSet::from([0]);
    for op in history.operations().iter().filter(|op| op.key == key && op.outcome != Outcome::Fail) {
        let Some((_, by)) = change(op).filter(|(other, _)| *other == item) else { continue };
        if op.precedes(seen) {
            sums = sums.into_iter().map(|sum| sum + by).collect();
        } else if op.invoked <= seen.completed {
            sums = sums.iter().map(|sum| sum + by).chain(sums.iter().copied()).collect();
        }
        if sums.len() > SUMS_MAX {
            return Err(Unconfirmed::TooLarge { count: sums.len(), what: "sums" });
        }
    }
    Ok(sums.contains(&number))
}

/// One saw a write of one key without that of another, the other the reverse; and nobody wrote either key again.
fn forked(history: &History, one: &Operation, other: &Operation) -> bool {
    let reads = |op| reads(history, op);
    let (first, second) = (reads(one), reads(other));
    let value = |list: &[(String, Value)], key: &str| {
        list.iter().find(|(other, _)| other == key).map(|(_, value)| value.clone())
    };
    let once = |key: &str, seen: &Value| {
        let written: Vec<Value> =
            history.operations().iter().flat_map(|op| written(history, op, key)).collect();
        let agree = || {
            let shown = history.operations().iter().filter(|op| op.is_ok()).flat_map(reads);
            shown.filter(|(other, _)| other == key).all(|(_, value)| value.is_null() || value == *seen)
        };
        written == [seen.clone()] || written.is_empty() && agree()
    };
    // A key that one transaction reads both as written and as not written tells nothing of a snapshot.
    let steady = |list: &[(String, Value)], key: &str| {
        let mut reads = list.iter().filter(|(other, _)| other == key).map(|(_, value)| value.is_null());
        let first = reads.next();
        reads.all(|null| Some(null) == first)
    };
    // Keys that the one saw written and the other did not.
    let ahead = |list: &[(String, Value)], than: &[(String, Value)]| {
        list.iter().any(|(key, seen)| {
            let lacked = value(than, key).is_some_and(|seen| seen.is_null());
            !seen.is_null() && lacked && steady(list, key) && steady(than, key) && once(key, seen)
        })
    };
    ahead(&first, &second) && ahead(&second, &first)
}

fn reads(history: &History, op: &Operation) -> Vec<(String, Value)> {
    let reads = accesses(history, op).into_iter().filter(|access| access.what == What::Read);
    reads.map(|access| (access.key, access.value)).collect()
}

fn written(history: &History, op: &Operation, key: &str) -> Vec<Value> {
    let others = accesses(history, op).into_iter();
    let written = others.filter(|access| access.what != What::Read && access.key == key);
    written.map(|access| access.value).collect()
}

/// The second acquisition was given no larger token than the first, which ended before it began, or the same.
fn is_fenced_late(one: &Operation, other: &Operation) -> bool {
    let token = |op: &Operation| {
        let fields = op.reply().as_map()?;
        fields.get("fence").or_else(|| fields.get("token"))?.as_int()
    };
    let acquired = |op: &Operation| op.function == Function::Acquire && op.is_ok();
    let (Some(first), Some(second)) = (token(one), token(other)) else { return false };
    let late = one.completed < other.invoked && second < first;
    acquired(one)
        && acquired(other)
        && one.key == other.key
        && one.call_event != other.call_event
        && first != 0
        && second != 0
        && (first == second || late)
}

/// Neither gave the lock back before the other had it, and nobody else gave it back at all in between.
fn hold_together(history: &History, one: &Operation, other: &Operation) -> bool {
    let released = |acquired: &Operation| {
        let later = history.operations().iter().filter(|op| {
            op.process == acquired.process && op.key == acquired.key && op.call_event > acquired.call_event
        });
        // Each acquisition on the way asks for a release of its own.
        let mut depth = 1;
        for op in later.filter(|op| op.outcome != Outcome::Fail) {
            match op.function {
                Function::Acquire => depth += i32::from(op.is_ok()),
                Function::Release => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(op.invoked);
            }
        }
        None
    };
    let before_release = |acquired: &Operation, holder: &Operation| {
        released(holder).is_none_or(|time| acquired.completed < time)
    };
    let acquired = |op: &Operation| op.function == Function::Acquire && op.is_ok();
    acquired(one)
        && acquired(other)
        && one.key == other.key
        && one.call_event != other.call_event
        && before_release(one, other)
        && before_release(other, one)
}
