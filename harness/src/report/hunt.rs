//! What a hunt looked at, as it stands in JSON.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

/// What a hunt came to, beside the run that failed.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct HuntReport {
    pub(crate) first_seed: u64,
    pub(crate) runs: u64,
    pub(crate) operations: u64,
    /// In virtual time, over all runs.
    pub(crate) simulated_ms: u64,
    /// In real time, over all sessions.
    pub(crate) spent_ms: u64,
    pub(crate) inconclusive: u64,
    pub(crate) unknown: u64,
    /// Why so little happened: how many runs for each kind of reason.
    pub(crate) thin: BTreeMap<String, u64>,
    /// Why runs were undecided, some of them.
    pub(crate) doubts: Vec<String>,
    pub(crate) coverage: CoverageReport,
    /// The command of the run on which the harness itself failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<String>,
}

/// Each with the number of runs in which it was seen.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct CoverageReport {
    pub(crate) faults: BTreeMap<String, u64>,
    pub(crate) states: BTreeMap<String, u64>,
    pub(crate) anomalies: BTreeMap<String, u64>,
}
