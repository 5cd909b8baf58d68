//! The JSON of `check`: one object a file, one line each.
//!
//! Fields are only ever added.

use std::collections::BTreeSet;

use histories::{Order, stats};
use schemars::JsonSchema;
use serde::Serialize;

use super::checked::Checked;
use super::linearizations;
use crate::judge;
use crate::judge::checking;
use crate::judge::findings;
use crate::judge::outcome::{StalenessReport, VerdictReport};
use crate::judge::verdict::Expected;

#[derive(JsonSchema, Serialize)]
pub(crate) struct FileReport<'a> {
    file: &'a str,
    format: &'static str,
    operations: usize,
    events: u32,
    keys: usize,
    processes: usize,
    /// The file breaks off in mid-line.
    truncated: bool,
    /// What the real-time order is taken from, `None` where the file tells none.
    order: Option<Order>,
    /// What has to be known of how the file was read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// Options that may have been forgotten.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    #[schemars(with = "Vec<String>")]
    hints: &'a [String],
    verdicts: Vec<VerdictReport>,
    strongest: Vec<&'static str>,
    weakest_violated: Vec<&'static str>,
    undecided: Vec<&'static str>,
    /// The least sets of session guarantees that are violated, where several together are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    guarantees: Vec<Vec<&'static str>>,
    staleness: Option<StalenessReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    linearizations: Vec<linearizations::Report>,
}

/// One line, without its break.
pub(super) fn json(checked: &Checked) -> String {
    let summary = checking::summary(&checked.history, &checked.findings);
    let report = FileReport {
        file: &checked.file,
        format: checked.format(),
        operations: checked.history.operations().len(),
        events: checked.history.event_count(),
        keys: stats::keys(&checked.history),
        processes: processes(checked),
        truncated: checked.history.cut_off().is_some(),
        order: checked.history.timing().order,
        hints: &checked.hints,
        warnings: checked.history.warnings().iter().map(ToString::to_string).collect(),
        verdicts: verdicts(checked),
        strongest: summary.strongest.iter().map(|model| model.name()).collect(),
        weakest_violated: summary.weakest_violated.iter().map(|model| model.name()).collect(),
        undecided: summary.undecided.iter().map(|model| model.name()).collect(),
        guarantees: checked
            .guarantees
            .iter()
            .flatten()
            .map(|set| set.iter().map(|model| model.name()).collect())
            .collect(),
        staleness: staleness(checked),
        linearizations: linearizations::report(&checked.history, &checked.linearizations),
    };
    // Our types have string keys only, so they always serialise.
    serde_json::to_string(&report).unwrap_or_default()
}

pub(super) fn verdicts(checked: &Checked) -> Vec<VerdictReport> {
    let report = |finding: &checkers::Finding| {
        let expected = checked.demands.contains(&finding.model).then_some(Expected::Valid);
        findings::report(&checked.history, &checked.file, finding, expected, checked.reproduce.as_deref())
    };
    let own = judge::own::verdicts(&checked.history);
    checked.findings.iter().map(report).chain(own).collect()
}

pub(super) fn processes(checked: &Checked) -> usize {
    checked.history.operations().iter().map(|operation| operation.process).collect::<BTreeSet<_>>().len()
}

/// How stale reads were, where a checker measured it.
pub(super) fn staleness(checked: &Checked) -> Option<StalenessReport> {
    checked.findings.iter().find_map(|finding| finding.figures.staleness.as_ref()).map(StalenessReport::from)
}
