//! What of a run's findings stands although nodes ended by themselves, and the finding that they did.

use checkers::{Anomaly, Finding, Verdict};
use histories::{History, ModelName, Operation};
use systems::Crash;

use crate::judge::outcome::{AnomalyReport, VerdictReport};
use crate::judge::verdict::{Expected, Subject, VerdictKind, Violation};
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
        subject: Subject::Processes,
        verdict: VerdictKind::Invalid,
        method: "exit status".to_owned(),
        why: None,
        elapsed_ms: 0.0,
        expected: Some(Expected::Valid),
        refuted: false,
        anomalies: crashed.nodes.iter().map(anomaly).collect(),
    }
}

fn anomaly(crash: &Crash) -> AnomalyReport {
    let Crash { node, status, log_tail } = crash;
    let summary = format!("{node} ended by itself: {status}");
    let explanation = format!("error[node-crashed]: {summary}\nthe end of its log:\n{log_tail}");
    AnomalyReport::told(Violation::NodeCrashed, summary, explanation)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use checkers::{Budget, Figures};
    use histories::{Nanos, Node};

    use super::*;

    /// A stale read that ends at 35, and one that ends at 55.
    const RUN: &str = r#"{"partita":1,"nodes":["n1","n2"]}
{"index":0,"time":10,"process":0,"type":"invoke","f":"write","key":"x","value":1}
{"index":1,"time":15,"process":0,"type":"ok","f":"write","key":"x","value":1}
{"index":2,"time":20,"process":0,"type":"invoke","f":"write","key":"x","value":2}
{"index":3,"time":25,"process":0,"type":"ok","f":"write","key":"x","value":2}
{"index":4,"time":30,"process":1,"type":"invoke","f":"read","key":"x"}
{"index":5,"time":35,"process":1,"type":"ok","f":"read","key":"x","value":1}
"#;

    fn crashed(alive_until: u64) -> Crashed {
        let crash = Crash { node: Node(1), status: "exit status: 101".into(), log_tail: "panicked".into() };
        Crashed { nodes: vec![crash], alive_until: Nanos(alive_until) }
    }

    fn judged(alive_until: u64) -> Verdict {
        let history = histories::read::read(RUN.as_bytes(), "run").unwrap();
        let models = [ModelName::Linearizable];
        let findings = crate::judge::checking::check(&history, Some(&models), &Budget::unlimited());
        standing(&crashed(alive_until), &history, findings).remove(0).verdict
    }

    #[test]
    fn a_violation_stands_where_it_was_complete_before_a_node_ended() {
        assert!(matches!(judged(35), Verdict::Invalid(_)));
        let Verdict::Unknown(why) = judged(34) else { panic!("it was not complete") };
        assert_eq!(why, "what contradicts it was seen when n2 had ended by itself");
    }

    #[test]
    fn what_is_final_is_not_judged_where_a_node_ended() {
        let history = histories::read::read(RUN.as_bytes(), "run").unwrap();
        for model in [ModelName::Durability, ModelName::Convergence] {
            let finding = Finding {
                model,
                verdict: Verdict::Valid,
                method: "-",
                figures: Figures::default(),
                elapsed: Duration::ZERO,
            };
            let verdict = standing(&crashed(99), &history, vec![finding]).remove(0).verdict;
            assert!(matches!(verdict, Verdict::Unknown(_)), "{model}");
        }
    }

    #[test]
    fn of_a_system_of_ones_own_it_is_a_finding_with_the_end_of_the_log() {
        let finding = finding(&crashed(0));
        assert_eq!((finding.verdict, finding.expected), (VerdictKind::Invalid, Some(Expected::Valid)));
        insta::assert_snapshot!(finding.anomalies[0].explanation, @r"
        error[node-crashed]: n2 ended by itself: exit status: 101
        the end of its log:
        panicked
        ");
    }
}
