//! Findings as they stand in reports.
//!
//! Decides nothing: a verdict is passed on as it came.

use checkers::{Anomaly, Finding};
use histories::{History, Nanos};

use crate::explain;
use crate::outcome::{AnomalyReport, ConvergenceReport, DurabilityReport, StalenessReport, VerdictReport};

/// A finding, with each anomaly explained in words against the lines of `file`.
pub(crate) fn report(history: &History, file: &str, finding: &Finding) -> VerdictReport {
    report_with_help(history, file, finding, None)
}

/// The same, with a last line in each explanation that says what to do next.
pub(crate) fn report_with_help(
    history: &History,
    file: &str,
    finding: &Finding,
    help: Option<&str>,
) -> VerdictReport {
    VerdictReport {
        model: finding.model.name().to_owned(),
        verdict: finding.verdict.name().to_owned(),
        method: finding.method.to_owned(),
        why: finding.verdict.why().map(str::to_owned),
        elapsed_ms: Nanos::from(finding.elapsed).as_millis_f64(),
        expected: None,
        anomalies: finding
            .verdict
            .anomalies()
            .iter()
            .map(|anomaly| report_anomaly(history, file, anomaly, help))
            .collect(),
    }
}

fn report_anomaly(history: &History, file: &str, anomaly: &Anomaly, help: Option<&str>) -> AnomalyReport {
    let mut events: Vec<u32> = anomaly
        .steps
        .iter()
        .map(|step| history.operation(step.operation))
        .flat_map(|operation| {
            [Some(operation.call_event), operation.has_completion().then_some(operation.reply_event)]
        })
        .flatten()
        .collect();
    events.sort_unstable();
    events.dedup();
    AnomalyReport {
        kind: anomaly.kind.name().to_owned(),
        summary: anomaly.summary.clone(),
        lines: events.iter().filter_map(|&event| history.line(event)).collect(),
        events,
        explanation: explain::anomaly(history, file, anomaly, help),
    }
}

impl From<&checkers::Durability> for DurabilityReport {
    fn from(figures: &checkers::Durability) -> Self {
        let &checkers::Durability { acknowledged, lost, superseded, discarded } = figures;
        Self { acknowledged, lost, superseded, discarded }
    }
}

impl From<&checkers::Convergence> for ConvergenceReport {
    fn from(figures: &checkers::Convergence) -> Self {
        Self {
            converged: figures.converged,
            after_ms: figures.after_ms,
            differing_keys: figures.differing_keys.iter().map(ToString::to_string).collect(),
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
