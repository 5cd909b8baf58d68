//! What runs came to, as a person reads it: what was not as expected, how to run that again, and the verdict over all.

use super::super::{RunsReport, advice};
use crate::cli::exit::Exit;
use crate::cli::layout::Screen;
use crate::judge::outcome::Outcome;

/// Of many failures, so many steps to take next are told.
const NEXT_MAX: usize = 6;

pub(super) fn render(report: &RunsReport<'_>, screen: Screen) -> String {
    let Screen { paint, width, .. } = screen;
    let mut lines: Vec<String> = Vec::new();
    for (number, miss) in report.missed.iter().enumerate() {
        let mark = match miss.exit {
            Exit::Violation => paint.bad("not as expected"),
            Exit::HarnessFailure => paint.bad("harness failure"),
            _ => paint.doubtful("undecided"),
        };
        lines.push(width.wrap(&format!("{mark}: {miss}"), 4));
        // Of several misses of one run the command stands below the last.
        let next = report.missed.get(number + 1);
        if next.is_none_or(|next| next.again != miss.again) {
            lines.extend(miss.again.iter().map(|again| format!("  again: {again}")));
        }
    }
    let failed = report.runs.iter().filter(|run| run.outcome != Outcome::Pass);
    let mut next: Vec<String> = Vec::new();
    for run in failed.filter(|_| report.exit != Exit::Success) {
        next.extend(advice::of_run(run).into_iter().filter(|step| !next.contains(step)).collect::<Vec<_>>());
    }
    lines.extend(next.iter().take(NEXT_MAX).map(|step| format!("  next: {step}")));
    let runs = match report.runs.len() {
        1 => "1 run".to_owned(),
        count => format!("{count} runs"),
    };
    let missed = report.missed.len();
    lines.push(match report.exit {
        Exit::Success => format!("{}: {runs}, everything as expected", paint.good("pass")),
        Exit::Violation => format!("{}: {runs}, {missed} not as expected", paint.bad("violation")),
        Exit::Undecided => format!("{}: {runs}, {missed} undecided", paint.doubtful("unknown")),
        Exit::HarnessFailure => format!("{}: {runs}; see the errors above", paint.bad("harness failure")),
        Exit::NothingRan => paint.doubtful("nothing ran"),
        Exit::Interrupted => format!("{} after {runs}", paint.doubtful("interrupted")),
        Exit::Usage | Exit::Bug => paint.bad("failed"),
    });
    lines.join("\n") + "\n"
}
