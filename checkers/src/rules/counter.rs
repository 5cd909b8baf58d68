//! Counters: a read lies between what was acknowledged before it and what may have happened by its end, exactly.
//!
//! It never compares two reads; that is linearizability's work.

use histories::{AnomalyKind, History, ModelName, OperationId};

use super::Ruling;
use super::changes::{Counter, Counters, Evidence, Fit, Possible};
use crate::{Anomaly, Budget, Exhausted, Step, Witness, words};

pub(super) fn decide(history: &History, budget: &Budget) -> Ruling {
    let counters = Counters::of(history);
    if counters.is_empty() {
        return Ruling::not_applicable("no operation counts up or down");
    }
    let mut ruling = Ruling { undecided: counters.undecided, ..Ruling::default() };
    let reads = reads(history);
    for counter in &counters.list {
        let own = reads.iter().copied().filter(|&id| history.operation(id).key == counter.key);
        if let Err(exhausted) = judge(&mut ruling, history, counter, own, budget) {
            ruling.undecided.push(exhausted.to_string());
            break;
        }
    }
    if ruling.judged == 0 {
        ruling.undecided.push("no counter was read".into());
    }
    ruling
}

/// In the order of their completions.
fn reads(history: &History) -> Vec<OperationId> {
    let answered = history.iter().filter(|(_, op)| op.is_ok() && op.function.is_read());
    let mut reads: Vec<OperationId> = answered.map(|(id, _)| id).collect();
    reads.sort_by_key(|&id| history.operation(id).completed);
    reads
}

fn judge(
    ruling: &mut Ruling,
    history: &History,
    counter: &Counter<'_>,
    reads: impl Iterator<Item = OperationId>,
    budget: &Budget,
) -> Result<(), Exhausted> {
    let mut possible = Possible::new(counter);
    for (i, id) in reads.enumerate() {
        if i % 256 == 0 {
            budget.check()?;
        }
        let op = history.operation(id);
        let Some(number) = counter.shown(op.reply()) else {
            let name = counter.name(history);
            ruling.undecided.push(format!("{name}: a read showed {}, which is no number", op.reply()));
            return Ok(());
        };
        ruling.judged += 1;
        match possible.fit((op.invoked, op.completed), number) {
            Fit::Reached => {}
            Fit::Missed(low, high) => {
                let clause = format!("client {} read {} = {number}", op.process, counter.name(history));
                let place = (ModelName::Counter, id, clause);
                ruling.anomalies.push(wrong_sum(history, counter, place, number, (low, high)));
            }
            Fit::Unclear => ruling.undecided.push(format!(
                "{}: too much may have happened before client {}'s read to tell what it comes to",
                counter.name(history),
                op.process
            )),
        }
    }
    Ok(())
}

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
