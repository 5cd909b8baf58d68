//! What came of a command, for people and for machines: one [`Report`], and a module a format.
//!
//! No verdict is formed here.

pub(crate) mod advice;
pub(crate) mod calibration;
mod clock;
pub(crate) mod csv;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod figures;
pub(crate) mod github;
pub(crate) mod grid;
pub(crate) mod hunt;
pub(crate) mod json;
pub(crate) mod junit;
mod lag;
pub(crate) mod lesson;
pub(crate) mod listing;
pub(crate) mod markdown;
pub(crate) mod modes;
pub(crate) mod otlp;
pub(crate) mod page;
pub(crate) mod perfetto;
pub(crate) mod plots;
pub(crate) mod replayed;
pub(crate) mod sarif;
pub(crate) mod selftest;
mod series;
pub(crate) mod shrunk;
pub(crate) mod spent;
mod targets;
pub(crate) mod terminal;
pub(crate) mod timeline;
pub(crate) mod trace;
pub(crate) mod tradeoffs;
pub(crate) mod words;

use std::path::{Path, PathBuf};

use checkers::certificate;
use histories::stats::Stats;
use systems::probe::Tried;

use crate::cli::exit::Exit;
use crate::judge::checked::Checked;
use crate::judge::expect::Miss;
use crate::judge::outcome::RunOutcome;
use crate::plan::expect::Expectation;
use crate::report::calibration::CalibrationReport;
use crate::report::doctor::Diagnosis;
use crate::report::hunt::HuntReport;
use crate::report::lesson::Lesson;
use crate::report::listing::Listing;
use crate::report::modes::Compared;
use crate::report::replayed::Replayed;
use crate::report::selftest::Caught;
use crate::report::shrunk::Shrunk;
use crate::report::terminal::Depth;
use crate::report::tradeoffs::Tradeoff;

pub use self::targets::Reporter;
pub(crate) use self::targets::{Format, Targets, add, own};

/// What a command has to tell, as data: [`terminal`] and [`json`] render all of it, the other formats runs.
pub(crate) enum Report<'a> {
    /// `run`, `compare`, `hunt` and `calibrate`.
    Runs(&'a RunsReport<'a>),
    /// `check`.
    Histories(HistoryFiles<'a>),
    /// `stats`.
    Statistics(&'a [FileStatistics]),
    /// `selftest`.
    Selftest(Selftest<'a>),
    /// `doctor`.
    Diagnosis(&'a Diagnosis),
    /// `verify`.
    Certificate(Certificate<'a>),
    /// `probe`.
    Client(Client<'a>),
    /// `list`, and what `explain` and `synth` have to choose from.
    Listing(&'a Listing),
    /// `explain`.
    Lessons(&'a [Lesson]),
    /// `shrink`.
    Shrunk(&'a Shrunk<'a>),
    /// `replay`.
    Replayed(&'a Replayed<'a>),
}

/// Runs, and what was expected of them.
pub(crate) struct RunsReport<'a> {
    pub(crate) exit: Exit,
    pub(crate) runs: &'a [RunOutcome],
    pub(crate) missed: &'a [Miss],
    /// What was expected of the runs beside what their modes promise.
    pub(crate) expectations: &'a [Expectation],
    /// The seeds, and the command that does all of it again.
    pub(crate) again: &'a str,
    pub(crate) purpose: Purpose<'a>,
}

/// What runs were done for, with what came of it beside the runs.
pub(crate) enum Purpose<'a> {
    Suites,
    Comparison {
        /// One a mode.
        rows: &'a [Compared<'a>],
        /// The page that shows the same, where it was written.
        page: Option<&'a Path>,
    },
    /// The same, of `compare --tradeoffs`.
    Tradeoffs(&'a [Tradeoff]),
    /// What was looked at, also where nothing was found.
    Hunt(&'a HuntReport),
    /// Which lies were noticed.
    Calibration(&'a CalibrationReport),
}

/// Histories that were checked, in the order in which they were named.
pub(crate) struct HistoryFiles<'a> {
    pub(crate) files: &'a [HistoryFile],
    /// How much a person is told of each; of many only the table, unless more is asked for.
    pub(crate) in_full: Option<Depth>,
}

/// A file that was to be checked.
pub(crate) enum HistoryFile {
    Checked {
        checked: Box<Checked>,
        /// The drawings of its proofs, where they were asked for.
        drawings: Vec<PathBuf>,
    },
    /// By its name; why it cannot be read is an error that was told at once.
    Unreadable(String),
}

/// What is in a file.
pub(crate) struct FileStatistics {
    pub(crate) file: String,
    pub(crate) stats: Stats,
}

/// Planted bugs, and what modes give up, in the same form.
pub(crate) struct Selftest<'a> {
    pub(crate) exit: Exit,
    pub(crate) bugs: &'a [Caught],
    pub(crate) shows: &'a [Caught],
}

/// A certificate that was held against its history.
pub(crate) struct Certificate<'a> {
    pub(crate) exit: Exit,
    pub(crate) verified: Verified<'a>,
}

pub(crate) enum Verified<'a> {
    AboutAnotherFile,
    /// Each claim with what became of it.
    Claims(&'a [(&'a certificate::Claim, certificate::Outcome)]),
}

/// How the client of a system kept its contract.
pub(crate) struct Client<'a> {
    pub(crate) exit: Exit,
    pub(crate) tried: &'a [Tried],
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::judge::outcome::{AnomalyReport, Outcome};
    use crate::judge::verdict::VerdictKind;

    /// Runs of which nothing was expected beside what their modes promise.
    pub(crate) fn report_of(runs: &[RunOutcome]) -> RunsReport<'_> {
        let (exit, purpose) = (Exit::Violation, Purpose::Suites);
        RunsReport { exit, runs, missed: &[], expectations: &[], again: "", purpose }
    }

    /// A run that broke its promise by a stale read.
    pub(crate) fn violated_example(seed: u64) -> RunOutcome {
        let mut run = RunOutcome { seed, outcome: Outcome::Violation, ..RunOutcome::complete_example() };
        run.verdicts[0].verdict = VerdictKind::Invalid;
        let history = explain::tests::stale_history();
        let anomaly = explain::tests::stale_anomaly();
        let explanation = explain::anomaly(&history, "history.jsonl", &anomaly, None);
        run.verdicts[0].anomalies.push(AnomalyReport::proved(&history, &anomaly, explanation));
        run
    }

    /// The same with a folder that holds its history.
    pub(crate) fn stored_example(folder: &Path) -> RunOutcome {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("history.jsonl"), explain::tests::STALE).unwrap();
        RunOutcome { dir: folder.display().to_string(), ..violated_example(7) }
    }
}
