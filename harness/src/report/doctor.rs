//! What `doctor` found, as it stands in JSON.

use schemars::JsonSchema;
use serde::Serialize;

/// What `--json` prints.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Diagnosis {
    pub(crate) means: Vec<Means>,
    pub(crate) leftovers: Leftovers,
}

/// A way to carry faults out.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Means {
    pub(crate) name: &'static str,
    /// Whether nodes that are simulated are all that it is for.
    #[serde(skip)]
    pub(crate) simulated: bool,
    /// Whether this machine can do it.
    pub(crate) here: bool,
    /// The faults that it carries out.
    pub(crate) faults: Vec<&'static str>,
    /// What is missing, where it cannot be had.
    pub(crate) why: Option<String>,
    /// What brings it.
    pub(crate) remedy: Option<String>,
}

/// What harnesses have left that were killed.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Leftovers {
    /// Whether they were removed.
    pub(crate) removed: bool,
    pub(crate) processes: Vec<LeftProcess>,
    /// Folders that were removed.
    pub(crate) folders: Vec<String>,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct LeftProcess {
    pub(crate) process: u32,
    pub(crate) command: String,
}
