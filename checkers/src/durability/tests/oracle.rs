//! What became of acknowledged writes, by the definitions: every write against every final value, operation by operation.
//!
//! It shares nothing with the checker, neither tables nor the notion of a final state: the fuzzers say what is final.

use histories::{Function, History, Nanos, Operation, Outcome, Value};

/// A final observation. Either all of a history's are dumps, one of each node, or none is.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) from: Nanos,
    pub(super) to: Nanos,
    pub(super) value: Value,
    pub(super) dumped: bool,
}

/// What a history comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Classes {
    pub(super) acknowledged: u64,
    pub(super) lost: u64,
    pub(super) superseded: u64,
    pub(super) discarded: u64,
    /// Whether anything is gone that was seen to take effect, or is back that was undone or failed.
    pub(super) violated: bool,
    /// Whether it cannot be told of something whether it is gone.
    pub(super) open: bool,
}

/// What became of a write; what says most of it comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Present,
    Superseded,
    Discarded,
    Lost,
}

fn of_key<'h>(history: &'h History, key: &str) -> Vec<&'h Operation> {
    let named = |op: &&Operation| op.key.is_some_and(|id| history.key(id).as_str() == key);
    history.operations().iter().filter(named).collect()
}

fn written(op: &Operation) -> Option<&Value> {
    match op.function {
        Function::Write => Some(op.call()),
        Function::Cas => op.call().as_pair().map(|(_, to)| to),
        _ => None,
    }
}

/// Whether an operation that came to an end shows that the value was in force.
fn shows(op: &Operation, value: &Value) -> bool {
    let found = (op.function == Function::Read && op.is_ok()) || op.seen().is_some();
    (op.is_ok() && written(op) == Some(value)) || (found && *op.reply() == *value)
}

/// A register with unique values, of which `ends` were seen at the end: by dumps all of them decide, by reads each that no
/// other began after.
pub(super) fn register(history: &History, key: &str, ends: &[End]) -> Classes {
    let operations = of_key(history, key);
    let writes: Vec<&Operation> = operations.iter().copied().filter(|op| written(op).is_some()).collect();
    let writer = |value: &Value| writes.iter().copied().find(|op| written(op) == Some(value));
    let happened = |op: &&Operation| op.outcome != Outcome::Fail;
    let is_strange = |value: &Value| !value.is_null() && writer(value).is_none_or(|op| !happened(&op));
    let alternatives: Vec<Vec<&Value>> = if ends[0].dumped {
        vec![ends.iter().map(|end| &end.value).collect()]
    } else {
        let last = ends.iter().filter(|end| ends.iter().all(|other| other.from <= end.to));
        last.map(|end| vec![&end.value]).collect()
    };
    let mut classes = Classes {
        violated: !writes.is_empty() && ends.iter().any(|end| is_strange(&end.value)),
        ..Classes::default()
    };
    let shown = |value: &Value| operations.iter().any(|op| shows(op, value));
    let fate = |finals: &[&Value], write: &Operation| {
        let value = written(write).unwrap();
        if finals.iter().any(|other| is_strange(other) || *other == value) {
            return Fate::Present;
        }
        // A final value that was in force before the write began does not explain that the write is gone.
        let in_force =
            |other: &Value| operations.iter().any(|op| shows(op, other) && op.completed < write.invoked);
        let explaining: Vec<&Value> =
            finals.iter().copied().filter(|other| !other.is_null() && !in_force(other)).collect();
        let later = |other: &Value| {
            operations.iter().any(|op| shows(op, value) && op.completed < writer(other).unwrap().invoked)
        };
        match explaining.as_slice() {
            [] => Fate::Lost,
            values if values.iter().any(|other| later(other)) => Fate::Superseded,
            _ => Fate::Discarded,
        }
    };
    for write in writes.iter().copied().filter(happened) {
        let fates: Vec<Fate> = alternatives.iter().map(|finals| fate(finals, write)).collect();
        let least = fates.iter().copied().min().unwrap();
        classes.acknowledged += u64::from(write.is_ok());
        let counted = match least {
            Fate::Present => &mut 0,
            Fate::Superseded => &mut classes.superseded,
            Fate::Discarded => &mut classes.discarded,
            Fate::Lost => &mut classes.lost,
        };
        *counted += u64::from(write.is_ok());
        let known = shown(written(write).unwrap());
        classes.violated |= known && least == Fate::Lost;
        classes.open |= known && least != Fate::Lost && fates.contains(&Fate::Lost);
    }
    classes
}

/// What became of one element that is known since `known`: whether it is gone, and whether that is open.
fn of_element(reads: &[&Operation], ends: &[End], element: &Value, known: Nanos) -> (bool, bool) {
    let has = |value: &Value| value.as_list().unwrap_or_default().contains(element);
    let shown_at_or_after = |from: Nanos| reads.iter().any(|op| has(op.reply()) && op.completed >= from);
    if ends[0].dumped {
        let began = ends.iter().map(|end| end.from).min().unwrap();
        let held = ends.iter().any(|end| has(&end.value));
        return (!held && known < began && !shown_at_or_after(began), false);
    }
    let lacking: Vec<&End> = ends.iter().filter(|end| !has(&end.value)).collect();
    let gone = lacking.iter().any(|end| known < end.from && !shown_at_or_after(end.from));
    // One that shows it after all that lack it settles the matter.
    let settled = ends.iter().any(|end| has(&end.value) && lacking.iter().all(|other| other.to < end.from));
    (gone, !gone && !lacking.is_empty() && !settled)
}

/// A set, of which `ends` were seen at the end.
pub(super) fn collection(history: &History, key: &str, ends: &[End]) -> Classes {
    let finals: Vec<&Value> = ends.iter().map(|end| &end.value).collect();
    let operations = of_key(history, key);
    let items = |list: &Value| list.as_list().unwrap_or_default().to_vec();
    let mut elements: Vec<Value> = operations.iter().map(|op| op.call().clone()).collect();
    elements.extend(finals.iter().flat_map(|list| items(list)));
    elements.retain(|element| !element.is_null());
    elements.sort_unstable();
    elements.dedup();
    let mut classes = Classes::default();
    for element in &elements {
        let named = |function: Function| {
            let of = move |op: &&&Operation| op.function == function && *op.call() == *element;
            operations.iter().filter(of).copied().collect::<Vec<_>>()
        };
        let (additions, mut removals) = (named(Function::Add), named(Function::Remove));
        removals.retain(|op| op.outcome != Outcome::Fail);
        let came_to = |outcome| additions.iter().any(|op| op.outcome == outcome);
        let (added, tried, failed) = (came_to(Outcome::Ok), came_to(Outcome::Info), came_to(Outcome::Fail));
        let saw = |op: &&Operation| {
            op.function == Function::ReadAll && op.is_ok() && items(op.reply()).contains(element)
        };
        let reads: Vec<&Operation> =
            operations.iter().copied().filter(|op| op.function == Function::ReadAll && op.is_ok()).collect();
        let acknowledged = additions.iter().filter(|op| op.is_ok()).map(|op| op.completed);
        let known = acknowledged.chain(reads.iter().filter(|op| saw(op)).map(|op| op.completed)).min();
        let somewhere = finals.iter().any(|list| items(list).contains(element));
        let judged = known.filter(|_| removals.is_empty() && (added || tried));
        let (lost, open) = judged.map_or((false, false), |known| of_element(&reads, ends, element, known));
        let back = if ends[0].dumped {
            finals.iter().all(|list| items(list).contains(element))
        } else {
            let lacked = reads.iter().filter(|op| !saw(op)).map(|op| op.completed).max();
            ends.iter().any(|end| items(&end.value).contains(element) && Some(end.from) > lacked)
        };
        let from_nowhere = somewhere && !added && !tried;
        let undone = removals.iter().filter(|removal| removal.is_ok()).any(|removal| {
            additions.iter().all(|op| op.outcome == Outcome::Fail || op.returned() < removal.invoked)
        });
        classes.acknowledged += u64::from(added);
        classes.lost += u64::from(lost && added);
        classes.open |= open;
        // An element that failed was revived, another is a phantom.
        classes.violated |= lost || from_nowhere || (undone && back && (added || tried || failed));
    }
    classes
}
