//! What came of one file, before it is told.

use checkers::{Finding, Linearization};
use histories::read::Format;
use histories::{History, ModelName};

/// A file that was read and checked.
pub(super) struct Checked {
    pub(super) file: String,
    pub(super) history: History,
    pub(super) findings: Vec<Finding>,
    /// Models that must hold; empty to describe only.
    pub(super) demands: Vec<ModelName>,
    /// Where they were asked for, for each key of what is linearizable.
    pub(super) linearizations: Vec<Linearization>,
    /// The least sets of session guarantees that are violated, where the guarantees were looked at and one by one do not
    /// tell it.
    pub(super) guarantees: Option<Vec<Vec<ModelName>>>,
    /// Options that a person may have forgotten.
    pub(super) hints: Vec<String>,
    /// The command that made the history, where its folder knows.
    pub(super) reproduce: Option<String>,
}

impl Checked {
    pub(super) fn format(&self) -> &'static str {
        self.history.format().map_or("none", Format::name)
    }
}
