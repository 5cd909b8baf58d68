//! PN-counters and carts: at the end exactly what was acknowledged, plus any part of what nobody knows.
//!
//! It never looks at reads before the end, which may lag.

use histories::{History, ModelName, OperationId};

use crate::Budget;
use crate::core::counters::{Counter, Counters, Fit, Possible};
use crate::core::final_state::{FinalState, Seen};
use crate::core::ruling::Ruling;
use crate::core::wrong_sum::wrong_sum;

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

/// Each read at the end must show some sum by itself. What one node alone holds wrong is convergence's concern: of dumps one
/// that is right will do.
fn of_counter(
    ruling: &mut Ruling,
    history: &History,
    counter: &Counter<'_>,
    finals: &FinalState<'_>,
) -> Result<(), &'static str> {
    let (held, read): (Vec<Seen>, Vec<Seen>) = (finals.held(counter.key), finals.read(counter.key).collect());
    if held.is_empty() && read.is_empty() {
        return Err("nobody read it at the end");
    }
    let mut wrong = missed(history, counter, held.clone())?;
    if wrong.len() < held.len() {
        wrong.clear();
    }
    wrong.truncate(1);
    wrong.extend(missed(history, counter, read)?);
    for Missed { operation, number, bounds } in wrong {
        let clause = format!("{} is {number} at the end", counter.name(history));
        let place = (ModelName::ConflictPolicy, operation, clause);
        ruling.anomalies.push(wrong_sum(history, counter, place, number, bounds));
    }
    Ok(())
}

/// An observation that shows no sum, with the least and the largest that there are.
struct Missed {
    operation: OperationId,
    number: i64,
    bounds: (i128, i128),
}

fn missed(
    history: &History,
    counter: &Counter<'_>,
    mut seen: Vec<Seen>,
) -> Result<Vec<Missed>, &'static str> {
    seen.sort_by_key(|seen| history.operation(seen.operation).completed);
    let mut possible = Possible::new(counter);
    let mut missed = Vec::new();
    for Seen { operation, value } in seen {
        let op = history.operation(operation);
        let number = counter.shown(&value).ok_or("what stands there is no number")?;
        match possible.fit((op.invoked, op.completed), number) {
            Fit::Reached => {}
            Fit::Unclear => return Err("too much may have happened to tell what it comes to"),
            Fit::Missed(low, high) => missed.push(Missed { operation, number, bounds: (low, high) }),
        }
    }
    Ok(missed)
}
