//! A run as data: what `env.json` holds of it, and a run from that again. Whatever decides what a run does is in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nemesis::Layout;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use systems::Routing;

use crate::cli::quantity::BudgetLimits;
use crate::load::script::Script;
use crate::plan::catalogue::Catalogue;
use crate::plan::spec::{RunSpec, StageName};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Recipe {
    suite: String,
    system: String,
    mode: String,
    options: Vec<String>,
    workload: String,
    faults: Vec<String>,
    datacentres: u16,
    nodes: u16,
    clients: u32,
    rate: Option<f64>,
    #[serde(default)]
    keys: Option<u16>,
    time_ms: u64,
    operations_max: Option<u64>,
    routing: String,
    deadline_ms: u64,
    seed: u64,
    #[serde(default = "live")]
    stage: String,
    #[serde(default)]
    liveness: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    script: Option<Arc<Script>>,
}

fn live() -> String {
    StageName::Live.name().to_owned()
}

impl RunSpec {
    fn recipe(&self) -> Recipe {
        let routing = match self.routing {
            Routing::Sticky => "sticky",
            Routing::Roam => "roam",
        };
        Recipe {
            suite: self.suite.clone(),
            system: self.system.name().to_owned(),
            mode: self.mode.name.clone(),
            options: self.mode.options.iter().map(|(key, value)| format!("{key}={value}")).collect(),
            workload: self.workload.clone(),
            faults: self.faults.clone(),
            datacentres: self.layout.datacentres,
            nodes: self.layout.nodes_each,
            clients: self.clients,
            rate: self.rate,
            keys: self.keys,
            time_ms: self.time.as_millis() as u64,
            operations_max: self.operations_max,
            routing: routing.to_owned(),
            deadline_ms: self.deadline.as_millis() as u64,
            seed: self.seed,
            stage: self.stage.name().to_owned(),
            liveness: self.liveness,
            script: self.script.clone(),
        }
    }

    /// As it stands in `env.json`.
    pub(crate) fn configuration(&self) -> serde_json::Value {
        // Maps have text for keys and numbers are finite: it is JSON.
        serde_json::to_value(self.recipe()).unwrap_or_default()
    }

    /// SHA-256 of the configuration: with the version and the seed, which are part of it, it names a simulated history.
    pub(crate) fn digest(&self) -> String {
        let text = format!("{} {}", env!("CARGO_PKG_VERSION"), self.configuration());
        hexadecimal(text.as_bytes())
    }
}

/// A run again from its folder, or from its `env.json`. Its results go to a folder of their own.
pub(crate) fn load(path: &Path, catalogue: &Catalogue, out: PathBuf) -> Result<RunSpec, String> {
    let file = if path.is_dir() { path.join("env.json") } else { path.to_owned() };
    let wrong = |why: String| format!("{}: {why}", file.display());
    let text = std::fs::read_to_string(&file).map_err(|error| {
        wrong(format!("no run can be read there: {error}; a run's folder holds an env.json"))
    })?;
    let whole: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let recipe: Recipe = serde_json::from_value(whole["configuration"].clone())
        .map_err(|error| wrong(format!("it holds no configuration of a run: {error}")))?;
    spec(recipe, catalogue, out).map_err(wrong)
}

fn spec(recipe: Recipe, catalogue: &Catalogue, out: PathBuf) -> Result<RunSpec, String> {
    let system = catalogue.system(Some(&recipe.system))?;
    let budget = BudgetLimits::default();
    let layout = Layout { datacentres: recipe.datacentres, nodes_each: recipe.nodes };
    Ok(RunSpec {
        mode: system.on(&system.mode(&recipe.mode)?, layout)?,
        workload: catalogue.workload(&recipe.workload)?,
        routing: recipe.routing.parse::<crate::cli::options::RoutingName>()?.0,
        stage: recipe.stage.parse()?,
        layout,
        suite: recipe.suite,
        faults: recipe.faults,
        clients: recipe.clients,
        rate: recipe.rate,
        keys: recipe.keys,
        script: recipe.script,
        liveness: recipe.liveness,
        time: Duration::from_millis(recipe.time_ms),
        operations_max: recipe.operations_max,
        deadline: Duration::from_millis(recipe.deadline_ms),
        seed: recipe.seed,
        trace: false,
        out,
        keep: false,
        check_time: budget.time,
        check_memory_bytes: budget.memory_bytes,
        system,
    })
}

/// SHA-256, in hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
