//! Findings as they stand in reports.
//!
//! Decides nothing: a verdict is passed on as it came.

use checkers::{Anomaly, Finding, Verdict};
use histories::{History, ModelName, Nanos, printable};
use systems::Mode;

use crate::judge::outcome::{
    AnomalyReport, ConflictsReport, ConvergenceReport, DurabilityReport, StalenessReport, VerdictReport,
};
use crate::judge::verdict::{Expected, VerdictKind};

/// An anomaly, with what is needed to tell it to a person. [`crate::report::explain`] makes words of it.
pub(crate) struct Explanation<'a> {
    pub(crate) history: &'a History,
    pub(crate) file: &'a str,
    pub(crate) anomaly: &'a Anomaly,
    /// What to do next.
    pub(crate) help: Option<&'a str>,
}

/// A finding, with each anomaly explained in words against the lines of `file`. `expected` is what the mode or the
/// user demands of the model; `help` is the last line of each explanation and says what to do next.
pub(crate) fn report(
    history: &History,
    file: &str,
    finding: &Finding,
    expected: Option<Expected>,
    help: Option<&str>,
) -> VerdictReport {
    VerdictReport {
        subject: finding.model.into(),
        verdict: VerdictKind::from(&finding.verdict),
        method: finding.method.to_owned(),
        why: finding.verdict.why().map(|why| match finding.verdict {
            Verdict::Refuted(_) => format!("{}; please report it with {}", printable(why), printable(file)),
            _ => printable(why).into_owned(),
        }),
        elapsed_ms: Nanos::from(finding.elapsed).as_millis_f64(),
        expected,
        refuted: matches!(finding.verdict, Verdict::Refuted(_)),
        anomalies: finding
            .verdict
            .anomalies()
            .iter()
            .map(|anomaly| {
                let explanation = Explanation { history, file, anomaly, help }.to_string();
                AnomalyReport::proved(history, anomaly, explanation)
            })
            .collect(),
    }
}

/// What a mode says of a model: `valid` where it is among the demands, `invalid` where the mode gives it up, be it only
/// under the faults of the run.
pub(crate) fn expected(mode: &Mode, demands: &[ModelName], model: ModelName) -> Option<Expected> {
    let given_up = || mode.promises(model) || mode.shows.iter().any(|show| show.model == model);
    if demands.contains(&model) { Some(Expected::Valid) } else { given_up().then_some(Expected::Invalid) }
}

impl From<&checkers::Durability> for DurabilityReport {
    fn from(figures: &checkers::Durability) -> Self {
        let &checkers::Durability { acknowledged, lost, superseded, discarded } = figures;
        Self { acknowledged, lost, superseded, discarded }
    }
}

impl From<&checkers::Conflicts> for ConflictsReport {
    fn from(figures: &checkers::Conflicts) -> Self {
        let &checkers::Conflicts { updates, lost, reappeared, sibling_reads, reads, siblings_max } = figures;
        Self { updates, lost, reappeared, sibling_reads, reads, siblings_max }
    }
}

impl From<&checkers::Convergence> for ConvergenceReport {
    fn from(figures: &checkers::Convergence) -> Self {
        Self {
            converged: figures.converged,
            after_ms: figures.after_ms,
            differing_keys: figures.differing_keys.iter().map(|key| key.as_str().to_owned()).collect(),
        }
    }
}

impl From<&checkers::Staleness> for StalenessReport {
    fn from(figures: &checkers::Staleness) -> Self {
        Self {
            stale_reads: figures.stale_reads,
            reads: figures.reads,
            p50_ms: figures.p50_ms,
            p95_ms: figures.p95_ms,
            p99_ms: figures.p99_ms,
            max_ms: figures.max_ms,
            gamma_ms: figures.gamma_ms,
            max_versions: figures.max_versions,
        }
    }
}

#[cfg(test)]
mod tests {
    use systems::Show;

    use super::*;
    use crate::testing::mode;

    #[test]
    fn a_promise_outranks_what_a_mode_gives_up_under_some_fault() {
        let show = |model| Show {
            model,
            kinds: Vec::new(),
            under: vec!["clock:drift".to_owned()],
            with: Vec::new(),
            live: false,
        };
        let lease = Mode {
            shows: vec![show(ModelName::Linearizable), show(ModelName::MonotonicReads)],
            ..mode("single/lease")
        };
        let expected = |model| expected(&lease, &lease.promise, model);
        assert_eq!(expected(ModelName::Linearizable), Some(Expected::Valid));
        assert_eq!(expected(ModelName::MonotonicReads), Some(Expected::Invalid));
        assert_eq!(expected(ModelName::Pram), None);
        assert_eq!(
            super::expected(&lease, &[], ModelName::Durability),
            Some(Expected::Invalid),
            "only shown"
        );
    }
}
