//! A history in, findings out: which checkers run, and what their findings come to on the ladder.
//!
//! The only place that chooses checkers for a stored history.

use checkers::{Budget, Checker, Convergent, Durable, Finding, Linear, Verdict};
use histories::{History, ModelName};

/// What findings come to.
pub(crate) struct Summary {
    /// Maximal models that held.
    pub(crate) strongest: Vec<ModelName>,
    /// Minimal models that were violated.
    pub(crate) weakest_violated: Vec<ModelName>,
    pub(crate) undecided: Vec<ModelName>,
}

/// Findings for `models`, or for every model, in the order of [`ModelName::ALL`].
pub(crate) fn check(history: &History, models: Option<&[ModelName]>, budget: &Budget) -> Vec<Finding> {
    let wanted = |model: ModelName| models.is_none_or(|models| models.contains(&model));
    let checkers: [&dyn Checker; 3] = [&Linear, &Durable, &Convergent];
    let chosen = checkers.iter().filter(|checker| checker.models().iter().any(|&model| wanted(model)));
    let mut findings: Vec<Finding> = chosen.flat_map(|checker| checker.check(history, budget)).collect();
    findings.retain(|finding| wanted(finding.model));
    findings.sort_by_key(|finding| finding.model);
    findings
}

pub(crate) fn summary(findings: &[Finding]) -> Summary {
    let of = |wanted: fn(&Verdict) -> bool| {
        findings.iter().filter(|finding| wanted(&finding.verdict)).map(|finding| finding.model).collect()
    };
    Summary {
        strongest: of(|verdict| matches!(verdict, Verdict::Valid)),
        weakest_violated: of(|verdict| matches!(verdict, Verdict::Invalid(_))),
        undecided: of(|verdict| matches!(verdict, Verdict::Unknown(_))),
    }
}
