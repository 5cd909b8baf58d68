//! Conflict policy: what concurrent updates of one key come to, data type by data type.
//!
//! It never asks when replicas agree, or whether they do; it looks at what they agreed on.

mod last_write;
mod observed_removes;
mod siblings;
mod sums;
#[cfg(test)]
mod tests;

use histories::{History, ModelName};

use crate::budget::Stopwatch;
use crate::final_state::FinalState;
use crate::rules::Ruling;
use crate::{Budget, Checker, Finding};

/// Decides [`ModelName::ConflictPolicy`]: siblings, sets whose additions win, counters and carts that add up, and
/// registers whose last write wins, by the clock that the header names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policy;

impl Checker for Policy {
    fn name(&self) -> &'static str {
        "conflict-policy"
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::ConflictPolicy]
    }

    fn check(&self, history: &History, budget: &Budget) -> Vec<Finding> {
        let started = Stopwatch::start();
        let ruling = decide(history, budget);
        let figures = ruling.figures.clone();
        let model = ModelName::ConflictPolicy;
        vec![Finding {
            model,
            verdict: ruling.verdict(),
            method: "final-state",
            figures,
            elapsed: started.elapsed(),
        }]
    }
}

type Judge = fn(&mut Ruling, &History, &Result<FinalState<'_>, String>, &Budget);

fn decide(history: &History, budget: &Budget) -> Ruling {
    let finals = FinalState::of(history);
    let mut ruling = Ruling::default();
    let judges: [Judge; 4] = [siblings::judge, observed_removes::judge, sums::judge, last_write::judge];
    for judge in judges {
        judge(&mut ruling, history, &finals, budget);
    }
    if ruling.judged == 0 && ruling.undecided.is_empty() {
        return Ruling::not_applicable(
            "no operation replaces siblings, removes from a set or counts, and the header names no clock by which \
             the last write wins",
        );
    }
    ruling
}
