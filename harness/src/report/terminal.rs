//! What a run was like, in plain words.
//!
//! Writes nothing: who prints decides where to.

use std::fmt::Write as _;

use histories::{ModelName, printable};

use crate::cli::paint::Paint;
use crate::judge::outcome::{
    Availability, ConvergenceReport, DurabilityReport, Outcome, Percentiles, RunOutcome, StalenessReport,
    VerdictReport,
};
use crate::judge::verdict::{Expected, Subject, VerdictKind};
use crate::report::grid::Grid;

/// One run: what held and what did not, the figures, the faults, and the anomalies.
pub(crate) fn run(run: &RunOutcome, paint: Paint, every_anomaly: bool) -> String {
    let faults = if run.faults.is_empty() { "no faults".to_owned() } else { run.faults.join(",") };
    let title = format!("{} × {} × {faults}, seed {}", run.workload, run.mode, run.seed);
    let mut text = format!("{}  {}\n", outcome(run.outcome, paint), paint.strong(&title));
    let mut line = |label: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {label:22}{value}");
    };
    for verdict in &run.verdicts {
        line(verdict.subject.name(), &verdict_words(verdict, run, paint));
    }
    let operations = run.operations;
    line(
        "operations",
        &format!(
            "{} ok, {} failed, {} indefinite in {}",
            operations.ok,
            operations.fail,
            operations.info,
            seconds(run.elapsed_ms)
        ),
    );
    line("availability", &availability(&run.availability));
    line("latency", &latency(run));
    if let Some(staleness) = &run.staleness {
        line("staleness", &staleness_words(staleness));
    }
    if !run.failover_ms.is_empty() {
        line("failover", &run.failover_ms.iter().map(|&ms| seconds(ms)).collect::<Vec<_>>().join(", "));
    }
    for note in run.reasons() {
        line("note", &note);
    }
    line("folder", &run.dir);
    let windows = windows(run);
    if !windows.is_empty() {
        let _ = writeln!(text, "  faults\n{}", windows.terminal(4));
    }
    for verdict in run.verdicts.iter().filter(|verdict| speaks(verdict, run) || every_anomaly) {
        text.push_str(&anomalies(verdict, paint, every_anomaly));
    }
    text
}

/// Whether a violation is news: of something promised, or of a run that nothing else explains.
fn speaks(verdict: &VerdictReport, run: &RunOutcome) -> bool {
    verdict.expected.is_some() || run.outcome == Outcome::Violation
}

/// Anomalies of one model as they are explained; the first only, unless all are wanted.
pub(crate) fn anomalies(verdict: &VerdictReport, paint: Paint, all: bool) -> String {
    let shown = if all { verdict.anomalies.len() } else { verdict.anomalies.len().min(1) };
    let mut text = String::new();
    for anomaly in &verdict.anomalies[..shown] {
        let _ = writeln!(text, "\n{}", paint.explanation(&anomaly.explanation));
    }
    let hidden = verdict.anomalies.len() - shown;
    if hidden > 0 {
        let _ = writeln!(
            text,
            "{}",
            paint.dim(&format!("  … and {hidden} more against {} (-v shows all)", verdict.subject))
        );
    }
    text
}

fn outcome(outcome: Outcome, paint: Paint) -> String {
    match outcome {
        Outcome::Pass => paint.good("PASS"),
        Outcome::Violation => paint.bad("VIOLATION"),
        Outcome::Unknown => paint.doubtful("UNKNOWN"),
        Outcome::Inconclusive => paint.doubtful("INCONCLUSIVE"),
        Outcome::HarnessFailure => paint.bad("HARNESS FAILURE"),
    }
}

/// `held`, with the figures that belong to the model.
fn verdict_words(verdict: &VerdictReport, run: &RunOutcome, paint: Paint) -> String {
    let figures = match verdict.subject {
        Subject::Model(ModelName::Durability) => run.durability.as_ref().map(durability_words),
        Subject::Model(ModelName::Convergence) => run.convergence.as_ref().map(convergence_words),
        _ => None,
    };
    let figures = figures.map_or_else(String::new, |figures| format!(": {figures}"));
    format!("{}{figures}", held(verdict, paint))
}

/// What a verdict says, in words, with what was expected where it came otherwise.
pub(crate) fn held(verdict: &VerdictReport, paint: Paint) -> String {
    held_though(verdict, "promised", paint)
}

/// The same, of what was promised or demanded.
pub(crate) fn held_though(verdict: &VerdictReport, expected: &str, paint: Paint) -> String {
    let why = verdict.why.as_deref().unwrap_or("no reason was given");
    match (verdict.verdict, verdict.expected) {
        (VerdictKind::Valid, Some(Expected::Invalid)) => {
            format!("{}, though it need not", paint.good("held"))
        }
        (VerdictKind::Valid, _) => paint.good("held"),
        (VerdictKind::Invalid, Some(Expected::Valid)) => {
            format!("{}, though {expected}", paint.bad("VIOLATED"))
        }
        (VerdictKind::Invalid, Some(Expected::Invalid)) => {
            format!("{}, as this mode may", paint.doubtful("violated"))
        }
        (VerdictKind::Invalid, None) => paint.doubtful("violated"),
        (VerdictKind::Unknown, _) => format!("{}: {why}", paint.doubtful("undecided")),
        (VerdictKind::NotApplicable, _) => paint.dim(&format!("not applicable: {why}")),
    }
}

fn durability_words(durability: &DurabilityReport) -> String {
    let mut words = format!(
        "{} acknowledged writes, {}",
        durability.acknowledged,
        match durability.lost {
            0 => "none lost".to_owned(),
            lost => format!("{lost} lost"),
        }
    );
    if durability.discarded > 0 {
        let _ = write!(words, ", {} gave way to a concurrent one", durability.discarded);
    }
    words
}

fn convergence_words(convergence: &ConvergenceReport) -> String {
    match (convergence.converged, convergence.after_ms) {
        (true, Some(after)) => format!("every replica agreed {} after the heal", seconds(after)),
        (true, None) => "every replica agreed".to_owned(),
        (false, _) => {
            let keys = &convergence.differing_keys;
            let named = keys.iter().take(5).map(|key| printable(key)).collect::<Vec<_>>().join(", ");
            format!(
                "replicas still differ in {} keys ({named}{})",
                keys.len(),
                if keys.len() > 5 { ", …" } else { "" }
            )
        }
    }
}

fn availability(availability: &Availability) -> String {
    format!(
        "{} of operations ok (before faults {}, during {}, after {}); reads {}, writes {}",
        percent(availability.overall),
        percent(availability.before),
        percent(availability.during),
        percent(availability.after),
        percent(availability.reads),
        percent(availability.writes)
    )
}

fn latency(run: &RunOutcome) -> String {
    let words = |latency: Option<Percentiles>| {
        latency.map_or_else(|| "-".to_owned(), |p| format!("{:.1} ms median, {:.1} ms p99", p.p50, p.p99))
    };
    format!("reads {}; writes {}", words(run.latency_ms.read), words(run.latency_ms.write))
}

pub(crate) fn staleness_words(staleness: &StalenessReport) -> String {
    if staleness.stale_reads == 0 {
        return format!("none of {} reads was stale", staleness.reads);
    }
    format!(
        "{} of {} reads stale: median {:.1} ms, p99 {:.1} ms, at most {:.1} ms and {} version{} behind",
        staleness.stale_reads,
        staleness.reads,
        staleness.p50_ms,
        staleness.p99_ms,
        staleness.max_ms,
        staleness.max_versions,
        if staleness.max_versions == 1 { "" } else { "s" }
    )
}

fn windows(run: &RunOutcome) -> Grid {
    let mut grid = Grid::new(&["from", "to", "fault", "what", "applied", "evidence"]);
    for window in &run.fault_windows {
        grid.push(vec![
            seconds(window.from_ms),
            window.to_ms.map_or_else(|| "the end".to_owned(), seconds),
            window.fault.to_string(),
            window.what.clone(),
            window.applied.to_string(),
            window.evidence.clone(),
        ]);
    }
    grid
}

/// A share as `97.5 %`, `-` where there is none.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// Milliseconds as seconds, `1.3 s`, or as they are where there are few.
pub(crate) fn seconds(ms: f64) -> String {
    if ms < 100.0 { format!("{ms:.1} ms") } else { format!("{:.2} s", ms / 1e3) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::outcome::AnomalyReport;
    use crate::judge::verdict::Violation;
    use crate::run::Note;

    #[test]
    fn a_run_that_passed_in_plain_words() {
        insta::assert_snapshot!(run(&RunOutcome::complete_example(), Paint::PLAIN, false));
    }

    #[test]
    fn a_violation_is_explained() {
        let mut violated = RunOutcome {
            outcome: Outcome::Violation,
            convergence: Some(ConvergenceReport {
                converged: false,
                after_ms: None,
                differing_keys: vec!["x".into()],
            }),
            notes: vec![Note::LeftOut { mode: "single/quorum".into(), function: histories::Function::Cas }],
            fault_windows: Vec::new(),
            ..RunOutcome::complete_example()
        };
        let anomaly = AnomalyReport {
            events: vec![1],
            lines: vec![3],
            ..AnomalyReport::told(
                Violation::Anomaly(histories::AnomalyKind::StaleRead),
                "client 4 read x = 3".into(),
                "error[stale-read]: client 4 read x = 3\n  --> a:3".into(),
            )
        };
        let first = &mut violated.verdicts[0];
        first.verdict = VerdictKind::Invalid;
        first.anomalies = vec![anomaly.clone(), anomaly];
        let mut diverged = first.clone();
        diverged.subject = ModelName::Convergence.into();
        diverged.expected = None;
        diverged.anomalies.clear();
        violated.verdicts.push(diverged);
        insta::assert_snapshot!(run(&violated, Paint::PLAIN, false));
    }
}
