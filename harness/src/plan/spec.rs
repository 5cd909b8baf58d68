//! One run, resolved: every question that flags, suites and presets can answer has been answered.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nemesis::{Layout, Powers};
use systems::lies::{Lie, Telling};
use systems::{Mode, Net, Routing, System, SystemOptions};

use crate::cli::names::shell_quote;
use crate::cli::options::RoutingName;
use crate::cli::quantity::{Lengths, Time};
pub use crate::cli::stage::StageName;
use crate::load::script::Script;
use crate::load::workloads::Tuning;

/// What makes a run a violation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Violations {
    /// A broken promise, and an anomaly of what the mode gives up.
    #[default]
    Any,
    /// A broken promise: what the mode gives up is let pass.
    Promised,
}

/// What a run does when its history is known to be violated before it has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnViolation {
    #[default]
    GoOn,
    /// Faults are healed, and the run ends without final reads.
    Stop,
    /// The same, once a person has looked at cluster and faults as they are and pressed Ctrl-C.
    Freeze,
}

/// What a run is to do. Made by the command line, carried out by [`crate::judge::execute`].
#[derive(Clone)]
pub struct RunSpec {
    /// Name of the suite, also of its folder under `runs/`.
    pub suite: String,
    pub system: Arc<dyn System>,
    /// What the user says of the system beside its mode.
    pub options: SystemOptions,
    pub mode: Mode,
    /// A name that [`crate::load::workloads::names`] lists.
    pub workload: String,
    /// Each as [`nemesis::parse`] takes it; empty for none.
    pub faults: Vec<String>,
    pub layout: Layout,
    pub clients: u32,
    /// Operations a second over all clients; `None` as fast as they go.
    pub rate: Option<f64>,
    /// Keys in use at a time; as many as the workload likes where `None`.
    pub keys: Option<u16>,
    /// What else is said of the workload.
    pub tuning: Tuning,
    /// Faults, and perhaps operations, at fixed times, in place of those that would be drawn.
    pub script: Option<Arc<Script>>,
    /// Lose a minority once the faults are healed, and require progress of the others.
    pub liveness: bool,
    pub violations: Violations,
    /// Whether clients lie, in a calibration; `None` where nothing stands between them and the system.
    pub telling: Option<Telling>,
    /// What a live run does once a violation is known for good.
    pub on_violation: OnViolation,
    /// Keep a log of everything that happens, where that can be had: in simulation.
    pub trace: bool,
    /// How long the workload issues operations, the epilogue apart.
    pub time: Duration,
    /// Ends the workload early after this many operations.
    pub operations_max: Option<u64>,
    pub routing: Routing,
    /// Deadline of each operation.
    pub deadline: Duration,
    pub seed: u64,
    pub stage: StageName,
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

    /// What the nodes can have done to them.
    pub(crate) fn powers(&self) -> Powers {
        if self.options.endpoints.is_empty() {
            self.stage.powers(self.system.as_ref(), self.options.net)
        } else {
            self.options.remote_powers()
        }
    }

    /// A run without faults is to have none at its end either.
    pub(crate) fn requires_progress(&self) -> bool {
        self.liveness && !self.faults.is_empty()
    }

    fn tuning_flags(&self, flag: &mut impl FnMut(&str, &str)) {
        let Tuning { txn_length, key_skew, writes_per_key, accounts, total_amount, .. } = self.tuning;
        let numbers = [
            ("txn-length", txn_length.map(|(least, most)| Lengths(least, most).to_string())),
            ("key-skew", key_skew.map(|skew| skew.to_string())),
            ("writes-per-key", writes_per_key.map(|writes| writes.to_string())),
            ("accounts", accounts.map(|accounts| accounts.to_string())),
            ("total-amount", total_amount.map(|total| total.to_string())),
        ];
        for (name, value) in numbers {
            if let Some(value) = value {
                flag(name, &value);
            }
        }
    }

    /// The command that runs exactly this again, with nothing left to the environment or a configuration.
    pub fn reproduce(&self) -> String {
        let faults = if self.faults.is_empty() { "none".to_owned() } else { self.faults.join(",") };
        let command = if self.lie().is_some() { "partita calibrate" } else { "partita run" };
        let mut words = vec![command.to_owned()];
        if self.stage == StageName::Sim {
            words.push("--stage sim".to_owned());
        }
        let mut flag = |name: &str, value: &str| words.push(format!("--{name} {}", shell_quote(value)));
        flag("system", self.system.source());
        if let Some(binary) = &self.options.binary {
            flag("binary", &binary.display().to_string());
        }
        if !self.options.endpoints.is_empty() {
            flag("endpoints", &self.options.endpoints.join(","));
        }
        let of_system = self.system.fault_commands();
        if let Some(commands) =
            self.options.fault_commands.as_ref().filter(|told| of_system.as_ref() != Some(*told))
        {
            flag("fault-commands", &commands.source().display().to_string());
        }
        if self.options.net == Net::Netns {
            flag("net", "netns");
        }
        flag("mode", &self.mode.name);
        flag("workload", &self.workload);
        flag("faults", &faults);
        if self.layout.datacentres > 1 {
            flag("datacentres", &self.layout.datacentres.to_string());
        }
        flag("nodes", &self.layout.nodes_each.to_string());
        flag("clients", &self.clients.to_string());
        flag("rate", &self.rate.map_or_else(|| "max".to_owned(), |rate| rate.to_string()));
        if let Some(keys) = self.keys {
            flag("keys", &keys.to_string());
        }
        self.tuning_flags(&mut flag);
        flag("time", &Time(self.time).to_string());
        if let Some(operations) = self.operations_max {
            flag("ops", &operations.to_string());
        }
        flag("routing", &RoutingName(self.routing).to_string());
        if self.tuning.negative_balances {
            words.push("--negative-balances".to_owned());
        }
        if self.liveness != (self.stage == StageName::Sim) {
            words.push(format!("--liveness={}", self.liveness));
        }
        words.push(format!("--seed {}", self.seed));
        if let Some(lie) = self.lie() {
            words.push(format!("--lies {} --lie-rate {}", lie.kind.name(), lie.rate));
            words.push(format!("--versions {} --runs 1", lie.versions));
        }
        words.join(" ")
    }

    /// What its clients lie about.
    pub(crate) fn lie(&self) -> Option<Lie> {
        match self.telling {
            Some(Telling::Lie(lie)) => Some(lie),
            Some(Telling::Truth) | None => None,
        }
    }
}
