//! A counterexample as it stands in reports: its operations, what orders them and why, and how a person reads it.
//!
//! Words are made by [`crate::report::explain`].

use checkers::{Anomaly, EdgeReason, ProofEdge, Side, Step};
use histories::{History, Operation, OperationId, Outcome, printable};
use schemars::JsonSchema;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::verdict::Violation;

/// Why something was violated.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct AnomalyReport {
    #[schemars(with = "String")]
    pub kind: Violation,
    pub summary: String,
    /// Indices of events.
    pub events: Vec<u32>,
    /// Lines of the file, from 1.
    pub lines: Vec<u32>,
    /// The key that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The operations that prove it, in the order of their invocations.
    pub operations: Vec<OperationReport>,
    /// The same in the order of the telling.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepReport>,
    /// Which of them come before which: a cycle, where the proof is one.
    pub edges: Vec<EdgeReport>,
    /// The contradiction in words, one fact each.
    pub facts: Vec<String>,
    /// Why the independent re-check did not decide whether this is a proof; absent where it confirmed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_rechecked: Option<String>,
    /// The faults that it has to do with: places among the history's fault windows, which begin one after the other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<usize>,
    /// The explanation as a person reads it, without colour.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub explanation: String,
}

/// One operation of a counterexample.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct OperationReport {
    /// Index of its invocation among the events.
    pub event: u32,
    /// The line of its invocation, from 1, where the history came from a file.
    pub line: Option<u32>,
    pub client: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// `ok`, `fail` or `info`.
    #[serde(serialize_with = "by_name")]
    #[schemars(with = "String", extend("enum" = ["ok", "fail", "info"]))]
    pub outcome: Outcome,
    pub f: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What was asked and answered, `read x -> 3`; long values are cut.
    pub text: String,
    /// Since the start of the run.
    pub invoked_ms: f64,
    /// `None` where no completion was recorded.
    pub completed_ms: Option<f64>,
    /// What it proves, a few words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// An operation where its turn is in the telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct StepReport {
    /// Its place in the counterexample's list of operations, from 0.
    pub operation: usize,
    /// Whether its completion matters here, or its invocation.
    pub completed: bool,
}

/// One operation of a counterexample comes before another. `from` and `to` are places in its list of operations, from 0.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct EdgeReport {
    pub from: usize,
    pub to: usize,
    /// In JSON `kind`, and `key` where it is of one.
    #[serde(flatten, serialize_with = "by_kind_and_key")]
    #[schemars(with = "KindAndKey")]
    pub why: EdgeReason,
    /// The same in words.
    pub reason: String,
}

/// An operation, to be told in words.
pub(crate) struct Told<'a> {
    pub(crate) history: &'a History,
    pub(crate) operation: &'a Operation,
}

/// The same in columns, where several stand below each other.
pub(crate) struct ToldAction<'a> {
    pub(crate) history: &'a History,
    pub(crate) operation: &'a Operation,
}

/// An edge of a proof, to be told in words.
pub(crate) struct ToldEdge<'a> {
    pub(crate) history: &'a History,
    pub(crate) edge: &'a ProofEdge,
}

impl AnomalyReport {
    /// One that no operation proves.
    pub(crate) fn told(kind: Violation, summary: String, explanation: String) -> Self {
        Self {
            kind,
            summary,
            events: Vec::new(),
            lines: Vec::new(),
            key: None,
            operations: Vec::new(),
            steps: Vec::new(),
            edges: Vec::new(),
            facts: Vec::new(),
            not_rechecked: None,
            faults: Vec::new(),
            explanation,
        }
    }

    /// The operations of a proof, and what orders them.
    pub(crate) fn proved(history: &History, anomaly: &Anomaly, explanation: String) -> Self {
        let mut ids: Vec<OperationId> = anomaly.steps.iter().map(|step| step.operation).collect();
        let events = events(history, &ids);
        ids.extend(anomaly.edges.iter().flat_map(|edge| [edge.from, edge.to]));
        ids.sort_unstable();
        ids.dedup();
        let note = |id: OperationId| {
            let mut steps = anomaly.steps.iter().filter(|step| step.operation == id);
            steps.find(|step: &&Step| !step.note.is_empty()).map_or("", |step| step.note.as_str())
        };
        let place = |id: OperationId| ids.binary_search(&id).ok();
        let edge = |edge: &ProofEdge| {
            let (from, to, why) = (place(edge.from)?, place(edge.to)?, edge.reason.clone());
            let reason = printable(&ToldEdge { history, edge }.to_string()).into_owned();
            Some(EdgeReport { from, to, why, reason })
        };
        let step = |step: &Step| {
            let completed = step.side == Side::Completed;
            Some(StepReport { operation: place(step.operation)?, completed })
        };
        Self {
            kind: Violation::Anomaly(anomaly.kind),
            summary: printable(&anomaly.summary).into_owned(),
            lines: events.iter().filter_map(|&event| history.line(event)).collect(),
            events,
            key: anomaly.key.map(|key| history.key(key).to_string()),
            steps: anomaly.steps.iter().filter_map(step).collect(),
            operations: ids.iter().map(|&id| OperationReport::of(history, id, note(id))).collect(),
            edges: anomaly.edges.iter().filter_map(edge).collect(),
            facts: anomaly.facts.iter().map(|fact| printable(fact).into_owned()).collect(),
            not_rechecked: anomaly.not_rechecked.clone(),
            faults: faults(history, anomaly),
            explanation,
        }
    }
}

impl OperationReport {
    pub(crate) fn of(history: &History, id: OperationId, note: &str) -> Self {
        let operation = &*history.as_recorded(id);
        Self {
            event: operation.call_event,
            line: history.line(operation.call_event),
            client: operation.process,
            node: operation.node.map(|node| printable(history.node_name(node)).into_owned()),
            outcome: operation.outcome,
            f: operation.function.name().to_owned(),
            key: operation.key.map(|key| history.key(key).as_str().to_owned()),
            text: printable(&Told { history, operation }.to_string()).into_owned(),
            invoked_ms: operation.invoked.as_millis_f64(),
            completed_ms: operation.has_completion().then(|| operation.completed.as_millis_f64()),
            note: printable(note).into_owned(),
        }
    }
}

/// Which of the history's fault windows an anomaly has to do with.
fn faults(history: &History, anomaly: &Anomaly) -> Vec<usize> {
    let in_force = checkers::fault_in_force(history, anomaly);
    let windows = history.fault_windows();
    (0..windows.len()).filter(|&place| in_force.contains(&windows[place])).collect()
}

/// Of each operation the invocation and, where there is one, the completion.
fn events(history: &History, operations: &[OperationId]) -> Vec<u32> {
    let operations = operations.iter().map(|&id| history.operation(id));
    let ends = |op: &Operation| [Some(op.call_event), op.has_completion().then_some(op.reply_event)];
    let mut events: Vec<u32> = operations.flat_map(ends).flatten().collect();
    events.sort_unstable();
    events.dedup();
    events
}

/// Why one operation comes before another, as it stands in JSON.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its shape is all that counts: the schema is derived from it")]
struct KindAndKey {
    /// `session`, `real-time`, `write-read`, `write-write`, `read-write` or `same-value`.
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
fn by_name<S: Serializer>(outcome: &Outcome, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(outcome.name())
}

fn by_kind_and_key<S: Serializer>(why: &EdgeReason, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("kind", why.name())?;
    match why {
        EdgeReason::Session | EdgeReason::RealTime => {}
        EdgeReason::WriteRead { key, .. }
        | EdgeReason::WriteWrite { key, .. }
        | EdgeReason::ReadWrite { key, .. }
        | EdgeReason::SameValue { key, .. } => map.serialize_entry("key", key)?,
    }
    map.end()
}
