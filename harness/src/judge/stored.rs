//! A stored history that was checked, in the words of [`RunOutcome`](super::outcome::RunOutcome) as far as they apply.

use checkers::{Budget, Figures, Finding};
use histories::{History, ModelName, Nanos};
use serde::Serialize;

use super::outcome::{
    Availability, ConflictsReport, ConvergenceReport, DurabilityReport, FaultWindowReport, Latencies,
    Operations, Outcome, StalenessReport, VerdictReport,
};
use super::verdict::{Expected, VerdictKind};
use super::{checking, findings, measure, own};

/// What is known of a history of which no run is.
#[derive(Debug, Serialize)]
pub(crate) struct StoredOutcome {
    system: String,
    mode: String,
    workload: String,
    /// `None` where nothing was demanded.
    outcome: Option<Outcome>,
    /// Maximal models that held.
    strongest: Vec<ModelName>,
    /// Minimal models that were violated.
    weakest_violated: Vec<ModelName>,
    #[serde(flatten)]
    measured: Measured,
    verdicts: Vec<VerdictReport>,
    durability: Option<DurabilityReport>,
    convergence: Option<ConvergenceReport>,
    conflicts: Option<ConflictsReport>,
    staleness: Option<StalenessReport>,
    /// The command that checks the same again.
    reproduce: String,
}

/// What a history tells without being checked, also of a run that goes on.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    operations: Operations,
    availability: Availability,
    latency_ms: Latencies,
    fault_windows: Vec<FaultWindowReport>,
    /// From the beginning of the history to its last event.
    elapsed_ms: f64,
}

pub(crate) fn measured(history: &History) -> Measured {
    let timed = history.has_real_time();
    Measured {
        operations: measure::operations(history),
        availability: measure::availability(history),
        latency_ms: if timed { measure::latencies(history) } else { Latencies::default() },
        fault_windows: measure::fault_windows(history),
        elapsed_ms: if timed { Nanos::as_millis_f64(history.end()) } else { 0.0 },
    }
}

/// Checks a history against `models`, or every model. What its header promises, or else what is asked for, is demanded.
pub(crate) fn examine(
    history: &History,
    file: &str,
    models: Option<&[ModelName]>,
    budget: &Budget,
    reproduce: String,
) -> StoredOutcome {
    let found = checking::check(history, models, budget);
    let demands = models.unwrap_or(&history.header.demands);
    let summary = checking::summary(history, &found);
    let verdict = |finding: &Finding| {
        let expected = demands.contains(&finding.model).then_some(Expected::Valid);
        findings::report(history, file, finding, expected, Some(&reproduce))
    };
    let mut verdicts: Vec<VerdictReport> = found.iter().map(verdict).collect();
    verdicts.extend(own::verdicts(history));
    StoredOutcome {
        system: history.header.system.clone(),
        mode: history.header.mode.clone(),
        workload: history.header.workload.clone(),
        outcome: outcome(&verdicts),
        strongest: summary.strongest,
        weakest_violated: summary.weakest_violated,
        measured: measured(history),
        verdicts,
        durability: figure(&found, |figures| figures.durability.as_ref().map(DurabilityReport::from)),
        convergence: figure(&found, |figures| figures.convergence.as_ref().map(ConvergenceReport::from)),
        conflicts: figure(&found, |figures| figures.conflicts.as_ref().map(ConflictsReport::from)),
        staleness: figure(&found, |figures| figures.staleness.as_ref().map(StalenessReport::from)),
        reproduce,
    }
}

fn figure<T>(found: &[Finding], of: impl Fn(&Figures) -> Option<T>) -> Option<T> {
    found.iter().find_map(|finding| of(&finding.figures))
}

/// The worst of what was demanded.
fn outcome(verdicts: &[VerdictReport]) -> Option<Outcome> {
    let demanded: Vec<&VerdictReport> = verdicts.iter().filter(|verdict| verdict.is_promised()).collect();
    let any = |kind| demanded.iter().any(|verdict| verdict.is(kind));
    if demanded.is_empty() {
        None
    } else if any(VerdictKind::Invalid) {
        Some(Outcome::Violation)
    } else if any(VerdictKind::Unknown) || !any(VerdictKind::Valid) {
        Some(Outcome::Unknown)
    } else {
        Some(Outcome::Pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examined(models: Option<&[ModelName]>) -> StoredOutcome {
        let run = r#"{"partita":1,"nodes":["n1"],"mode":"m"}
{"index":0,"time":0,"process":0,"type":"invoke","f":"write","key":"x","value":1}
{"index":1,"time":1000000,"process":0,"type":"ok","f":"write","key":"x","value":1}
{"index":2,"time":2000000,"process":1,"type":"invoke","f":"read","key":"x"}
{"index":3,"time":3000000,"process":1,"type":"ok","f":"read","key":"x","value":null}
"#;
        let history = histories::read::read(run.as_bytes(), "run").unwrap();
        examine(&history, "run", models, &Budget::unlimited(), "partita check run".into())
    }

    #[test]
    fn what_nobody_demanded_is_described() {
        let described = examined(None);
        assert_eq!(described.outcome, None);
        assert!(described.strongest.contains(&ModelName::Sequential), "{:?}", described.strongest);
        assert_eq!(described.weakest_violated, [ModelName::Linearizable, ModelName::Durability]);
        assert!((described.measured.elapsed_ms - 3.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_demanded_is_judged() {
        assert_eq!(examined(Some(&[ModelName::Linearizable])).outcome, Some(Outcome::Violation));
        assert_eq!(examined(Some(&[ModelName::Sequential])).outcome, Some(Outcome::Pass));
        assert_eq!(
            examined(Some(&[ModelName::Bank])).outcome,
            Some(Outcome::Unknown),
            "it says nothing of registers"
        );
    }
}
