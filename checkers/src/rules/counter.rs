//! Counters: a read lies between what was acknowledged before it and what may have happened by its end, exactly.
//!
//! It never compares two reads; that is linearizability's work.

use histories::{History, ModelName, OperationId};

use crate::core::counters::{Counter, Counters, Fit, Possible};
use crate::core::ruling::Ruling;
use crate::core::wrong_sum::wrong_sum;
use crate::{Budget, Exhausted};

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
