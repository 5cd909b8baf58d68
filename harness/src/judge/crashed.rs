//! What of a run's findings stands although nodes ended by themselves, and the finding that they did.

use checkers::{Anomaly, Finding, Verdict};
use histories::{History, ModelName, Operation};
use systems::Crash;

use crate::judge::outcome::{AnomalyReport, VerdictReport};
use crate::run::Crashed;

/// Findings without what the end of a node may have brought about: what is final was never reached, and of a violation
/// the proofs stand whose operations had all completed before.
pub(super) fn standing(crashed: &Crashed, history: &History, findings: Vec<Finding>) -> Vec<Finding> {
    let names = crashed.names();
    let standing_of = |finding: Finding| {
        let verdict = match finding.verdict {
            _ if matches!(finding.model, ModelName::Durability | ModelName::Convergence) => {
                Verdict::Unknown(format!("it is not judged where {names} ended by itself"))
            }
            Verdict::Invalid(mut anomalies) => {
                anomalies.retain(|anomaly| stands(crashed, history, anomaly));
                if anomalies.is_empty() {
                    Verdict::Unknown(format!("what contradicts it was seen when {names} had ended by itself"))
                } else {
                    Verdict::Invalid(anomalies)
                }
            }
            verdict => verdict,
        };
        Finding { verdict, ..finding }
    };
    findings.into_iter().map(standing_of).collect()
}

fn stands(crashed: &Crashed, history: &History, anomaly: &Anomaly) -> bool {
    let before = |operation: &Operation| {
        let last = if operation.has_completion() { operation.completed } else { operation.invoked };
        last <= crashed.alive_until
    };
    let steps = anomaly.steps.iter().map(|step| step.operation);
    let mut proof = steps.chain(anomaly.witness.operations.iter().copied());
    proof.all(|id| before(history.operation(id)))
}

/// Of a system that is not ours: that it crashes is found out about it.
pub(super) fn finding(crashed: &Crashed) -> VerdictReport {
    VerdictReport {
        model: "processes".to_owned(),
        verdict: "invalid".to_owned(),
        method: "exit status".to_owned(),
        why: None,
        elapsed_ms: 0.0,
        expected: Some("valid".to_owned()),
        anomalies: crashed.nodes.iter().map(anomaly).collect(),
    }
}

fn anomaly(crash: &Crash) -> AnomalyReport {
    let Crash { node, status, log_tail } = crash;
    let summary = format!("{node} ended by itself: {status}");
    AnomalyReport {
        kind: "node-crashed".to_owned(),
        events: Vec::new(),
        lines: Vec::new(),
        explanation: format!("error[node-crashed]: {summary}\nthe end of its log:\n{log_tail}"),
        summary,
    }
}
