//! Every report as a person reads it on a terminal.
//!
//! Writes nothing: the command that prints decides where to.

mod calibration;
mod certificate;
mod client;
mod closing;
mod doctor;
mod histories;
mod history;
mod hunt;
mod lesson;
mod listing;
mod proofs;
mod replayed;
mod run;
mod selftest;
mod shrunk;

use std::fmt::Write as _;

use ::histories::printable;

use super::{FileStatistics, Purpose, Report, RunsReport};
use crate::cli::layout::Screen;
use crate::report::lesson::Lesson;

pub(crate) use self::history::Depth;
pub(crate) use self::hunt::summary as hunt_summary;
#[cfg(test)]
pub(crate) use self::lesson::render as lesson;
#[cfg(test)]
pub(crate) use self::listing::grid as listing;
pub(crate) use self::replayed::difference;
pub(crate) use self::run::run;

/// All that is told at the end of a command. Each run is told by [`run`] as soon as it is over.
pub(crate) fn render(report: &Report<'_>, screen: Screen) -> String {
    match report {
        Report::Runs(runs) => of_runs(runs, screen),
        Report::Histories(histories) => histories::render(histories, screen),
        Report::Statistics(files) => statistics(files),
        Report::Selftest(selftest) => selftest::render(selftest, screen),
        Report::Diagnosis(diagnosis) => doctor::render(diagnosis, screen),
        Report::Certificate(certificate) => certificate::render(&certificate.verified, screen.width),
        Report::Client(client) => client::render(client.tried, screen),
        Report::Listing(listing) => listing::render(listing, screen),
        Report::Lessons(lessons) => self::lessons(lessons, screen),
        Report::Shrunk(shrunk) => shrunk::render(shrunk, screen),
        Report::Replayed(replayed) => replayed::render(replayed, screen),
    }
}

/// What the runs were done for, what they come to, and how to do it again.
fn of_runs(report: &RunsReport<'_>, screen: Screen) -> String {
    let mut text = match report.purpose {
        Purpose::Suites => closing::render(report, screen),
        Purpose::Comparison { rows, .. } => {
            let grid = super::modes::grid(rows, screen.paint);
            format!("{}\n\n{}", grid.terminal(0, screen.width), closing::render(report, screen))
        }
        Purpose::Tradeoffs(rows) => {
            let grid = super::tradeoffs::grid(rows);
            format!("{}\n\n{}", grid.terminal(0, screen.width), closing::render(report, screen))
        }
        Purpose::Hunt(hunt) => hunt::render(hunt, report, screen),
        Purpose::Calibration(calibration) => calibration::render(calibration, report.exit, screen),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", report.again);
    if let Purpose::Comparison { page: Some(page), .. } = report.purpose {
        let _ = writeln!(text, "page: {}", page.display());
    }
    text
}

fn lessons(lessons: &[Lesson], screen: Screen) -> String {
    lessons.iter().map(|of| lesson::render(of, screen.width)).collect::<Vec<_>>().join("\n")
}

fn statistics(files: &[FileStatistics]) -> String {
    let told = |of: &FileStatistics| format!("{}\n{}\n", printable(&of.file), of.stats);
    files.iter().map(told).collect::<Vec<_>>().join("\n")
}
