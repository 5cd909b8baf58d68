//! The check that a smaller run has to fail as well.

use crate::judge::outcome::RunOutcome;
use crate::judge::verdict::{Expected, Subject, VerdictKind, Violation};

/// A model that was violated, in this way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) subject: Subject,
    pub(crate) kind: Option<Violation>,
}

impl Target {
    /// Of what a run violated: a promise before anything else.
    pub(crate) fn of(outcome: &RunOutcome) -> Option<Self> {
        let violated = || outcome.verdicts.iter().filter(|verdict| verdict.is(VerdictKind::Invalid));
        let promised = violated().find(|verdict| verdict.is_promised());
        let shown = || violated().find(|verdict| verdict.expected == Some(Expected::Invalid));
        let verdict = promised.or_else(shown).or_else(|| violated().next())?;
        let kind = verdict.anomalies.first().map(|anomaly| anomaly.kind);
        Some(Self { subject: verdict.subject, kind })
    }

    /// Any way of violating the model counts: a smaller run may show it more plainly.
    pub(crate) fn is_hit(&self, outcome: &RunOutcome) -> bool {
        outcome.verdict_on(self.subject).is_some_and(|verdict| verdict.is(VerdictKind::Invalid))
    }
}
