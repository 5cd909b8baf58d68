//! A run as data: what `env.json` holds of it, and a run from that again. Whatever decides what a run does is in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nemesis::Layout;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use systems::lies::{Lie, Telling};
use systems::{Net, Routing, SystemOptions};

use crate::cli::bounds;
use crate::cli::options::Rate;
use crate::cli::quantity::{BudgetLimits, Lengths, Skew, Time};
use crate::load::script::Script;
use crate::load::workloads::Tuning;
use crate::plan::catalogue::Catalogue;
use crate::plan::spec::{OnViolation, RunSpec, StageName, Violations};

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
    #[serde(default, skip_serializing_if = "is_default")]
    tuning: Tuning,
    time_ms: u64,
    operations_max: Option<u64>,
    routing: String,
    deadline_ms: u64,
    seed: u64,
    #[serde(default = "live")]
    stage: String,
    /// Nodes stand in namespaces of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    netns: bool,
    #[serde(default)]
    liveness: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    promises_only: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    script: Option<Arc<Script>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lie: Option<LieRecipe>,
}

/// What the clients of a calibration lied about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LieRecipe {
    name: String,
    rate: f64,
    versions: u16,
}

impl LieRecipe {
    fn of(lie: Lie) -> Self {
        Self { name: lie.kind.name().to_owned(), rate: lie.rate, versions: lie.versions }
    }

    fn checked(self) -> Result<Telling, String> {
        let Self { name, rate, versions } = self;
        Ok(Telling::Lie(Lie {
            kind: bounds::lie(&name)?,
            rate: bounds::lie_rate(rate)?,
            versions: bounds::versions(versions)?,
        }))
    }
}

fn is_default(tuning: &Tuning) -> bool {
    *tuning == Tuning::default()
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
            tuning: self.tuning,
            time_ms: self.time.as_millis() as u64,
            operations_max: self.operations_max,
            routing: routing.to_owned(),
            deadline_ms: self.deadline.as_millis() as u64,
            seed: self.seed,
            stage: self.stage.name().to_owned(),
            netns: self.options.net == Net::Netns,
            liveness: self.liveness,
            promises_only: self.violations == Violations::Promised,
            script: self.script.clone(),
            lie: self.lie().map(LieRecipe::of),
        }
    }

    /// As it stands in `env.json`.
    pub(crate) fn configuration(&self) -> serde_json::Value {
        // Maps have text for keys and numbers are finite: it is JSON.
        serde_json::to_value(self.recipe()).unwrap_or_default()
    }

    /// SHA-256 of the configuration: with the version and the seed, which are part of it, it names a simulated history.
    pub(crate) fn digest(&self) -> String {
        self.digest_of(env!("CARGO_PKG_VERSION"))
    }

    /// The same of another version.
    pub(crate) fn digest_of(&self, version: &str) -> String {
        hexadecimal(format!("{version} {}", self.configuration()).as_bytes())
    }
}

/// What the `env.json` of a run's folder, or a file of that kind, holds.
pub(crate) fn environment(path: &Path) -> Result<serde_json::Value, String> {
    let file = if path.is_dir() { path.join("env.json") } else { path.to_owned() };
    let wrong = |why: String| format!("{}: {why}", file.display());
    let text = std::fs::read_to_string(&file).map_err(|error| {
        wrong(format!("no run can be read there: {error}; a run's folder holds an env.json"))
    })?;
    serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
}

/// A run again from its folder, or from its `env.json`. Its results go to a folder of their own.
pub(crate) fn load(path: &Path, catalogue: &Catalogue, out: PathBuf) -> Result<RunSpec, String> {
    let wrong = |why: String| format!("{}: {why}", path.display());
    let whole = environment(path)?;
    let recipe: Recipe = serde_json::from_value(whole["configuration"].clone())
        .map_err(|error| wrong(format!("it holds no configuration of a run: {error}")))?;
    spec(recipe, catalogue, out).map_err(wrong)
}

fn spec(recipe: Recipe, catalogue: &Catalogue, out: PathBuf) -> Result<RunSpec, String> {
    let system = catalogue.system(Some(&recipe.system))?;
    let budget = BudgetLimits::default();
    let datacentres = bounds::datacentres::check(recipe.datacentres)?;
    let layout = Layout { datacentres, nodes_each: bounds::nodes::check(recipe.nodes)? };
    let rate = Rate(recipe.rate).bounded();
    let time = Time(Duration::from_millis(recipe.time_ms)).bounded();
    bounds::suite_name(&recipe.suite)?;
    if let Some(script) = &recipe.script {
        script.check(layout, recipe.clients)?;
    }
    Ok(RunSpec {
        mode: system.on(&system.mode(&recipe.mode)?, layout)?,
        workload: catalogue.workload(&recipe.workload)?,
        routing: recipe.routing.parse::<crate::cli::options::RoutingName>()?.0,
        stage: recipe.stage.parse()?,
        layout,
        suite: recipe.suite,
        faults: recipe.faults,
        clients: bounds::clients::check(recipe.clients)?,
        rate: rate
            .ok_or_else(|| format!("a rate of {:?} is out of bounds", recipe.rate.unwrap_or_default()))?
            .0,
        keys: recipe.keys.map(bounds::keys::check).transpose()?,
        tuning: checked(recipe.tuning)?,
        script: recipe.script,
        liveness: recipe.liveness,
        telling: recipe.lie.map(LieRecipe::checked).transpose()?,
        on_violation: OnViolation::GoOn,
        violations: if recipe.promises_only { Violations::Promised } else { Violations::Any },
        time: time.map_err(|why| format!("a run of {} ms {why}", recipe.time_ms))?.0,
        operations_max: recipe.operations_max.map(bounds::operations::check).transpose()?,
        deadline: bounds::deadline(Duration::from_millis(recipe.deadline_ms))?,
        seed: recipe.seed,
        trace: false,
        out,
        keep: false,
        check_time: budget.time,
        check_memory_bytes: budget.memory_bytes,
        // Where a program lies is this machine's affair: a file from elsewhere does not say what is to be executed here.
        options: SystemOptions {
            net: if recipe.netns { Net::Netns } else { Net::Proxy },
            ..SystemOptions::default()
        },
        system,
    })
}

/// What a recipe says of its workload, within the bounds of the command line.
fn checked(tuning: Tuning) -> Result<Tuning, String> {
    if let Some((least, most)) = tuning.txn_length {
        Lengths(least, most).bounded()?;
    }
    tuning.key_skew.map(|skew| Skew(skew).bounded()).transpose()?;
    tuning.writes_per_key.map(bounds::writes_per_key::check).transpose()?;
    tuning.accounts.map(bounds::accounts::check).transpose()?;
    tuning.total_amount.map(bounds::total_amount::check).transpose()?;
    Ok(tuning)
}

/// SHA-256, in hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::options::Options;

    fn recipe() -> serde_json::Value {
        let catalogue = Catalogue::with(PathBuf::from("partita"), &[]);
        let options = Options {
            mode: Some("single/quorum".parse().unwrap()),
            workload: Some("set".parse().unwrap()),
            ..Options::default()
        };
        crate::plan::specs("own", &options, &catalogue, 7, &|_| Vec::new()).unwrap()[0].configuration()
    }

    fn read(recipe: serde_json::Value) -> Result<RunSpec, String> {
        let recipe = serde_json::from_value(recipe).map_err(|error| error.to_string())?;
        spec(recipe, &Catalogue::with(PathBuf::from("partita"), &[]), PathBuf::from("runs"))
    }

    #[test]
    fn a_recipe_is_read_back_as_it_was_written() {
        assert_eq!(read(recipe()).map(|spec| spec.configuration()), Ok(recipe()));
    }

    #[test]
    fn a_recipe_has_the_bounds_of_the_command_line() {
        let operation = |thread: u32, node: &str| {
            serde_json::json!({"faults": [], "operations": [
                {"at": 1, "thread": thread, "node": node, "f": "read", "key": "x", "value": null}
            ]})
        };
        let refusals: Vec<String> = [
            ("suite", "../../elsewhere".into()),
            ("suite", "latest".into()),
            ("clients", 0.into()),
            ("clients", 1_000_000_000.into()),
            ("nodes", 0.into()),
            ("datacentres", 40.into()),
            ("keys", 0.into()),
            ("rate", (-5).into()),
            ("rate", 1e300.into()),
            ("time_ms", 0.into()),
            ("time_ms", u64::MAX.into()),
            ("deadline_ms", 0.into()),
            ("operations_max", 0.into()),
            ("lie", serde_json::json!({"name": "stale-raed", "rate": 0.1, "versions": 3})),
            ("lie", serde_json::json!({"name": "stale-read", "rate": 2.0, "versions": 3})),
            ("lie", serde_json::json!({"name": "stale-read", "rate": 0.1, "versions": 0})),
            ("script", operation(10, "n1")),
            ("script", operation(0, "n4")),
        ]
        .into_iter()
        .map(|(key, value)| {
            let mut recipe = recipe();
            recipe[key] = value;
            read(recipe).map(|spec| spec.title()).unwrap_err()
        })
        .collect();
        insta::assert_snapshot!(refusals.join("\n"));
        let mut scripted = recipe();
        scripted["script"] = operation(9, "n3");
        assert!(read(scripted).is_ok());
        let mut lying = recipe();
        lying["lie"] = serde_json::json!({"name": "stale-read", "rate": 0.1, "versions": 3});
        assert_eq!(read(lying.clone()).map(|spec| spec.configuration()), Ok(lying));
    }
}
