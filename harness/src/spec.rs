//! One run, resolved: every question that flags, suites and presets can answer has been answered.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use systems::{Mode, Routing, System};

/// What a run is to do. Made by the command line, carried out by [`crate::run::execute`].
#[derive(Clone)]
pub struct RunSpec {
    /// Name of the suite, also of its folder under `runs/`.
    pub suite: String,
    pub system: Arc<dyn System>,
    pub mode: Mode,
    /// A name that [`crate::workloads::names`] lists.
    pub workload: String,
    /// Each as [`nemesis::parse`] takes it; empty for none.
    pub faults: Vec<String>,
    pub nodes: u16,
    pub clients: u32,
    /// Operations a second over all clients; `None` as fast as they go.
    pub rate: Option<f64>,
    /// How long the workload issues operations, the epilogue apart.
    pub time: Duration,
    /// Ends the workload early after this many operations.
    pub operations_max: Option<u64>,
    pub routing: Routing,
    /// Deadline of each operation.
    pub deadline: Duration,
    pub seed: u64,
    /// Under which `<suite>/<UTC time>-<seed>/` is made.
    pub out: PathBuf,
    /// Keep the nodes' disks after the run.
    pub keep: bool,
    pub check_time: Duration,
    pub check_memory_bytes: usize,
}

impl RunSpec {
    /// `register × single/quorum × kill:leader, seed 7`.
    pub fn title(&self) -> String {
        let faults = if self.faults.is_empty() { "no faults".to_owned() } else { self.faults.join(",") };
        format!("{} × {} × {faults}, seed {}", self.workload, self.mode.name, self.seed)
    }
}
