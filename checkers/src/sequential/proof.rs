//! A small part of a history that has no legal order, in words.
//!
//! It never leaves out the writer of what a part of a proof reads: with it, an order of the whole would be one of the
//! part.

use histories::{AnomalyKind, Function, History, ModelName, Operation, OperationId, Outcome};

use super::cycle::closed;
use super::forced::{Saturated, saturate};
use super::problem::Problem;
use super::search::{Found, order};
use crate::core::sessions::Act;
use crate::core::unexplained;
use crate::{Anomaly, Budget, Exhausted, Witness, words};

/// How long the search for an order of a part may be, while it is made smaller.
const DEAD_ENDS_MAX: u64 = 2_000;
/// How often a smaller part is tried.
const TRIES_MAX: usize = 1_000;

/// Tells why the given nodes of a problem, which are closed under writers, have no order.
pub(super) fn anomaly(
    history: &History,
    problem: &Problem,
    nodes: Vec<u32>,
    budget: &Budget,
) -> Result<Anomaly, Exhausted> {
    let nodes = smaller(problem, nodes, budget)?;
    Ok(tell(history, nodes.iter().map(|&node| problem.acts[node as usize].operation).collect()))
}

/// The operations that prove it, session by session.
pub(super) fn tell(history: &History, mut operations: Vec<OperationId>) -> Anomaly {
    if let [only] = *operations
        && let Some(mut anomaly) = unexplained::unwritten_value(history, only)
    {
        anomaly.witness.model = ModelName::Sequential;
        return anomaly;
    }
    operations.sort_unstable_by_key(|&id| (history.operation(id).process, id));
    let mut sessions: Vec<u32> = operations.iter().map(|&id| history.operation(id).process).collect();
    sessions.dedup();
    // Of what a client was told the last is named, and not what it merely wrote.
    let tells = |op: &Operation| {
        !matches!(op.function, Function::Write | Function::Append | Function::Add | Function::Remove)
    };
    let seen = operations.iter().copied().filter(|&id| history.operation(id).is_ok());
    let place = |&id: &OperationId| {
        let op = history.operation(id);
        (tells(op), op.returned(), id)
    };
    let last = seen.max_by_key(place).unwrap_or(operations[0]);
    let sessions = words::count(sessions.len(), "session");
    Anomaly {
        kind: AnomalyKind::NotSequential,
        edges: Vec::new(),
        not_rechecked: None,
        summary: format!("{}, which no order of all operations explains", words::clause(history, last)),
        key: history.operation(last).key,
        steps: operations.iter().map(|&id| words::completed(history, id, note(history, id))).collect(),
        facts: vec![format!(
            "no order of these operations of {sessions} keeps each session's order and explains what was read"
        )],
        witness: Witness { model: ModelName::Sequential, operations },
    }
}

fn note(history: &History, id: OperationId) -> String {
    let op = history.as_recorded(id);
    let (key, value) = (words::key(history, op.key), words::value(&op));
    match (&op.function, op.outcome) {
        (_, Outcome::Info) => "was never answered".to_owned(),
        (Function::Read | Function::ReadAll, _) => format!("saw {key} = {value}"),
        (_, Outcome::Fail) => format!("found {key} = {value}"),
        (Function::Write | Function::Cas, Outcome::Ok) => format!("made {key} = {value}"),
        _ => words::short(history, id),
    }
}

/// Leaves out pieces, halves at first and single operations at last, as long as what is left has no order.
fn smaller(problem: &Problem, mut nodes: Vec<u32>, budget: &Budget) -> Result<Vec<u32>, Exhausted> {
    let mut tries = 0;
    let mut length = nodes.len().div_ceil(2);
    while length > 0 {
        let mut start = 0;
        while start < nodes.len() && tries < TRIES_MAX {
            tries += 1;
            let end = (start + length).min(nodes.len());
            let kept = without(problem, &nodes, &nodes[start..end]);
            if kept.len() < nodes.len() && has_no_order(problem, &kept, budget)? {
                nodes = kept;
            } else {
                start = end;
            }
        }
        length /= 2;
    }
    Ok(nodes)
}

/// The nodes without some of them, and without what reads from those.
fn without(problem: &Problem, nodes: &[u32], some: &[u32]) -> Vec<u32> {
    let mut left_out = vec![false; problem.acts.len()];
    for &node in some {
        left_out[node as usize] = true;
    }
    loop {
        let readers = nodes.iter().copied().filter(|&node| {
            !left_out[node as usize]
                && left_out.get(problem.source[node as usize] as usize).is_some_and(|&out| out)
        });
        let readers: Vec<u32> = readers.collect();
        if readers.is_empty() {
            return nodes.iter().copied().filter(|&node| !left_out[node as usize]).collect();
        }
        for node in readers {
            left_out[node as usize] = true;
        }
    }
}

fn has_no_order(problem: &Problem, nodes: &[u32], budget: &Budget) -> Result<bool, Exhausted> {
    debug_assert_eq!(closed(problem, nodes.to_vec()), nodes);
    let acts: Vec<Act> = nodes.iter().map(|&node| problem.acts[node as usize]).collect();
    let part = Problem::of(acts);
    let forced = match saturate(&part, budget)? {
        Saturated::Cyclic(..) => return Ok(true),
        Saturated::Acyclic(forced) => forced,
    };
    let rank = vec![0; nodes.len()];
    Ok(order(&part, &forced, &rank, DEAD_ENDS_MAX, budget) == Found::Nothing)
}
