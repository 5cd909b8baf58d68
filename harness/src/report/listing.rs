//! What there is to choose from, as data.

use schemars::JsonSchema;
use serde::Serialize;

use crate::judge::outcome::Outcome;

/// The entries of one kind, in the order in which they are told.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
pub(crate) enum Listing {
    Systems(Vec<ListedSystem>),
    Modes(Vec<ListedMode>),
    Suites(Vec<Named>),
    Workloads(Vec<Named>),
    Faults(Vec<ListedFault>),
    Models(Vec<Named>),
    Bugs(Vec<ListedBug>),
    Lies(Vec<ListedLie>),
    Formats(Vec<ListedFormat>),
    Keys(Vec<ListedKey>),
    Figures(Vec<ListedFigure>),
    Runs(Vec<ListedRun>),
    /// What `partita explain` explains.
    Topics(Vec<ListedTopic>),
    /// What `partita synth` can plant.
    Anomalies(Vec<Named>),
}

impl Listing {
    /// As `partita list` is asked for them, where it is.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Systems(_) => "systems",
            Self::Modes(_) => "modes",
            Self::Suites(_) => "suites",
            Self::Workloads(_) => "workloads",
            Self::Faults(_) => "faults",
            Self::Models(_) => "models",
            Self::Bugs(_) => "bugs",
            Self::Lies(_) => "lies",
            Self::Formats(_) => "formats",
            Self::Keys(_) => "keys",
            Self::Figures(_) => "figures",
            Self::Runs(_) => "runs",
            Self::Topics(_) => "topics",
            Self::Anomalies(_) => "anomalies",
        }
    }
}

/// A name, and one line about it.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) about: String,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct ListedSystem {
    pub(crate) name: String,
    /// How many modes it has.
    pub(crate) modes: usize,
    /// The faults that it can have, by their kinds.
    pub(crate) faults: Vec<&'static str>,
    pub(crate) here: Here,
}

/// Whether a system can be started on this machine.
#[derive(JsonSchema, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub(crate) enum Here {
    Bundled,
    Installed {
        program: String,
        /// As the program says itself; null where it does not.
        version: Option<String>,
    },
    Missing {
        /// The command that installs it.
        install: String,
    },
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct ListedMode {
    pub(crate) name: String,
    pub(crate) datacentres: u16,
    /// How many nodes each datacentre has.
    pub(crate) nodes_each: u16,
    /// The models that hold under the faults that it survives.
    pub(crate) promises: Vec<&'static str>,
    pub(crate) gives_up: Vec<GivenUp>,
    pub(crate) about: String,
}

/// A model that a mode violates.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub(crate) struct GivenUp {
    pub(crate) model: &'static str,
    /// The faults that it takes; none where empty.
    pub(crate) under: Vec<String>,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct ListedFault {
    pub(crate) name: String,
    /// As it is written, with its unit where it has one.
    pub(crate) form: String,
    /// What it can be aimed at, the default first.
    pub(crate) aims: Vec<&'static str>,
    pub(crate) about: String,
    /// Of a kind of fault; null for what names an aim or several faults.
    pub(crate) effect: Option<Effect>,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Effect {
    /// What a system has to be able to do.
    pub(crate) needs: &'static str,
    /// What shows that it had an effect.
    pub(crate) shown_by: &'static str,
    pub(crate) at_its_end: &'static str,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct ListedBug {
    pub(crate) name: &'static str,
    /// The families of modes that can have it.
    pub(crate) families: &'static str,
    pub(crate) about: &'static str,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct ListedLie {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// The operations that it is told of.
    pub(crate) functions: Vec<&'static str>,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct ListedFormat {
    pub(crate) name: String,
    pub(crate) uses: FormatUse,
    pub(crate) about: String,
}

/// What a format is for.
#[derive(Clone, Copy, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FormatUse {
    Read,
    ReadAndWrite,
    Write,
    Report,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct ListedKey {
    pub(crate) name: &'static str,
    /// The environment variable that outranks it.
    pub(crate) environment: Option<String>,
    pub(crate) about: String,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct ListedFigure {
    pub(crate) path: &'static str,
    /// What it is compared with.
    pub(crate) is: &'static str,
    /// The words that it can be, where they are known.
    pub(crate) words: Vec<&'static str>,
    pub(crate) about: &'static str,
}

/// A run's folder.
#[derive(JsonSchema, Serialize)]
pub(crate) struct ListedRun {
    pub(crate) folder: String,
    /// What came of it; null where the folder does not tell.
    pub(crate) results: Option<RunSummary>,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct RunSummary {
    /// False where it was broken off; then the outcome is that of what there is.
    pub(crate) finished: bool,
    pub(crate) outcome: Outcome,
    pub(crate) workload: String,
    pub(crate) mode: String,
    pub(crate) faults: Vec<String>,
    pub(crate) seed: u64,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct ListedTopic {
    pub(crate) name: &'static str,
    pub(crate) kind: TopicKind,
    pub(crate) about: &'static str,
}

/// What can be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TopicKind {
    Model,
    Anomaly,
}

impl TopicKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Anomaly => "anomaly",
        }
    }
}
