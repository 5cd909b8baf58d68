//! A history in, findings out, and what they come to on the ladder.
//!
//! The only door from the harness to the checkers.

use checkers::{Budget, Finding, Hierarchy, SessionSets, Verdict};
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

pub(crate) fn summary(history: &History, findings: &[Finding]) -> Summary {
    let ladder = Hierarchy::of(history);
    Summary {
        strongest: ladder.strongest(findings),
        weakest_violated: ladder.weakest_violated(findings),
        undecided: checkers::undecided(findings),
        not_applicable: checkers::not_applicable(findings),
    }
}

/// Each model with one that it implies at once, for this history or for any.
pub(crate) fn implications(history: Option<&History>) -> Vec<(ModelName, ModelName)> {
    history.map_or_else(Hierarchy::default, Hierarchy::of).implications()
}

/// The least sets of session guarantees that a history violates, where all four together are violated and one of the
/// least sets has several of them: what is violated one by one says the findings themselves.
pub(crate) fn guarantees(
    history: &History,
    findings: &[Finding],
    budget: &Budget,
) -> Option<Vec<Vec<ModelName>>> {
    let verdict = |model| findings.iter().find(|finding| finding.model == model).map(|found| &found.verdict);
    let together = verdict(ModelName::CausalConvergence)?;
    let is_small = history.operations().len() <= SessionSets::OPERATIONS_MAX;
    if !matches!(together, Verdict::Invalid(_)) || verdict(ModelName::MonotonicReads).is_none() || !is_small {
        return None;
    }
    match checkers::session_sets(history, budget) {
        SessionSets::Minimal(sets) if sets.iter().any(|set| set.len() > 1) => Some(sets),
        SessionSets::Minimal(_) | SessionSets::Unexplained | SessionSets::Undecided(_) => None,
    }
}
