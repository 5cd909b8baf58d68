//! What to do next about what did not come out well, as commands to copy and options to try.

use histories::AnomalyKind;

use crate::cli::names::shell_quote;
use crate::judge::evidence::WeakEvidence;
use crate::judge::outcome::{Outcome, RunOutcome, VerdictReport};
use crate::judge::verdict::{VerdictKind, Violation};
use crate::plan::spec::StageName;

/// For one run, a step a line; nothing where it passed.
pub(crate) fn of_run(run: &RunOutcome) -> Vec<String> {
    let folder = shell_quote(&run.dir);
    match run.outcome {
        Outcome::Pass => Vec::new(),
        Outcome::Violation => {
            let mut steps: Vec<String> = kinds(&run.verdicts).into_iter().take(1).map(explain).collect();
            if !run.dir.is_empty() && run.stage == StageName::Sim {
                steps.push(format!("partita shrink {folder}"));
            } else if !run.dir.is_empty() {
                steps.push(format!("partita check {folder}/history.jsonl --graph {folder}"));
            }
            steps
        }
        Outcome::Unknown => vec![MORE.to_owned()],
        Outcome::Inconclusive => {
            let mut steps: Vec<String> =
                run.weak_evidence.iter().map(|weak| against(weak).to_owned()).collect();
            steps.dedup();
            steps
        }
        Outcome::HarnessFailure if run.dir.is_empty() => Vec::new(),
        Outcome::HarnessFailure => vec![format!("the logs of the nodes are in {folder}")],
    }
}

/// What gives a checker more room.
pub(crate) const MORE: &str = "give the check more time and memory: --budget 10m,8GiB";

/// The command that tells what an anomaly means.
pub(crate) fn explain(kind: AnomalyKind) -> String {
    format!("partita explain {kind}")
}

/// The kinds of anomalies that violate something, those of what was promised or demanded first.
pub(crate) fn kinds(verdicts: &[VerdictReport]) -> Vec<AnomalyKind> {
    let violated = |promised| {
        let of = move |verdict: &&VerdictReport| {
            verdict.is(VerdictKind::Invalid) && verdict.is_promised() == promised
        };
        verdicts.iter().filter(of)
    };
    let anomalies = violated(true).chain(violated(false)).flat_map(|verdict| &verdict.anomalies);
    let mut kinds = Vec::new();
    for anomaly in anomalies {
        if let Violation::Anomaly(kind) = anomaly.kind
            && !kinds.contains(&kind)
        {
            kinds.push(kind);
        }
    }
    kinds
}

fn against(weak: &WeakEvidence) -> &'static str {
    match weak {
        WeakEvidence::NotReady => "look at the logs of the nodes in the folder of the run",
        WeakEvidence::HarnessStoodStill { .. } | WeakEvidence::HarnessTooSlow { .. } => {
            "run it on a machine with less to do, or at a lower --rate"
        }
        WeakEvidence::FewAnswers { .. } => "run it for longer (--time) or at a higher --rate",
        WeakEvidence::FaultWithoutEffect { .. } | WeakEvidence::WindowWithoutEffect { .. } => {
            "run it for longer (--time), or aim the fault elsewhere (partita list faults)"
        }
        WeakEvidence::SilentWindow { .. } => "run it for longer (--time), or with shorter faults (:for=2s)",
    }
}
