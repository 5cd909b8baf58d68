//! From a checker's findings to the JSON contract.
//!
//! Decides nothing: a verdict is passed on as it came.

use checkers::{Anomaly, Finding};
use histories::History;

use crate::explain;
use crate::outcome::{AnomalyReport, StalenessReport, VerdictReport};

/// A finding as reports hold it. `expected` is what the mode or the user demands of the model, `help` the line that
/// ends each explanation.
pub fn verdict_report(
    history: &History,
    file: &str,
    finding: &Finding,
    expected: Option<&str>,
    help: Option<&str>,
) -> VerdictReport {
    let anomalies = finding.verdict.anomalies();
    VerdictReport {
        model: finding.model.name().to_owned(),
        verdict: finding.verdict.name().to_owned(),
        method: finding.method.to_owned(),
        why: finding.verdict.why().map(str::to_owned),
        elapsed_ms: finding.elapsed.as_secs_f64() * 1e3,
        expected: expected.map(str::to_owned),
        anomalies: anomalies.iter().map(|anomaly| anomaly_report(history, file, anomaly, help)).collect(),
    }
}

fn anomaly_report(history: &History, file: &str, anomaly: &Anomaly, help: Option<&str>) -> AnomalyReport {
    let events: Vec<u32> = anomaly
        .steps
        .iter()
        .map(|step| explain::event_of(history.operation(step.operation), step.side))
        .collect();
    AnomalyReport {
        kind: anomaly.kind.name().to_owned(),
        summary: anomaly.summary.clone(),
        lines: events.iter().filter_map(|&event| history.line(event)).collect(),
        events,
        explanation: explain::anomaly(history, file, anomaly, help),
    }
}

/// How stale reads were, where a checker measured it.
pub fn staleness_report(findings: &[Finding]) -> Option<StalenessReport> {
    let figures = findings.iter().find_map(|finding| finding.figures.staleness.as_ref())?;
    Some(StalenessReport {
        stale_reads: figures.stale_reads,
        reads: figures.reads,
        p50_ms: figures.p50_ms,
        p95_ms: figures.p95_ms,
        p99_ms: figures.p99_ms,
        max_ms: figures.max_ms,
        gamma_ms: figures.gamma_ms,
        max_versions: figures.max_versions,
    })
}
