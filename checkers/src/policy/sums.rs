//! PN-counters and carts: at the end exactly what was acknowledged, plus any part of what nobody knows.
//!
//! It never looks at reads before the end, which may lag.

use histories::{History, ModelName};

use crate::Budget;
use crate::final_state::FinalState;
use crate::rules::Ruling;
use crate::rules::changes::{Counter, Counters, Fit, Possible};
use crate::rules::counter::wrong_sum;

pub(super) fn judge(
    ruling: &mut Ruling,
    history: &History,
    finals: &Result<FinalState<'_>, String>,
    budget: &Budget,
) {
    let counters = Counters::of(history);
    ruling.undecided.extend(counters.undecided);
    for counter in &counters.list {
        ruling.judged += 1;
        let finals = match (finals, budget.check()) {
            (Ok(finals), Ok(())) => finals,
            (Err(why), _) => return ruling.undecided.push(why.clone()),
            (_, Err(exhausted)) => return ruling.undecided.push(exhausted.to_string()),
        };
        if let Err(why) = of_counter(ruling, history, counter, finals) {
            ruling.undecided.push(format!("{}: {why}", counter.name(history)));
        }
    }
}

/// Blames a counter only where no final observation of it is right.
fn of_counter(
    ruling: &mut Ruling,
    history: &History,
    counter: &Counter<'_>,
    finals: &FinalState<'_>,
) -> Result<(), &'static str> {
    let mut seen = finals.seen(counter.key);
    seen.sort_by_key(|seen| history.operation(seen.operation).completed);
    let mut possible = Possible::new(counter);
    let mut missed = None;
    for seen in &seen {
        let op = history.operation(seen.operation);
        let number = counter.shown(&seen.value).ok_or("what stands there is no number")?;
        match possible.fit((op.invoked, op.completed), number) {
            Fit::Reached => return Ok(()),
            Fit::Unclear => return Err("too much may have happened to tell what it comes to"),
            Fit::Missed(low, high) => {
                missed = missed.or(Some((seen.operation, number, (low, high))));
            }
        }
    }
    let (operation, number, bounds) = missed.ok_or("nobody read it at the end")?;
    let clause = format!("{} is {number} at the end", counter.name(history));
    let place = (ModelName::ConflictPolicy, operation, clause);
    ruling.anomalies.push(wrong_sum(history, counter, place, number, bounds));
    Ok(())
}
