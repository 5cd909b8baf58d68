//! A history in, findings out, and what they come to on the ladder.
//!
//! The only door from the harness to the checkers.

use checkers::{Budget, Finding, Hierarchy};
use histories::{History, ModelName};

/// What findings come to.
pub(crate) struct Summary {
    /// Maximal models that held.
    pub(crate) strongest: Vec<ModelName>,
    /// Minimal models that were violated.
    pub(crate) weakest_violated: Vec<ModelName>,
    pub(crate) undecided: Vec<ModelName>,
    pub(crate) not_applicable: Vec<ModelName>,
}

/// Findings for `models`, or for every model, in the order of [`ModelName::ALL`].
pub(crate) fn check(history: &History, models: Option<&[ModelName]>, budget: &Budget) -> Vec<Finding> {
    let mut findings = checkers::check_all(history, models, budget);
    findings.sort_by_key(|finding| finding.model);
    findings
}

pub(crate) fn summary(findings: &[Finding]) -> Summary {
    let ladder = Hierarchy::default();
    Summary {
        strongest: ladder.strongest(findings),
        weakest_violated: ladder.weakest_violated(findings),
        undecided: checkers::undecided(findings),
        not_applicable: checkers::not_applicable(findings),
    }
}
