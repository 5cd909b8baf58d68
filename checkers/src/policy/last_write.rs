//! Registers whose last write wins: what is left is the write that the clock says.
//!
//! It never judges by a clock that the header does not name. By a hybrid clock the write that is left has no causally
//! later one; by wall clocks it has the largest stamp of those that the system told.

use std::collections::{BTreeMap, BTreeSet};

use histories::{
    AnomalyKind, Conflict, Function, History, KeyId, ModelName, Nanos, OperationId, Outcome, Value,
};
use rustc_hash::FxHashMap;

use crate::core::final_state::FinalState;
use crate::core::ruling::Ruling;
use crate::{Anomaly, Step, Witness, words};

pub(super) fn judge(
    ruling: &mut Ruling,
    history: &History,
    finals: &Result<FinalState<'_>, String>,
    overtaken: impl Fn(&[(KeyId, OperationId)]) -> Result<Vec<Vec<OperationId>>, String>,
) {
    let Some(clock @ (Conflict::Lww | Conflict::LwwHlc)) = history.header.conflict else { return };
    let registers = registers(history);
    if registers.is_empty() {
        return;
    }
    ruling.judged += registers.len();
    let finals = match finals {
        Ok(finals) => finals,
        Err(why) => return ruling.undecided.push(why.clone()),
    };
    let left: Vec<Left> = registers
        .iter()
        .filter_map(|(&key, writes)| match left(history, finals, key, writes) {
            Ok(left) => left,
            Err(why) => {
                ruling.undecided.push(format!("{}: {why}", words::key(history, Some(key))));
                None
            }
        })
        .collect();
    if clock == Conflict::Lww {
        ruling.anomalies.extend(left.iter().filter_map(|left| outstamped(history, &registers, left)));
        return;
    }
    let writes: Vec<(KeyId, OperationId)> = left.iter().map(|left| (left.key, left.write)).collect();
    match overtaken(&writes) {
        Ok(paths) => ruling.anomalies.extend(paths.iter().filter_map(|path| {
            let left = left.iter().find(|left| Some(&left.write) == path.first())?;
            Some(won_by_older(history, left, path))
        })),
        Err(why) => ruling.undecided.push(why),
    }
}

/// The write that stands in a register at the end.
struct Left {
    key: KeyId,
    write: OperationId,
    seen: OperationId,
}

/// By value, who wrote it, or may have.
type Writes<'h> = FxHashMap<&'h Value, OperationId>;

/// Keys that are written and changed in no other way, but for compare-and-set.
fn registers(history: &History) -> BTreeMap<KeyId, Writes<'_>> {
    let mut registers: BTreeMap<KeyId, Writes<'_>> = BTreeMap::new();
    let mut other = BTreeSet::new();
    for (id, op) in history.iter().filter(|(_, op)| op.outcome != Outcome::Fail) {
        let Some(key) = op.key else { continue };
        let value = match op.function {
            Function::Write => Some(op.call()),
            Function::Cas => op.call().as_pair().map(|(_, to)| to),
            Function::Read => None,
            _ => {
                other.insert(key);
                None
            }
        };
        if let Some(value) = value {
            registers.entry(key).or_default().insert(value, id);
        }
    }
    registers.retain(|key, _| !other.contains(key));
    registers
}

fn left(
    history: &History,
    finals: &FinalState<'_>,
    key: KeyId,
    writes: &Writes<'_>,
) -> Result<Option<Left>, String> {
    let seen = finals.last(Some(key));
    let Some(first) = seen.first() else { return Err("nobody read it at the end".into()) };
    if let Some(other) = seen.iter().find(|other| other.value != first.value) {
        return Err(format!("{} and {} both stand there at the end", first.value, other.value));
    }
    // A value from nowhere, or none at all, is a matter of durability.
    let write = writes.get(&first.value).copied();
    let _ = history;
    Ok(write.map(|write| Left { key, write, seen: first.operation }))
}

fn won_by_older(history: &History, left: &Left, path: &[OperationId]) -> Anomaly {
    let last = path[path.len() - 1];
    let steps: Vec<Step> = path
        .iter()
        .map(|&id| {
            let note = match id {
                _ if id == left.write => "is what is left",
                _ if id == last => "should have won",
                _ => "is in between",
            };
            words::completed(history, id, note)
        })
        .chain([words::completed(history, left.seen, "shows what is left")])
        .collect();
    let way: Vec<String> = path.windows(2).map(|pair| hop(history, pair[0], pair[1])).collect();
    Anomaly {
        kind: AnomalyKind::OverwrittenByOlder,
        edges: Vec::new(),
        not_rechecked: None,
        summary: format!(
            "{} is left, although {} causally follows it",
            words::noun(history, left.write),
            words::noun(history, last)
        ),
        key: Some(left.key),
        witness: Witness { model: ModelName::ConflictPolicy, operations: ids(&steps) },
        steps,
        facts: way,
    }
}

fn hop(history: &History, from: OperationId, to: OperationId) -> String {
    let (first, then) = (words::noun(history, from), words::noun(history, to));
    if history.operation(from).process == history.operation(to).process {
        format!("{then} came after {first} in its session")
    } else {
        format!("{then} saw {first}")
    }
}

fn ids(steps: &[Step]) -> Vec<OperationId> {
    steps.iter().map(|step| step.operation).collect()
}

/// The wall time and the place where a write was accepted, as far as the system told.
fn stamp(history: &History, id: OperationId) -> Option<(Nanos, u16)> {
    let (hints, op) = (history.hints(id), history.operation(id));
    let origin = hints.served_by.or(op.node)?;
    Some((Nanos(hints.version?), origin.0)).filter(|_| op.is_ok())
}

/// The acknowledged write with the largest stamp, where that is not the one that is left.
fn outstamped(history: &History, registers: &BTreeMap<KeyId, Writes<'_>>, left: &Left) -> Option<Anomaly> {
    let own = stamp(history, left.write)?;
    let stamped = registers.get(&left.key)?.values().filter_map(|&id| Some((stamp(history, id)?, id)));
    // The largest of all shows no order.
    let (largest, winner) = stamped.max()?;
    if largest <= own {
        return None;
    }
    let told = |(time, origin): (Nanos, u16)| format!("{time} at n{}", origin + 1);
    let steps = vec![
        words::completed(history, left.write, format!("was stamped {}, and is left", told(own))),
        words::completed(history, winner, format!("was stamped {}", told(largest))),
        words::completed(history, left.seen, "shows what is left"),
    ];
    Some(Anomaly {
        kind: AnomalyKind::OverwrittenByOlder,
        edges: Vec::new(),
        not_rechecked: None,
        summary: format!(
            "{} is left, although {} has the larger stamp",
            words::noun(history, left.write),
            words::noun(history, winner)
        ),
        key: Some(left.key),
        facts: vec!["the write with the largest stamp wins".into()],
        witness: Witness { model: ModelName::ConflictPolicy, operations: ids(&steps) },
        steps,
    })
}
