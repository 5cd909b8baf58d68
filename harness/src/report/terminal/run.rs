//! What a run was like, in plain words.
//!
//! Writes nothing: who prints decides where to.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use histories::{ModelName, printable};
use indexmap::IndexMap;

use crate::cli::layout::Screen;
use crate::cli::names::counted;
use crate::cli::paint::Paint;
use crate::judge::expect::counts_against;
use crate::judge::outcome::{
    Availability, ConvergenceReport, DurabilityReport, Operations, Outcome, Percentiles, RunOutcome,
    StalenessReport, VerdictReport,
};
use crate::judge::verdict::{AppliedKind, Expected, Subject, VerdictKind};
use crate::plan::expect::Expectation;
use crate::report::figures::{percent, seconds};
use crate::report::grid::Grid;

/// One run: what was promised and what failed first, then the figures, the faults, and the proofs. The rest of the verdicts
/// and of the faults is a line each, which `-v` unfolds.
pub(crate) fn run(run: &RunOutcome, screen: Screen, expectations: &[Expectation]) -> String {
    let Screen { paint, verbose, width } = screen;
    let fates: Vec<(&VerdictReport, Fate)> =
        run.verdicts.iter().map(|verdict| (verdict, Fate::of(run, verdict, expectations))).collect();
    let faults = if run.faults.is_empty() { "no faults".to_owned() } else { run.faults.join(",") };
    let title = format!("{} × {} × {faults}, seed {}", run.workload, run.mode, run.seed);
    let mut lines =
        vec![width.wrap(&format!("{}  {}", outcome(run.outcome, &fates, paint), paint.strong(&title)), 4)];
    let told = |fate: Fate| fates.iter().filter(move |(_, of)| *of == fate);
    for (verdict, fate) in told(Fate::Failure).chain(told(Fate::Promised)).chain(told(Fate::Expected)) {
        lines.push(screen.entry(verdict.subject.name(), &verdict_words(verdict, run, *fate, paint)));
    }
    let beside: Vec<&VerdictReport> = told(Fate::Beside).map(|(verdict, _)| *verdict).collect();
    if verbose {
        let each = |verdict: &&VerdictReport| {
            screen.entry(verdict.subject.name(), &verdict_words(verdict, run, Fate::Beside, paint))
        };
        lines.extend(beside.iter().map(each));
    } else if !beside.is_empty() {
        lines.push(screen.entry("beside", &paint.dim(&folded(&beside))));
    }
    lines.extend(figures(run).into_iter().map(|(label, value)| screen.entry(label, &value)));
    let mut text = lines.join("\n") + "\n";
    let windows = windows(run);
    if verbose && !windows.is_empty() {
        let _ = writeln!(text, "  faults\n{}", windows.terminal(4, width));
    } else if let Some(faults) = faults_words(run) {
        let _ = writeln!(text, "{}", screen.entry("faults in force", &faults));
    }
    let mut shown = BTreeSet::new();
    for (verdict, fate) in &fates {
        // What violates several models is told once.
        let is_new = verdict.anomalies.first().is_some_and(|anomaly| shown.insert(&anomaly.explanation));
        if verbose || (*fate == Fate::Failure && is_new) {
            text.push_str(&anomalies(verdict, screen));
        }
    }
    text
}

/// What a verdict means for its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A violation, or something open, that the run is blamed for.
    Failure,
    /// It was promised, and held.
    Promised,
    /// A violation that was to be seen.
    Expected,
    /// Whatever else was decided, or not.
    Beside,
}

impl Fate {
    fn of(run: &RunOutcome, verdict: &VerdictReport, expectations: &[Expectation]) -> Self {
        match verdict.verdict {
            VerdictKind::Invalid if counts_against(run, verdict, expectations) => Self::Failure,
            VerdictKind::Invalid if verdict.expected.is_some() => Self::Expected,
            VerdictKind::Unknown | VerdictKind::NotApplicable if verdict.is_promised() => Self::Failure,
            VerdictKind::Valid if verdict.is_promised() => Self::Promised,
            _ => Self::Beside,
        }
    }
}

/// Names by verdict, on one line.
fn folded(verdicts: &[&VerdictReport]) -> String {
    let groups = [
        ("held", VerdictKind::Valid),
        ("violated", VerdictKind::Invalid),
        ("undecided", VerdictKind::Unknown),
        ("not applicable", VerdictKind::NotApplicable),
    ];
    let told = groups.into_iter().filter_map(|(label, kind)| {
        let of = verdicts.iter().filter(|verdict| verdict.is(kind));
        let names: Vec<&str> = of.map(|verdict| verdict.subject.name()).collect();
        (!names.is_empty()).then(|| format!("{label}: {}", names.join(", ")))
    });
    format!("{} (-v tells more)", told.collect::<Vec<_>>().join("; "))
}

/// What was measured, and what is worth a note.
fn figures(run: &RunOutcome) -> Vec<(&'static str, String)> {
    let Operations { ok, fail, info } = run.operations;
    let lasted = seconds(run.elapsed_ms);
    let mut figures = vec![
        ("operations", format!("{ok} ok, {fail} failed, {info} indefinite in {lasted}")),
        ("availability", availability(&run.availability)),
        ("latency", latency(run)),
    ];
    figures.extend(run.staleness.as_ref().map(|staleness| ("staleness", staleness_words(staleness))));
    if !run.failover_ms.is_empty() {
        let each: Vec<String> = run.failover_ms.iter().map(|&ms| seconds(ms)).collect();
        figures.push(("failover", each.join(", ")));
    }
    figures.extend(run.reasons().into_iter().map(|note| ("note", note)));
    figures.push(("folder", run.dir.clone()));
    figures
}

/// Anomalies of one model as they are explained; the first only, unless all are wanted.
fn anomalies(verdict: &VerdictReport, screen: Screen) -> String {
    let Screen { paint, width, verbose } = screen;
    let shown = if verbose { verdict.anomalies.len() } else { verdict.anomalies.len().min(1) };
    let mut text = String::new();
    for anomaly in &verdict.anomalies[..shown] {
        let _ = writeln!(text, "\n{}", paint.explanation(&width.explanation(&anomaly.explanation)));
    }
    let hidden = verdict.anomalies.len() - shown;
    if hidden > 0 {
        let more = format!("  … and {hidden} more against {} (-v shows all)", verdict.subject);
        let _ = writeln!(text, "{}", paint.dim(&more));
    }
    text
}

/// In a word. Where all that is violated was to be seen, the word says so.
fn outcome(outcome: Outcome, fates: &[(&VerdictReport, Fate)], paint: Paint) -> String {
    let fails =
        || fates.iter().any(|(verdict, fate)| *fate == Fate::Failure && verdict.is(VerdictKind::Invalid));
    match outcome {
        Outcome::Pass => paint.good("PASS"),
        Outcome::Violation if fails() => paint.bad("VIOLATION"),
        Outcome::Violation => paint.expected("EXPECTED VIOLATION"),
        Outcome::Unknown => paint.doubtful("UNKNOWN"),
        Outcome::Inconclusive => paint.doubtful("INCONCLUSIVE"),
        Outcome::HarnessFailure => paint.bad("HARNESS FAILURE"),
    }
}

/// `held`, with the figures that belong to the model; of a violation that was to be seen, what shows it.
fn verdict_words(verdict: &VerdictReport, run: &RunOutcome, fate: Fate, paint: Paint) -> String {
    let figures = match verdict.subject {
        Subject::Model(ModelName::Durability) => run.durability.as_ref().map(durability_words),
        Subject::Model(ModelName::Convergence) => run.convergence.as_ref().map(convergence_words),
        _ => None,
    };
    let summary = || verdict.anomalies.first().map(|anomaly| anomaly.summary.clone());
    let figures = figures.or_else(|| summary().filter(|_| fate == Fate::Expected));
    let figures = figures.map_or_else(String::new, |figures| format!(": {figures}"));
    format!("{}{figures}", held(verdict, "promised", fate, paint))
}

/// What a verdict says, in words, with what was promised or demanded where it came otherwise.
pub(crate) fn held(verdict: &VerdictReport, expected: &str, fate: Fate, paint: Paint) -> String {
    let why = verdict.why.as_deref().unwrap_or("no reason was given");
    match (verdict.verdict, verdict.expected) {
        (VerdictKind::Valid, _) => paint.good("held"),
        (VerdictKind::Invalid, Some(Expected::Valid)) if fate == Fate::Expected => {
            paint.expected(&format!("violated, though {expected}, as was expected"))
        }
        (VerdictKind::Invalid, Some(Expected::Valid)) => {
            format!("{}, though {expected}", paint.bad("VIOLATED"))
        }
        (VerdictKind::Invalid, _) if fate == Fate::Expected => paint.expected("violated, as was expected"),
        (VerdictKind::Invalid, Some(Expected::Invalid)) if fate == Fate::Failure => {
            format!("{}, which this mode does not promise to prevent", paint.bad("VIOLATED"))
        }
        (VerdictKind::Invalid, _) if fate == Fate::Failure => paint.bad("VIOLATED"),
        (VerdictKind::Invalid, _) => paint.doubtful("violated"),
        (VerdictKind::Unknown, _) => format!("{}: {why}", paint.doubtful("undecided")),
        (VerdictKind::NotApplicable, _) => paint.dim(&format!("not applicable: {why}")),
    }
}

fn durability_words(durability: &DurabilityReport) -> String {
    let mut words = format!(
        "{}, {}",
        counted(durability.acknowledged, "acknowledged write"),
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

/// How often each fault was in force, on one line; `None` where none was.
fn faults_words(run: &RunOutcome) -> Option<String> {
    let mut times: IndexMap<String, usize> = IndexMap::new();
    for window in &run.fault_windows {
        *times.entry(window.fault.to_string()).or_default() += 1;
    }
    let told: Vec<String> = times.iter().map(|(fault, times)| format!("{fault} {times} times")).collect();
    let without = run.fault_windows.iter().filter(|window| window.applied != AppliedKind::Installed).count();
    let effect = match without {
        0 => "each had an effect".to_owned(),
        some => format!("{some} not known to have had an effect"),
    };
    (!told.is_empty())
        .then(|| format!("{}; {effect} (-v tells more)", told.join(", ")).replace(" 1 times", " once"))
}

fn windows(run: &RunOutcome) -> Grid {
    let mut grid = Grid::new(&["fault", "from", "to", "what", "applied", "evidence"]);
    for window in &run.fault_windows {
        grid.push(vec![
            window.fault.to_string(),
            seconds(window.from_ms),
            window.to_ms.map_or_else(|| "the end".to_owned(), seconds),
            window.what.clone(),
            window.applied.to_string(),
            window.evidence.clone(),
        ]);
    }
    grid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::layout::Width;
    use crate::judge::outcome::AnomalyReport;
    use crate::judge::verdict::Violation;
    use crate::plan::expect::Claim;
    use crate::run::Note;

    #[test]
    fn a_run_that_passed_in_plain_words() {
        insta::assert_snapshot!(run(&RunOutcome::complete_example(), Screen::PLAIN, &[]));
    }

    #[test]
    fn a_run_fits_eighty_columns_and_is_unfolded_on_request() {
        let screen = Screen { width: Width::columns(80), verbose: true, ..Screen::PLAIN };
        let text = run(&RunOutcome::complete_example(), screen, &[]);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_violation_that_was_to_be_seen_is_no_failure() {
        let mut shown = RunOutcome { outcome: Outcome::Violation, ..RunOutcome::complete_example() };
        shown.verdicts[0].verdict = VerdictKind::Invalid;
        shown.verdicts[0].expected = Some(Expected::Invalid);
        let claim =
            Claim::Verdict { model: ModelName::Linearizable, expected: Expected::Invalid, kinds: Vec::new() };
        let expectation =
            Expectation { modes: Vec::new(), workloads: Vec::new(), seeds_min: None, claims: vec![claim] };
        let first = |expectations: &[Expectation]| {
            let text = run(&shown, Screen::PLAIN, expectations);
            text.lines().take(2).map(str::to_owned).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(format!("{}\n{}", first(&[expectation]), first(&[])));
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
        insta::assert_snapshot!(run(&violated, Screen::PLAIN, &[]));
    }
}
