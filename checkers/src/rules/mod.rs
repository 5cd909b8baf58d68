//! What a data type must keep by itself, whatever the consistency model: nothing lost, nothing handed out twice.
//!
//! It never looks for an order of all operations; what it finds stands between a few of them.

pub(crate) mod bank;
mod counter;
mod long_fork;
mod mutex;
mod queue;
mod set;
#[cfg(test)]
mod tests;
mod unique_ids;

use finding::Stopwatch;
use histories::{History, ModelName};
use rayon::prelude::*;

use crate::core::ruling::Ruling;
use crate::{Budget, Checker, Finding};

/// Decides the models of single data types.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules;

type Rule = (ModelName, &'static str, fn(&History, &Budget) -> Ruling);

const RULES: [Rule; 7] = [
    (ModelName::Set, "elements", set::decide),
    (ModelName::Counter, "subset sums", counter::decide),
    (ModelName::Bank, "totals", bank::decide),
    (ModelName::Queue, "elements", queue::decide),
    (ModelName::UniqueIds, "identifiers", unique_ids::decide),
    (ModelName::LongFork, "pairs of keys", long_fork::decide),
    (ModelName::Mutex, "holds", mutex::decide),
];

impl Checker for Rules {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn models(&self) -> &'static [ModelName] {
        &[
            ModelName::Set,
            ModelName::Counter,
            ModelName::Bank,
            ModelName::Queue,
            ModelName::UniqueIds,
            ModelName::LongFork,
            ModelName::Mutex,
        ]
    }

    fn check(&self, history: &History, budget: &Budget) -> Vec<Finding> {
        let decide = |&(model, method, rule): &Rule| {
            let started = Stopwatch::start();
            let ruling = rule(history, budget);
            let figures = ruling.figures.clone();
            Finding { model, verdict: ruling.verdict(), method, figures, elapsed: started.elapsed() }
        };
        RULES.par_iter().map(decide).collect()
    }
}
