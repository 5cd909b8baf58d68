//! What a page is made from: the folder of a run, or a stored history that was checked.

use std::fs;
use std::path::Path;

use histories::History;
use serde_json::Value as Json;

use crate::cli::failure::Failure;
use crate::report::lag::{self, Lag};
use crate::report::series::Series;
use crate::run::RunFolder;

/// One run to be shown.
pub(crate) struct Source {
    /// In the words of `results.json`.
    pub(crate) outcome: Json,
    /// What it ran on and where it lies, by what each is called.
    pub(crate) about: Vec<(&'static str, String)>,
    /// Where its own page is, as an address.
    pub(crate) page: Option<String>,
    pub(crate) history: Option<History>,
    pub(crate) series: Option<Series>,
    pub(crate) lag: Vec<Lag>,
}

impl Source {
    /// Of a history that was checked. `outcome` has the words of `results.json`.
    pub(crate) fn checked(outcome: Json, file: &Path, history: History) -> Self {
        let format = history.format().map_or("none", histories::read::Format::name);
        let about = vec![("file", file.display().to_string()), ("format", format.to_owned())];
        let series = Some(Series::of(&history, may_be_stale(&outcome)));
        Self { outcome, about, page: None, history: Some(history), series, lag: Vec::new() }
    }

    /// What it is called: a run by what it was, a history by its file.
    pub(crate) fn title(&self) -> String {
        let file = self.about.iter().find(|(name, _)| *name == "file");
        file.map_or_else(|| name_of(&self.outcome), |(_, file)| file.clone())
    }

    /// Of a run's folder; `None` where it is none, or holds no results.
    pub(crate) fn folder(folder: &Path) -> Result<Option<Self>, Failure> {
        let results = folder.join("results.json");
        let Ok(text) = fs::read_to_string(&results) else { return Ok(None) };
        let outcome: Json = serde_json::from_str(&text).map_err(|error| {
            Failure::Harness(format!("{}: these are no results of a run: {error}", results.display()))
        })?;
        let path = folder.join(RunFolder::HISTORY);
        let history = match fs::metadata(&path) {
            Ok(file) if file.len() > 0 => Some(histories::read::file(&path)),
            _ => None,
        };
        let history = history.transpose().map_err(|error| Failure::Harness(error.to_string()))?;
        let series = history.as_ref().map(|history| Series::of(history, may_be_stale(&outcome)));
        let lag = lag::read(&folder.join("lag.csv"));
        Ok(Some(Self { outcome, about: about(folder), page: None, history, series, lag }))
    }
}

/// Where a check has counted the stale reads, those need be looked for only if there are any.
fn may_be_stale(outcome: &Json) -> bool {
    outcome["finished"] != false && outcome["staleness"]["stale_reads"] != 0
}

/// Versions and the machine, as `env.json` has them.
fn about(folder: &Path) -> Vec<(&'static str, String)> {
    let text = fs::read_to_string(folder.join("env.json")).unwrap_or_default();
    let environment: Json = serde_json::from_str(&text).unwrap_or_default();
    let word = |value: &Json| match value {
        Json::String(text) if !text.is_empty() => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let found = [
        ("partita", word(&environment["partita"])),
        ("system", word(&environment["system"]["version"])),
        ("kernel", word(&environment["kernel"])),
        ("processors", word(&environment["cpus"])),
    ];
    let mut about: Vec<_> = found.into_iter().filter_map(|(name, word)| Some((name, word?))).collect();
    about.push(("folder", folder.display().to_string()));
    about
}

/// What a run is called, from its results: `register × single/async × kill:leader, seed 7`.
fn name_of(outcome: &Json) -> String {
    let word = |name: &str| outcome[name].as_str().unwrap_or_default().to_owned();
    let faults: Vec<&str> =
        outcome["faults"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let faults = if faults.is_empty() { "no faults".to_owned() } else { faults.join(",") };
    format!("{} × {} × {faults}, seed {}", word("workload"), word("mode"), outcome["seed"])
}
