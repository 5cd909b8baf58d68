//! The page: everything that is to be seen of one or several runs, as one HTML file that needs nothing else.
//!
//! Decides nothing. What a run came to is its own JSON (`results.json`); what is added here is its operations, packed, and
//! what a picture of a finding shows beside its proof. The browser's side is in `assets/`.

mod columns;
mod extras;
mod folder;
pub(crate) mod shell;

use std::collections::{BTreeMap, BTreeSet};

use histories::{AnomalyKind, History, ModelName, OperationId};
use serde::Serialize;
use serde_json::Value;

use self::columns::{Meta, Packed};
use self::extras::{Extra, Told};
use super::hunt::HuntReport;
use super::lag::Lag;
use super::series::Series;
use crate::judge::checking;

pub(crate) use self::folder::Source;

/// Up to so many operations a page holds whole histories.
const OPERATIONS_MAX: usize = 500_000;
/// Beyond, so many before and after each operation of a finding.
const AROUND: u32 = 200;

/// A page in the making.
#[derive(Serialize)]
pub(crate) struct Page {
    partita: &'static str,
    pub(crate) title: String,
    /// `compare` puts modes side by side.
    compares: bool,
    /// Of a hunt: what it looked at, beside the run that it found, if it found one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hunt: Option<HuntReport>,
    /// `partita serve` shows it, beside others.
    pub(crate) served: bool,
    /// Of a run in progress: where news of it come from, as server-sent events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) live: Option<String>,
    models: Vec<Word>,
    anomalies: Vec<Word>,
    runs: Vec<RunPage>,
    /// How many operations more may be held.
    #[serde(skip)]
    room: usize,
    /// Of each run, its packed operations.
    #[serde(skip)]
    blobs: Vec<Option<String>>,
}

#[derive(Serialize)]
struct Word {
    name: &'static str,
    about: &'static str,
}

#[derive(Serialize)]
struct RunPage {
    /// As in `results.json`.
    outcome: Value,
    /// What it ran on and where it lies, by what each is called.
    about: Vec<(&'static str, String)>,
    /// Where its own page is, with all its operations.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// Each model with one that it implies at once, for this history.
    implications: Vec<(ModelName, ModelName)>,
    /// None where there is no history to be read.
    history: Option<Meta>,
    series: Option<Series>,
    lag: Vec<Lag>,
    /// By model, one for each of its anomalies.
    extras: BTreeMap<String, Vec<Extra>>,
}

impl Page {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        let models = ModelName::ALL.iter().map(|model| Word { name: model.name(), about: model.about() });
        let anomalies = AnomalyKind::ALL.iter().map(|kind| Word { name: kind.name(), about: kind.about() });
        Self {
            partita: env!("CARGO_PKG_VERSION"),
            title: title.into(),
            compares: false,
            hunt: None,
            served: false,
            live: None,
            models: models.collect(),
            anomalies: anomalies.collect(),
            runs: Vec::new(),
            room: OPERATIONS_MAX,
            blobs: Vec::new(),
        }
    }

    /// Of modes, or runs, beside each other. Of their histories it holds what is around the findings: the rest is on each
    /// run's own page.
    pub(crate) fn side_by_side(title: impl Into<String>) -> Self {
        Self { compares: true, room: 0, ..Self::new(title) }
    }

    pub(crate) fn add(&mut self, source: Source) {
        let Source { outcome, about, page, history, series, lag } = source;
        let told = Told::of(&outcome);
        let mut extras = BTreeMap::new();
        let mut packed = None;
        if let Some(history) = &history {
            extras = extras::of(history, &told);
            let named: Vec<u32> = extras.values().flatten().flat_map(Extra::events).collect();
            let kept = self.kept(history, &told, &named);
            self.room = self.room.saturating_sub(kept.len());
            packed = Some(columns::pack(history, &kept));
        }
        let (meta, blob) = packed.map(|Packed { meta, blob }| (meta, blob)).unzip();
        self.blobs.push(blob);
        self.runs.push(RunPage {
            outcome,
            about,
            page,
            implications: checking::implications(history.as_ref()),
            history: meta,
            series,
            lag,
            extras,
        });
    }

    /// All operations where there is room for them, else those around the findings, and those that were invoked by the
    /// events that are `named`.
    fn kept(&self, history: &History, told: &Told, named: &[u32]) -> Vec<OperationId> {
        let count = history.operations().len() as u32;
        if count as usize <= self.room {
            return (0..count).map(OperationId).collect();
        }
        let around =
            |id: OperationId| id.0.saturating_sub(AROUND)..id.0.saturating_add(AROUND + 1).min(count);
        let mut kept: BTreeSet<u32> = told.operations(history).flat_map(around).collect();
        kept.extend(named.iter().filter_map(|&event| extras::operation_of(history, event)).map(|id| id.0));
        kept.into_iter().map(OperationId).collect()
    }

    /// The first run alone, as JSON: what a page of a run in progress is sent.
    pub(crate) fn snapshot(&self) -> String {
        let data = serde_json::json!({ "run": self.runs.first(), "columns": self.blobs.first() });
        data.to_string()
    }

    /// The whole file.
    pub(crate) fn render(&self) -> String {
        shell::report(self, &self.blobs)
    }
}

#[cfg(test)]
mod tests;
