//! The JSON contract: it only grows. Of runs one object, `{"partita":version,"exit":code,"runs":[…]}`; of files an object
//! a line.

mod again;
mod history;
mod verified;

use histories::stats::Stats;
use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use self::again::{ReplayedReport, ShrunkReport};
pub(crate) use self::history::FileReport;
pub(crate) use self::verified::{CertificateReport, ClientReport};
use super::hunt::HuntReport;
use super::{FileStatistics, HistoryFile, Purpose, Report, RunsReport, Selftest};
use crate::judge::outcome::RunOutcome;
use crate::report::calibration::CalibrationReport;
use crate::report::lesson::Lesson;
use crate::report::listing::Listing;
use crate::report::selftest::Caught;
use crate::report::tradeoffs::Tradeoff;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Of runs.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Document<'a> {
    /// The version of the program.
    partita: &'static str,
    /// The exit code.
    exit: u8,
    #[schemars(with = "Vec<RunOutcome>")]
    runs: &'a [RunOutcome],
    /// Expectations that were not met, in words.
    missed: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(with = "Vec<Tradeoff>")]
    tradeoffs: &'a [Tradeoff],
    #[serde(skip_serializing_if = "Option::is_none")]
    hunt: Option<&'a HuntReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration: Option<&'a CalibrationReport>,
}

/// Of `stats`, a file.
#[derive(JsonSchema, Serialize)]
pub(crate) struct FileStats<'a> {
    file: &'a str,
    #[schemars(with = "Stats")]
    stats: &'a Stats,
}

/// Of `selftest`.
#[derive(JsonSchema, Serialize)]
pub(crate) struct SelftestReport<'a> {
    /// The version of the program.
    partita: &'static str,
    /// The exit code.
    exit: u8,
    #[schemars(with = "Vec<Caught>")]
    bugs: &'a [Caught],
    /// What modes give up, in the same form.
    #[schemars(with = "Vec<Caught>")]
    shows: &'a [Caught],
}

/// Of `list`, and of `explain` without a name.
#[derive(JsonSchema, Serialize)]
pub(crate) struct ListingReport<'a> {
    /// The version of the program.
    partita: &'static str,
    /// What is listed, as the command line names it.
    what: &'static str,
    #[schemars(with = "Listing")]
    entries: &'a Listing,
}

/// Of `explain`.
#[derive(JsonSchema, Serialize)]
pub(crate) struct LessonsReport<'a> {
    /// The version of the program.
    partita: &'static str,
    #[schemars(with = "Vec<Lesson>")]
    lessons: &'a [Lesson],
}

/// Each object ends with a line break.
pub(crate) fn render(report: &Report<'_>) -> String {
    match report {
        Report::Runs(runs) => self::runs(runs),
        Report::Histories(histories) => histories.files.iter().filter_map(of_file).collect(),
        Report::Statistics(files) => files.iter().map(of_statistics).collect(),
        Report::Selftest(selftest) => line(&of_selftest(selftest)),
        Report::Diagnosis(diagnosis) => line(diagnosis),
        Report::Certificate(certificate) => line(&CertificateReport::from(certificate)),
        Report::Client(client) => line(&ClientReport::from(client)),
        Report::Listing(listing) => line(&of_listing(listing)),
        Report::Lessons(lessons) => line(&LessonsReport { partita: VERSION, lessons }),
        Report::Shrunk(shrunk) => line(&ShrunkReport::from(*shrunk)),
        Report::Replayed(replayed) => line(&ReplayedReport::from(*replayed)),
    }
}

pub(crate) fn runs(runs: &RunsReport<'_>) -> String {
    // Our types have string keys only, so they always serialise.
    serde_json::to_string_pretty(&of_runs(runs)).unwrap_or_default() + "\n"
}

fn line(object: &impl Serialize) -> String {
    serde_json::to_string(object).unwrap_or_default() + "\n"
}

fn of_runs<'a>(report: &RunsReport<'a>) -> Document<'a> {
    let (mut tradeoffs, mut hunt, mut calibration): (&[Tradeoff], _, _) = (&[], None, None);
    match report.purpose {
        Purpose::Suites | Purpose::Comparison { .. } => {}
        Purpose::Tradeoffs(rows) => tradeoffs = rows,
        Purpose::Hunt(report) => hunt = Some(report),
        Purpose::Calibration(report) => calibration = Some(report),
    }
    Document {
        partita: VERSION,
        exit: report.exit.code(),
        runs: report.runs,
        missed: report.missed.iter().map(ToString::to_string).collect(),
        tradeoffs,
        hunt,
        calibration,
    }
}

fn of_file(file: &HistoryFile) -> Option<String> {
    match file {
        HistoryFile::Checked { checked, .. } => Some(line(&FileReport::from(&**checked))),
        HistoryFile::Unreadable(_) => None,
    }
}

fn of_statistics(of: &FileStatistics) -> String {
    line(&FileStats { file: &of.file, stats: &of.stats })
}

fn of_selftest<'a>(selftest: &Selftest<'a>) -> SelftestReport<'a> {
    let &Selftest { exit, bugs, shows } = selftest;
    SelftestReport { partita: VERSION, exit: exit.code(), bugs, shows }
}

fn of_listing(listing: &Listing) -> ListingReport<'_> {
    ListingReport { partita: VERSION, what: listing.name(), entries: listing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;
    use crate::report::tests::report_of;

    #[test]
    fn the_contract_holds() {
        let runs = [RunOutcome::complete_example()];
        let runs = RunsReport { exit: Exit::Success, ..report_of(&runs) };
        let report = Report::Runs(&runs);
        insta::assert_snapshot!(render(&report).replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }
}
