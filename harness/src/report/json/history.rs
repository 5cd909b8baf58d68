//! The JSON of `check`: one object a file, one line each.
//!
//! Fields are only ever added.

use histories::{ModelName, Order};
use schemars::JsonSchema;
use serde::Serialize;

use crate::judge::checked::{Checked, OrderOfKey};
use crate::judge::outcome::{StalenessReport, VerdictReport};

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
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    #[schemars(with = "Vec<String>")]
    warnings: &'a [String],
    /// Options that may have been forgotten.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    #[schemars(with = "Vec<String>")]
    hints: &'a [String],
    #[schemars(with = "Vec<VerdictReport>")]
    verdicts: &'a [VerdictReport],
    strongest: Vec<&'static str>,
    weakest_violated: Vec<&'static str>,
    undecided: Vec<&'static str>,
    /// The least sets of session guarantees that are violated, where several together are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    guarantees: Vec<Vec<&'static str>>,
    #[schemars(with = "Option<StalenessReport>")]
    staleness: Option<&'a StalenessReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    linearizations: Vec<LinearizationReport<'a>>,
}

/// One key's order.
#[derive(JsonSchema, Serialize)]
struct LinearizationReport<'a> {
    key: Option<&'a str>,
    /// Indices of the invocations, in the order of the moments at which the operations took effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Vec<u32>>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

impl<'a> From<&'a Checked> for FileReport<'a> {
    fn from(checked: &'a Checked) -> Self {
        Self {
            file: &checked.file,
            format: checked.format,
            operations: checked.operations,
            events: checked.events,
            keys: checked.keys,
            processes: checked.processes,
            truncated: checked.cut_off.is_some(),
            order: checked.order,
            warnings: &checked.warnings,
            hints: &checked.hints,
            verdicts: &checked.verdicts,
            strongest: names(&checked.summary.strongest),
            weakest_violated: names(&checked.summary.weakest_violated),
            undecided: names(&checked.summary.undecided),
            guarantees: checked.guarantees.iter().map(|set| names(set)).collect(),
            staleness: checked.staleness.as_ref(),
            linearizations: checked.linearizations.iter().map(LinearizationReport::from).collect(),
        }
    }
}

impl<'a> From<&'a OrderOfKey> for LinearizationReport<'a> {
    fn from(found: &'a OrderOfKey) -> Self {
        let order = found.order.as_ref();
        Self {
            key: found.key.as_deref(),
            order: order.ok().map(|placed| placed.iter().map(|operation| operation.event).collect()),
            why: order.err().map(String::as_str),
        }
    }
}

fn names(models: &[ModelName]) -> Vec<&'static str> {
    models.iter().map(|model| model.name()).collect()
}
