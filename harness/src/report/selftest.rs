//! What a self-test found, as it stands in JSON.

use schemars::JsonSchema;
use serde::Serialize;

use super::spent::Spent;

/// How one trap did.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Caught {
    /// A bug, or `shows linearizable` for a model that a mode gives up.
    pub(crate) bug: String,
    pub(crate) mode: String,
    pub(crate) workload: String,
    pub(crate) faults: String,
    /// Seeds that were tried, and those that found it.
    pub(crate) seeds: u64,
    pub(crate) found: u64,
    /// Of the first seed that found it, with all before.
    pub(crate) first_after_operations: Option<u64>,
    pub(crate) first_after_seconds: Option<f64>,
    /// Over all finds, each counted from the one before.
    pub(crate) median: Option<Spent>,
    /// Models that were found violated.
    pub(crate) by: Vec<String>,
    pub(crate) reproduce: Option<String>,
    /// Why a cluster with the bug could not even be started, where that happened.
    pub(crate) never_ran: Option<String>,
    /// Runs without the bug that found something.
    pub(crate) false_alarms: Vec<String>,
}

impl Caught {
    pub(crate) fn is_well(&self) -> bool {
        self.found > 0 && self.false_alarms.is_empty()
    }
}
