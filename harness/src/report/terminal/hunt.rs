//! A hunt as a person reads it: what it looked at, and the run that failed.

use std::fmt::Write as _;

use super::run::run;
use crate::cli::exit::Exit;
use crate::cli::layout::Screen;
use crate::report::hunt::{CoverageReport, HuntReport};
use crate::report::{RunsReport, advice};

pub(super) fn render(hunt: &HuntReport, report: &RunsReport<'_>, screen: Screen) -> String {
    let mut text = format!("{}\n", screen.width.wrap(&summary(hunt), 2));
    for line in coverage(&hunt.coverage).iter().chain(&open(hunt)) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", screen.width.wrap(line, 4));
    }
    text + &end(hunt, report, screen)
}

/// How far a hunt has come, in a sentence.
pub(crate) fn summary(hunt: &HuntReport) -> String {
    let seconds = (hunt.spent_ms as f64 / 1e3).max(1e-3);
    let simulated = hunt.simulated_ms as f64 / 1e3;
    format!(
        "{} runs, {} operations, {:.0} s simulated in {seconds:.1} s: {:.0} runs a minute, {:.0} operations and {:.0} \
         simulated seconds a second; {} inconclusive, {} undecided",
        hunt.runs,
        hunt.operations,
        simulated,
        hunt.runs as f64 / seconds * 60.0,
        hunt.operations as f64 / seconds,
        simulated / seconds,
        hunt.inconclusive,
        hunt.unknown,
    )
}

/// Three lines: the faults that were felt, the states that were reached, the anomalies that were seen.
fn coverage(coverage: &CoverageReport) -> [String; 3] {
    let CoverageReport { faults, states, anomalies } = coverage;
    [("faults", faults), ("states", states), ("anomalies", anomalies)].map(|(what, seen)| {
        let seen: Vec<String> = seen.iter().map(|(name, runs)| format!("{name} {runs}")).collect();
        format!("  {what:<10} {}", if seen.is_empty() { "none".to_owned() } else { seen.join(", ") })
    })
}

/// Why runs were inconclusive or undecided.
fn open(hunt: &HuntReport) -> Vec<String> {
    let thin: Vec<String> = hunt.thin.iter().map(|(kind, runs)| format!("{kind} {runs}")).collect();
    let thin = (!thin.is_empty()).then(|| format!("  inconclusive {}", thin.join(", ")));
    let doubts = hunt.doubts.iter().map(|doubt| format!("  undecided  {doubt}"));
    thin.into_iter().chain(doubts).collect()
}

/// The run that failed, or that none did.
fn end(hunt: &HuntReport, report: &RunsReport<'_>, screen: Screen) -> String {
    let paint = screen.paint;
    if let Some(found) = report.runs.first() {
        let mut text = format!("{}\n", run(found, screen, report.expectations));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "seed {} fails; again: {}", found.seed, found.reproduce);
        for step in advice::of_run(found) {
            let _ = writeln!(text, "  next: {step}");
        }
        return text;
    }
    match report.exit {
        Exit::Undecided => format!(
            "{}: {} of {} runs undecided\n  next: {}\n",
            paint.doubtful("unknown"),
            hunt.unknown,
            hunt.runs,
            advice::MORE
        ),
        Exit::Success => format!("{}: no violation\n", paint.good("pass")),
        Exit::HarnessFailure => {
            hunt.failed.as_ref().map_or_else(String::new, |again| format!("  again: {again}\n"))
        }
        // Nothing came of it, or the error was told.
        Exit::Interrupted | Exit::NothingRan | Exit::Violation | Exit::Usage | Exit::Bug => String::new(),
    }
}
