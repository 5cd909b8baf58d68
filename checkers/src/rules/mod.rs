//! What a data type must keep by itself, whatever the consistency model: nothing lost, nothing handed out twice.
//!
//! It never looks for an order of all operations; what it finds stands between a few of them.

mod amounts;
pub(crate) mod bank;
pub(crate) mod changes;
pub(crate) mod counter;
pub(crate) mod impossible;
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

use crate::{Anomaly, Budget, Checker, Figures, Finding, Verdict};

/// How many anomalies a finding lists.
const ANOMALIES_MAX: usize = 10;

/// Decides the models of single data types.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules;

/// What a rule found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ruling {
    pub(crate) anomalies: Vec<Anomaly>,
    /// What could not be judged, and why.
    pub(crate) undecided: Vec<String>,
    /// How much was judged.
    pub(crate) judged: usize,
    /// Why the rule says nothing about such a history.
    pub(crate) inapplicable: Option<&'static str>,
    pub(crate) figures: Figures,
}

impl Ruling {
    pub(crate) fn not_applicable(why: &'static str) -> Self {
        Self { inapplicable: Some(why), ..Self::default() }
    }

    pub(crate) fn verdict(mut self) -> Verdict {
        if let Some(why) = self.inapplicable {
            return Verdict::NotApplicable(why.into());
        }
        if !self.anomalies.is_empty() {
            self.anomalies.truncate(ANOMALIES_MAX);
            return Verdict::Invalid(self.anomalies);
        }
        match self.undecided.first() {
            Some(why) => Verdict::Unknown(why.clone()),
            None => Verdict::Valid,
        }
    }
}

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
