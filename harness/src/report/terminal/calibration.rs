//! A calibration as a person reads it: the runs without a lie, what was noticed, what was not, and the sum of it.

use crate::cli::exit::Exit;
use crate::cli::layout::Screen;
use crate::cli::names::counted;
use crate::report::calibration::{CalibrationReport, LieOrBug, Notice};

pub(super) fn render(report: &CalibrationReport, exit: Exit, screen: Screen) -> String {
    format!("{}{}\n", report.terminal(screen.width), closing(report, exit, screen))
}

/// What the whole came to, and how what was noticed can be seen.
fn closing(report: &CalibrationReport, exit: Exit, screen: Screen) -> String {
    let Screen { paint, width, .. } = screen;
    let mut lines = Vec::new();
    for violated in &report.control.violated {
        lines.push(format!("  again: {violated}"));
    }
    for undecided in &report.control.undecided {
        lines.push(width.wrap(&format!("{}: {undecided}", paint.doubtful("undecided")), 4));
    }
    let [noticed, missed, blind, beyond] =
        [Notice::Noticed, Notice::Missed, Notice::Blind, Notice::OutOfScope]
            .map(|notice| report.count(notice));
    let count = report.lies.len();
    let has_bugs = report.lies.iter().any(|lie| lie.kind == LieOrBug::Bug);
    let all = if has_bugs { format!("{count} lies and bugs") } else { counted(count as u64, "lie") };
    let told = format!(
        "{noticed} of {all} noticed, {missed} missed, {blind} never to be noticed, {beyond} out of scope"
    );
    let verdict = match exit {
        _ if !report.control.violated.is_empty() => {
            let why = "the suite fails without a lie, and what it would notice cannot be told";
            format!("{}: {why}", paint.bad("violation"))
        }
        Exit::Success => format!("{}: {told}", paint.good("pass")),
        Exit::Violation => format!("{}: {told}", paint.bad("violation")),
        Exit::Undecided => format!("{}: {told}", paint.doubtful("unknown")),
        Exit::NothingRan => format!("{}: {told}", paint.doubtful("nothing to notice")),
        Exit::Interrupted => format!("{}: {told}", paint.doubtful("interrupted")),
        Exit::HarnessFailure | Exit::Usage | Exit::Bug => paint.bad("failed"),
    };
    lines.push(width.wrap(&verdict, 2));
    lines.join("\n")
}
