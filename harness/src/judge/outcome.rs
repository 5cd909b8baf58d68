//! What came of a run, as data: the JSON contract that reports, comparisons and other people's scripts read.

use std::path::Path;

use histories::ModelName;
use schemars::JsonSchema;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use systems::lies::Observed;

pub use super::anomaly::{AnomalyReport, EdgeReport, OperationReport, StepReport};
use super::evidence::WeakEvidence;
use super::verdict::{AppliedKind, Expected, Subject, VerdictKind};
use crate::plan::faults::FaultName;
use crate::plan::spec::{RunSpec, StageName};
use crate::run::{Note, RunError};

/// One run. Serialised as it stands in `results.json` and in `--report json`; fields are only ever added.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct RunOutcome {
    pub suite: String,
    pub system: String,
    pub mode: String,
    pub workload: String,
    pub faults: Vec<String>,
    pub seed: u64,
    #[schemars(with = "String", extend("enum" = ["live", "sim"]))]
    pub stage: StageName,
    /// The run's folder.
    pub dir: String,
    pub outcome: Outcome,
    /// False where the run was broken off, or goes on still: what is told of it is what was known then.
    pub finished: bool,
    /// Why it is inconclusive or a harness failure; notes on what was dropped or skipped.
    #[serde(serialize_with = "in_words")]
    #[schemars(with = "Vec<String>")]
    pub notes: Vec<Note>,
    #[serde(flatten, serialize_with = "as_data_and_in_words")]
    #[schemars(with = "DataAndWords")]
    pub weak_evidence: Vec<WeakEvidence>,
    pub operations: Operations,
    pub verdicts: Vec<VerdictReport>,
    pub durability: Option<DurabilityReport>,
    pub convergence: Option<ConvergenceReport>,
    /// What concurrent updates came to, where the workload has data types that merge or keep siblings.
    pub conflicts: Option<ConflictsReport>,
    pub availability: Availability,
    /// Share of the answered reads that no leader decided, as far as the system tells who did.
    pub reads_without_leader: Option<f64>,
    pub latency_ms: Latencies,
    pub staleness: Option<StalenessReport>,
    /// For each loss of a leader - of any member where nobody leads - that was followed by an acknowledged write, how
    /// long that took.
    pub failover_ms: Vec<f64>,
    pub fault_windows: Vec<FaultWindowReport>,
    /// Wall time of the workload, the epilogue apart.
    pub elapsed_ms: f64,
    /// What the clients of a calibration were asked, and how often they lied.
    #[serde(skip)]
    pub observed: Option<Observed>,
    /// The command that runs the same again, [`crate::plan::spec::RunSpec::reproduce`].
    pub reproduce: String,
}

/// What is read back of an outcome that an earlier run left in its folder.
#[derive(Debug, Deserialize)]
pub struct StoredRun {
    pub outcome: Outcome,
    #[serde(default = "yes")]
    pub finished: bool,
    pub workload: String,
    pub mode: String,
    pub faults: Vec<String>,
    pub seed: u64,
    #[serde(default)]
    pub reproduce: String,
}

fn yes() -> bool {
    true
}

impl RunOutcome {
    /// A run that has begun, or was broken off for this reason.
    pub fn unfinished(spec: &RunSpec, dir: &Path, why: &str) -> Self {
        Self {
            dir: dir.display().to_string(),
            outcome: Outcome::Inconclusive,
            finished: false,
            ..Self::harness_failure(spec, why)
        }
    }

    /// The outcome of a run that came to its end.
    pub(crate) fn whole(self) -> Result<Self, RunError> {
        if self.finished { Ok(self) } else { Err(RunError::Interrupted) }
    }

    /// Whether a proof was refuted: a bug of ours, which makes nothing of the run certain.
    pub fn has_refuted_proof(&self) -> bool {
        self.verdicts.iter().any(|verdict| verdict.refuted)
    }

    /// Why it is what it is: thin evidence first, then everything else worth a line.
    pub fn reasons(&self) -> Vec<String> {
        let weak = self.weak_evidence.iter().map(ToString::to_string);
        weak.chain(self.notes.iter().map(ToString::to_string)).collect()
    }

    /// What is said of one model, if anything is.
    pub fn verdict_on(&self, subject: impl Into<Subject>) -> Option<&VerdictReport> {
        let subject = subject.into();
        self.verdicts.iter().find(|verdict| verdict.subject == subject)
    }

    /// A run of which nothing came but the reason.
    pub fn harness_failure(spec: &RunSpec, why: impl Into<String>) -> Self {
        Self {
            suite: spec.suite.clone(),
            system: spec.system.name().to_owned(),
            mode: spec.mode.name.clone(),
            workload: spec.workload.clone(),
            faults: spec.faults.clone(),
            seed: spec.seed,
            stage: spec.stage,
            dir: String::new(),
            outcome: Outcome::HarnessFailure,
            finished: true,
            notes: vec![Note::Failed { why: why.into() }],
            weak_evidence: Vec::new(),
            operations: Operations::default(),
            verdicts: Vec::new(),
            durability: None,
            convergence: None,
            conflicts: None,
            availability: Availability::default(),
            reads_without_leader: None,
            latency_ms: Latencies::default(),
            staleness: None,
            failover_ms: Vec::new(),
            fault_windows: Vec::new(),
            elapsed_ms: 0.0,
            observed: None,
            reproduce: spec.reproduce(),
        }
    }

    /// A run with every field filled in: what the JSON can hold.
    pub fn complete_example() -> Self {
        let percentiles = Some(Percentiles { p50: 2.1, p99: 9.8 });
        Self {
            suite: "quick".into(),
            system: "store".into(),
            mode: "single/quorum".into(),
            workload: "register".into(),
            faults: vec!["partition:leader".into(), "kill:leader".into()],
            seed: 7,
            stage: StageName::Live,
            dir: "runs/quick/20260102T030405Z-7".into(),
            outcome: Outcome::Pass,
            finished: true,
            notes: Vec::new(),
            weak_evidence: Vec::new(),
            operations: Operations { ok: 3900, fail: 60, info: 40 },
            verdicts: vec![VerdictReport {
                subject: ModelName::Linearizable.into(),
                verdict: VerdictKind::Valid,
                method: "zones".into(),
                why: None,
                elapsed_ms: 12.5,
                expected: Some(Expected::Valid),
                refuted: false,
                anomalies: Vec::new(),
            }],
            durability: Some(DurabilityReport {
                acknowledged: 1900,
                lost: 0,
                superseded: 1890,
                discarded: 3,
            }),
            convergence: Some(ConvergenceReport {
                converged: true,
                after_ms: Some(210.0),
                differing_keys: Vec::new(),
            }),
            conflicts: Some(ConflictsReport::example()),
            availability: Availability {
                overall: Some(0.975),
                before: Some(1.0),
                during: Some(0.81),
                after: Some(1.0),
                reads: Some(0.98),
                writes: Some(0.97),
                writes_during: Some(0.78),
            },
            reads_without_leader: Some(0.0),
            latency_ms: Latencies { read: percentiles, write: percentiles },
            staleness: Some(StalenessReport {
                gamma_ms: Some(0.0),
                reads: 2000,
                ..StalenessReport::default()
            }),
            failover_ms: vec![1300.0, 1410.5],
            fault_windows: vec![FaultWindowReport {
                fault: FaultName::read("partition:leader"),
                what: "cut n1 | n2,n3".into(),
                from_ms: 3000.0,
                to_ms: Some(6000.0),
                applied: AppliedKind::Installed,
                evidence: "1,204 bytes held back".into(),
            }],
            elapsed_ms: 20_000.0,
            observed: None,
            reproduce: "partita run quick --mode single/quorum --workload register --seed 7".into(),
        }
    }
}

/// How a run came out against what its mode promises, before any `[[expect]]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Pass,
    /// A promise was broken, or an anomaly shown.
    Violation,
    Unknown,
    /// Too little happened to say anything.
    Inconclusive,
    HarnessFailure,
}

impl Outcome {
    pub const ALL: [Self; 5] =
        [Self::Pass, Self::Violation, Self::Unknown, Self::Inconclusive, Self::HarnessFailure];

    /// As it stands in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Violation => "violation",
            Self::Unknown => "unknown",
            Self::Inconclusive => "inconclusive",
            Self::HarnessFailure => "harness-failure",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Operations {
    pub ok: u64,
    pub fail: u64,
    pub info: u64,
}

#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct VerdictReport {
    /// In JSON, the model.
    #[serde(rename = "model")]
    #[schemars(with = "String")]
    pub subject: Subject,
    #[schemars(with = "String", extend("enum" = ["valid", "invalid", "unknown", "not-applicable"]))]
    pub verdict: VerdictKind,
    pub method: String,
    pub why: Option<String>,
    pub elapsed_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("enum" = ["valid", "invalid"]))]
    pub expected: Option<Expected>,
    /// It is unknown because the re-check refuted the proof of a violation, which is a bug of ours.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub refuted: bool,
    pub anomalies: Vec<AnomalyReport>,
}

impl VerdictReport {
    pub fn is(&self, verdict: VerdictKind) -> bool {
        self.verdict == verdict
    }

    /// Whether it follows from another model's verdict.
    pub fn is_implied(&self) -> bool {
        self.method == checkers::IMPLIED
    }

    pub fn is_promised(&self) -> bool {
        self.expected == Some(Expected::Valid)
    }

    /// What was promised, or demanded, and is violated.
    pub fn breaks_a_promise(&self) -> bool {
        self.is_promised() && self.is(VerdictKind::Invalid)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct DurabilityReport {
    pub acknowledged: u64,
    pub lost: u64,
    pub superseded: u64,
    pub discarded: u64,
}

#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct ConvergenceReport {
    pub converged: bool,
    pub after_ms: Option<f64>,
    pub differing_keys: Vec<String>,
}

/// See [`checkers::Conflicts`].
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct ConflictsReport {
    pub updates: u64,
    pub lost: u64,
    pub reappeared: u64,
    pub sibling_reads: u64,
    pub reads: u64,
    pub siblings_max: u64,
}

impl ConflictsReport {
    fn example() -> Self {
        Self { updates: 1200, reads: 1100, sibling_reads: 300, siblings_max: 4, ..Self::default() }
    }
}

/// Share of client operations that were ok, by when they were invoked: before the first fault, while one was in
/// force, after the last. `None` where none was invoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Availability {
    pub overall: Option<f64>,
    pub before: Option<f64>,
    pub during: Option<f64>,
    pub after: Option<f64>,
    pub reads: Option<f64>,
    pub writes: Option<f64>,
    /// Of writes, while a fault was in force.
    #[serde(default)]
    pub writes_during: Option<f64>,
}

/// Latency of operations that were ok.
#[derive(Clone, Copy, Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Latencies {
    pub read: Option<Percentiles>,
    pub write: Option<Percentiles>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Percentiles {
    pub p50: f64,
    pub p99: f64,
}

#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct StalenessReport {
    pub stale_reads: u64,
    pub reads: u64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    pub gamma_ms: Option<f64>,
    pub max_versions: u64,
}

#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct FaultWindowReport {
    #[schemars(with = "String")]
    pub fault: FaultName,
    /// What it did this time, `cut n1 | n2,n3`.
    pub what: String,
    pub from_ms: f64,
    pub to_ms: Option<f64>,
    #[schemars(with = "String", extend("enum" = ["installed", "skipped", "indeterminate"]))]
    pub applied: AppliedKind,
    pub evidence: String,
}

/// Words are made by [`crate::report::words`].
fn in_words<S: Serializer>(notes: &[Note], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(notes.iter().map(ToString::to_string))
}

/// Why a pass would not be convincing, as it stands in JSON.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its shape is all that counts: the schema is derived from it")]
struct DataAndWords {
    /// In sentences.
    thin: Vec<String>,
    /// As data.
    weak_evidence: Vec<WeakEvidence>,
}

/// `thin` for people, `weak_evidence` for machines.
fn as_data_and_in_words<S: Serializer>(weak: &[WeakEvidence], serializer: S) -> Result<S::Ok, S::Error> {
    let words: Vec<String> = weak.iter().map(ToString::to_string).collect();
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("thin", &words)?;
    map.serialize_entry("weak_evidence", weak)?;
    map.end()
}
