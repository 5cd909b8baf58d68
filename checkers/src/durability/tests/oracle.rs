//! What became of acknowledged writes, by the definitions: every write against every final value, operation by operation.
//!
//! It shares nothing with the checker, neither tables nor the notion of a final state: the fuzzers say what is final.

use histories::{Function, History, Operation, Outcome, Value};

/// What a history comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Classes {
    pub(super) acknowledged: u64,
    pub(super) lost: u64,
    pub(super) superseded: u64,
    pub(super) discarded: u64,
    /// Whether anything is gone that was seen to take effect, or is back that was undone or failed.
    pub(super) violated: bool,
}

fn of_key<'h>(history: &'h History, key: &str) -> Vec<&'h Operation> {
    let named = |op: &&Operation| op.key.is_some_and(|id| history.key(id).as_str() == key);
    history.operations().iter().filter(named).collect()
}

fn written(op: &Operation) -> Option<&Value> {
    match op.function {
        Function::Write => Some(&op.call),
        Function::Cas => op.call.as_pair().map(|(_, to)| to),
        _ => None,
    }
}

/// Whether an operation that came to an end shows that the value was in force.
fn shows(op: &Operation, value: &Value) -> bool {
    let found = (op.function == Function::Read && op.is_ok()) || op.seen().is_some();
    (op.is_ok() && written(op) == Some(value)) || (found && op.reply == *value)
}

/// A register with unique values, of which `finals` were seen at the end.
pub(super) fn register(history: &History, key: &str, finals: &[Value]) -> Classes {
    let operations = of_key(history, key);
    let writes: Vec<&Operation> = operations.iter().copied().filter(|op| written(op).is_some()).collect();
    let finals: Vec<&Value> = finals.iter().filter(|value| !value.is_null()).collect();
    let writer = |value: &Value| writes.iter().copied().find(|op| written(op) == Some(value));
    let happened = |op: &&Operation| op.outcome != Outcome::Fail;
    let strange = finals.iter().any(|value| writer(value).is_none_or(|op| !happened(&op)));
    let revived = finals.iter().any(|value| writer(value).is_some_and(|op| op.outcome == Outcome::Fail));
    let mut classes = Classes { violated: revived, ..Classes::default() };
    for write in writes.iter().copied().filter(happened) {
        let value = written(write).unwrap();
        classes.acknowledged += u64::from(write.is_ok());
        if strange || finals.contains(&value) {
            continue;
        }
        // A final value that was in force before the write began does not explain that the write is gone.
        let in_force =
            |other: &Value| operations.iter().any(|op| shows(op, other) && op.completed < write.invoked);
        let explaining: Vec<&Value> = finals.iter().copied().filter(|other| !in_force(other)).collect();
        let later = |other: &Value| {
            operations.iter().any(|op| shows(op, value) && op.completed < writer(other).unwrap().invoked)
        };
        if write.is_ok() {
            let place = match explaining.as_slice() {
                [] => &mut classes.lost,
                values if values.iter().any(|other| later(other)) => &mut classes.superseded,
                _ => &mut classes.discarded,
            };
            *place += 1;
        }
        classes.violated |= explaining.is_empty() && operations.iter().any(|op| shows(op, value));
    }
    classes
}

/// A set, of which `finals` were seen at the end.
pub(super) fn collection(history: &History, key: &str, finals: &[Value]) -> Classes {
    let operations = of_key(history, key);
    let items = |list: &Value| list.as_list().unwrap_or_default().to_vec();
    let mut elements: Vec<Value> = operations.iter().map(|op| op.call.clone()).collect();
    elements.extend(finals.iter().flat_map(items));
    elements.retain(|element| !element.is_null());
    elements.sort_unstable();
    elements.dedup();
    let mut classes = Classes::default();
    for element in &elements {
        let named = |function: Function| {
            let of = move |op: &&&Operation| op.function == function && op.call == *element;
            operations.iter().filter(of).copied().collect::<Vec<_>>()
        };
        let (additions, mut removals) = (named(Function::Add), named(Function::Remove));
        removals.retain(|op| op.outcome != Outcome::Fail);
        let came_to = |outcome| additions.iter().any(|op| op.outcome == outcome);
        let (added, tried, failed) = (came_to(Outcome::Ok), came_to(Outcome::Info), came_to(Outcome::Fail));
        let saw = |op: &&Operation| {
            op.function == Function::ReadAll && op.is_ok() && items(&op.reply).contains(element)
        };
        let shown = operations.iter().any(saw);
        let somewhere = finals.iter().any(|list| items(list).contains(element));
        let everywhere = finals.iter().all(|list| items(list).contains(element));
        let gone = !somewhere && removals.is_empty();
        let from_nowhere = somewhere && !added && !tried;
        let undone = removals.iter().filter(|removal| removal.is_ok()).any(|removal| {
            additions.iter().all(|op| op.outcome == Outcome::Fail || op.returned() < removal.invoked)
        });
        classes.acknowledged += u64::from(added);
        classes.lost += u64::from(gone && added);
        let lost = gone && (added || (tried && shown));
        // An element that failed was revived, another is a phantom.
        classes.violated |= lost || from_nowhere || (undone && everywhere && (added || tried || failed));
    }
    classes
}
