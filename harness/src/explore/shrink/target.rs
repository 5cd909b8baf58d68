//! The check that a smaller run has to fail as well.

use std::fmt;

use crate::judge::outcome::RunOutcome;

/// A model that was violated, in this way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) model: String,
    pub(crate) kind: String,
}

impl Target {
    /// Of what a run violated: a promise before anything else.
    pub(crate) fn of(outcome: &RunOutcome) -> Option<Self> {
        let violated = || outcome.verdicts.iter().filter(|verdict| verdict.verdict == "invalid");
        let promised = violated().find(|verdict| verdict.expected.as_deref() == Some("valid"));
        let shown = || violated().find(|verdict| verdict.expected.as_deref() == Some("invalid"));
        let verdict = promised.or_else(shown).or_else(|| violated().next())?;
        let kind = verdict.anomalies.first().map(|anomaly| anomaly.kind.clone()).unwrap_or_default();
        Some(Self { model: verdict.model.clone(), kind })
    }

    /// Any way of violating the model counts: a smaller run may show it more plainly.
    pub(crate) fn is_hit(&self, outcome: &RunOutcome) -> bool {
        outcome.verdicts.iter().any(|verdict| verdict.model == self.model && verdict.verdict == "invalid")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.model, self.kind)
    }
}
