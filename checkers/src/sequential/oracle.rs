//! Sequential consistency by its definition: every interleaving of the sessions, with what may have happened or not.
//!
//! It shares nothing with the checker, and never sees more than a few operations.

use std::collections::BTreeSet;

use histories::{Function, History, KeyId, Operation, Outcome, Value};

type State = (BTreeSet<usize>, Vec<(Option<KeyId>, Value)>);

/// Whether some order of all operations that succeeded, and any of those whose outcome is unknown, keeps each
/// session's order and explains every answer.
pub(super) fn is_sequential(history: &History) -> bool {
    let operations: Vec<&Operation> = history.operations().iter().filter(|op| counts(op)).collect();
    let certain = (0..operations.len()).filter(|&i| operations[i].outcome != Outcome::Info);
    let certain: BTreeSet<usize> = certain.collect();
    let mut tried: BTreeSet<State> = BTreeSet::new();
    let mut stack = vec![State::default()];
    while let Some((done, state)) = stack.pop() {
        if certain.is_subset(&done) {
            return true;
        }
        for i in (0..operations.len()).filter(|i| !done.contains(i)) {
            let earlier = |&j: &usize| j < i && operations[j].process == operations[i].process;
            if certain.iter().copied().filter(earlier).any(|j| !done.contains(&j)) {
                continue;
            }
            if let Some(after) = applied(operations[i], &state) {
                let next = (done.iter().copied().chain([i]).collect(), after);
                if tried.insert(next.clone()) {
                    stack.push(next);
                }
            }
        }
    }
    false
}

fn counts(op: &Operation) -> bool {
    match op.outcome {
        Outcome::Ok => true,
        Outcome::Info => !op.function.is_read(),
        Outcome::Fail => op.seen().is_some(),
    }
}

fn applied(op: &Operation, state: &[(Option<KeyId>, Value)]) -> Option<Vec<(Option<KeyId>, Value)>> {
    let at = state.iter().position(|(key, _)| *key == op.key);
    let old = at.map_or(Value::Null, |at| state[at].1.clone());
    let new = match (&op.function, op.outcome) {
        (Function::Write, _) => op.call().clone(),
        (Function::Cas, Outcome::Fail) | (Function::Read | Function::ReadAll, _) => {
            return (same(&old, op.reply())).then(|| state.to_vec());
        }
        (Function::Cas, _) => {
            let (from, to) = op.call().as_pair()?;
            (*from == old).then(|| to.clone())?
        }
        (Function::Append | Function::Enqueue, _) => Value::list(items(&old).chain([op.call().clone()])),
        (Function::Add, _) => Value::list(items(&old).chain([op.call().clone()]).collect::<BTreeSet<_>>()),
        (Function::Remove, _) => Value::list(items(&old).filter(|item| item != op.call())),
        (Function::Dequeue, _) => taken(op, items(&old).next(), items(&old).skip(1))?,
        (Function::Drain, Outcome::Info) => Value::list([]),
        (Function::Drain, _) => {
            let sorted = |value: &Value| {
                let mut sorted: Vec<Value> = items(value).collect();
                sorted.sort_unstable();
                sorted
            };
            (sorted(&old) == sorted(op.reply())).then(|| Value::list([]))?
        }
        (Function::Acquire, _) => {
            (old.as_list() != Some(&[Value::Null])).then(|| Value::list([Value::Null]))?
        }
        (Function::Release, _) => (old.as_list() == Some(&[Value::Null])).then(|| Value::list([]))?,
        (function, _) if function.name() == "push" => Value::list(items(&old).chain([op.call().clone()])),
        (function, _) if function.name() == "pop" => {
            let count = items(&old).count();
            taken(op, items(&old).last(), items(&old).take(count.saturating_sub(1)))?
        }
        (Function::Increment, _) => Value::Int(old.as_int().unwrap_or(0) + op.call().as_int()?),
        (other, _) => panic!("no rule for {other}"),
    };
    let mut after: Vec<_> = state.iter().filter(|(key, _)| *key != op.key).cloned().collect();
    after.push((op.key, new));
    after.sort();
    Some(after)
}

/// What is left where an operation took one element, or found that there is none; `None` where it was told another one.
fn taken(op: &Operation, next: Option<Value>, left: impl Iterator<Item = Value>) -> Option<Value> {
    let is_right = op.outcome == Outcome::Info || *op.reply() == next.unwrap_or_default();
    is_right.then(|| Value::list(left))
}

fn items(value: &Value) -> impl Iterator<Item = Value> + '_ {
    value.as_list().unwrap_or_default().iter().cloned()
}

fn same(held: &Value, seen: &Value) -> bool {
    let blank = |value: &Value| value.is_null() || value.as_int() == Some(0) || value.as_list() == Some(&[]);
    held == seen || (blank(held) && blank(seen))
}
