//! The first line of a history: where it comes from and what is demanded of it.

use serde::{Deserialize, Serialize};

use crate::ModelName;

/// The first line of a history file. Every field but the format's version may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format, 1.
    pub partita: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suite: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub system: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mode: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub workload: String,
    /// Names by which events call the nodes, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub started: String,
    /// Models that the system promised to keep in this run: what `check` demands unless told otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demands: Vec<ModelName>,
}

impl Header {
    /// The version of the format that this crate writes.
    pub const VERSION: u32 = 1;
}
