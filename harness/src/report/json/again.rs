//! The JSON of what is done to a run again: `shrink` and `replay`.

use std::path::Path;

use histories::{AnomalyKind, ModelName};
use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use crate::judge::outcome::RunOutcome;
use crate::judge::verdict::Violation;
use crate::report::replayed::{Compared, Replayed};
use crate::report::shrunk::{Shrunk, Size, SmallerHistory, SmallerRun};
use crate::report::terminal;

/// Of `shrink`.
#[derive(JsonSchema, Serialize)]
pub(crate) struct ShrunkReport<'a> {
    /// The version of the program.
    partita: &'static str,
    /// The exit code.
    exit: u8,
    came_to: CameTo<'a>,
}

/// What shrinking came to.
#[derive(JsonSchema, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
enum CameTo<'a> {
    /// Nothing is violated.
    Nothing { file: String },
    /// Nothing is known to be violated.
    Undecided { file: String, why: &'a str },
    /// A smaller run.
    Run {
        #[schemars(with = "RunOutcome")]
        run: &'a RunOutcome,
        /// What is violated.
        model: &'static str,
        /// How the larger run violated it.
        anomaly: Option<&'static str>,
        before: Size,
        after: Size,
        /// How many smaller runs were tried.
        trials: u64,
        /// Shows the smaller run.
        command: &'a str,
    },
    /// A part of a history.
    History {
        file: String,
        model: &'static str,
        anomaly: &'static str,
        /// Operations.
        before: usize,
        /// Operations.
        after: usize,
        /// Shows the part.
        command: String,
    },
}

impl<'a> From<&Shrunk<'a>> for ShrunkReport<'a> {
    fn from(shrunk: &Shrunk<'a>) -> Self {
        let shown = |path: &Path| path.display().to_string();
        let came_to = match shrunk {
            Shrunk::RunHolds(path) | Shrunk::HistoryHolds(path) => CameTo::Nothing { file: shown(path) },
            Shrunk::Undecided { history, why } => CameTo::Undecided { file: shown(history), why },
            &Shrunk::Run(SmallerRun { outcome, subject, violation, before, after, trials, command }) => {
                let (model, anomaly) = (subject.name(), violation.map(Violation::name));
                CameTo::Run { run: outcome, model, anomaly, before, after, trials, command }
            }
            Shrunk::History(smaller) => {
                let &SmallerHistory { model, anomaly, before, after, file } = smaller;
                let (model, anomaly) = (ModelName::name(model), AnomalyKind::name(anomaly));
                let command = smaller.command();
                CameTo::History { file: shown(file), model, anomaly, before, after, command }
            }
        };
        Self { partita: VERSION, exit: shrunk.exit().code(), came_to }
    }
}

/// Of `replay`.
#[derive(JsonSchema, Serialize)]
pub(crate) struct ReplayedReport<'a> {
    /// The version of the program.
    partita: &'static str,
    /// The exit code.
    exit: u8,
    #[schemars(with = "RunOutcome")]
    run: &'a RunOutcome,
    /// Of the file `history.jsonl`.
    history_sha256: &'a str,
    /// The history beside that of the earlier run; null where they need not be the same.
    compared: Option<ComparedReport<'a>>,
    trace: Option<TraceReport>,
}

#[derive(JsonSchema, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
enum ComparedReport<'a> {
    /// The same, to the byte.
    Same,
    Another {
        /// The first that differs, from 1.
        line: usize,
        why: String,
    },
    /// There is no earlier history.
    Nothing { why: &'a str },
}

#[derive(JsonSchema, Serialize)]
struct TraceReport {
    log: String,
    drawing: String,
}

impl<'a> From<&'a Replayed<'a>> for ReplayedReport<'a> {
    fn from(replayed: &'a Replayed<'a>) -> Self {
        let compared = replayed.compared.as_ref().map(|compared| match compared {
            Compared::Same => ComparedReport::Same,
            Compared::Another { line, why } => {
                ComparedReport::Another { line: *line, why: terminal::difference(why) }
            }
            Compared::Nothing(why) => ComparedReport::Nothing { why },
        });
        let trace = replayed.trace.as_ref().map(|trace| TraceReport {
            log: trace.log.display().to_string(),
            drawing: trace.drawing.display().to_string(),
        });
        Self {
            partita: VERSION,
            exit: replayed.exit.code(),
            run: replayed.outcome,
            history_sha256: &replayed.history_sha256,
            compared,
            trace,
        }
    }
}
