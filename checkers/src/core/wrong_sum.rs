//! An observation of a counter that is no possible sum, in words.
//!
//! Each observation is held against the changes of the counter; two observations are not compared.

use histories::{AnomalyKind, History, ModelName, OperationId};

use super::counters::{Counter, Counters, Evidence, Fit, Possible};
use crate::{Anomaly, Step, Witness, words};

/// A read that is no possible sum, whatever other reads saw.
pub(crate) fn wrong_read(history: &History, id: OperationId, model: ModelName) -> Option<Anomaly> {
    let op = history.operation(id);
    let counters = Counters::of(history);
    let counter = counters.list.iter().find(|counter| counter.key == op.key)?;
    let number = counter.shown(op.reply())?;
    let Fit::Missed(low, high) = Possible::new(counter).fit((op.invoked, op.completed), number) else {
        return None;
    };
    let clause = format!("client {} read {} = {number}", op.process, counter.name(history));
    Some(wrong_sum(history, counter, (model, id, clause), number, (low, high)))
}

/// An observation that is no possible sum.
pub(crate) fn wrong_sum(
    history: &History,
    counter: &Counter<'_>,
    (model, observation, clause): (ModelName, OperationId, String),
    number: i64,
    (low, high): (i128, i128),
) -> Anomaly {
    let name = counter.name(history);
    let fact = match i128::from(number) {
        number if number < low => format!("what was acknowledged before makes {name} at least {low}"),
        number if number > high => format!("all that may have happened makes {name} at most {high}"),
        _ => format!("no part of what may have happened makes {name} = {number}"),
    };
    let summary = match (low, high) {
        _ if low == high => format!("{clause}, and it was {low}"),
        _ => format!("{clause}, and it was some sum between {low} and {high}"),
    };
    let op = history.operation(observation);
    let evidence = counter.evidence((op.invoked, op.completed), number, (low, high));
    let changed = |evidence: &Evidence| {
        let note = if evidence.certain { "had been acknowledged" } else { "may have happened by then" };
        words::completed(history, evidence.operation, note)
    };
    let mut steps: Vec<Step> = evidence.iter().map(changed).collect();
    steps.push(words::completed(history, observation, format!("shows {number}")));
    Anomaly {
        kind: AnomalyKind::WrongSum,
        edges: Vec::new(),
        not_rechecked: None,
        summary,
        key: counter.key,
        steps,
        facts: vec![fact],
        witness: Witness { model, operations: vec![observation] },
    }
}
