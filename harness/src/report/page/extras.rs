//! What a picture of a finding shows beside its proof: what every replica held in the end.

use std::collections::BTreeMap;

use histories::{Function, History, Operation, OperationId, Value, printable};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Of a value so many characters are shown.
const VALUE_CHARACTERS_MAX: usize = 80;

/// The findings of a run as far as they have to be understood here, read from its JSON.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Told {
    #[serde(default)]
    verdicts: Vec<ToldVerdict>,
}

#[derive(Debug, Deserialize)]
struct ToldVerdict {
    model: String,
    #[serde(default)]
    anomalies: Vec<ToldAnomaly>,
}

#[derive(Debug, Deserialize)]
struct ToldAnomaly {
    key: Option<String>,
    #[serde(default)]
    events: Vec<u32>,
    #[serde(default)]
    operations: Vec<ToldOperation>,
    #[serde(default)]
    steps: Vec<ToldStep>,
}

#[derive(Debug, Deserialize)]
struct ToldOperation {
    event: u32,
}

#[derive(Debug, Deserialize)]
struct ToldStep {
    operation: usize,
}

impl ToldAnomaly {
    /// The operation with which the telling begins.
    fn first(&self, history: &History) -> Option<OperationId> {
        let operation = self.operations.get(self.steps.first()?.operation)?;
        operation_of(history, operation.event)
    }
}

impl Told {
    /// Nothing where the JSON is of no run.
    pub(super) fn of(outcome: &Json) -> Self {
        Self::deserialize(outcome).unwrap_or_default()
    }

    /// The operations of all findings.
    pub(super) fn operations(&self, history: &History) -> impl Iterator<Item = OperationId> {
        let anomalies = self.verdicts.iter().flat_map(|verdict| &verdict.anomalies);
        anomalies
            .flat_map(|anomaly| &anomaly.events)
            .filter_map(|&event| operation_of(history, event))
            .collect::<Vec<_>>()
            .into_iter()
    }
}

/// The operation that was invoked by this event.
fn operation_of(history: &History, event: u32) -> Option<OperationId> {
    let operations = history.operations();
    let place = operations.binary_search_by_key(&event, |operation| operation.call_event);
    let found = place.ok().or_else(|| operations.iter().position(|operation| operation.call_event == event));
    found.map(|place| OperationId(place as u32))
}

/// What is drawn of a finding beside its proof.
#[derive(Debug, Default, Serialize)]
pub(super) struct Extra {
    /// What each replica held when it was last asked, in the nodes' order; empty where none was, or the finding is about no
    /// key.
    replicas: Vec<Replica>,
}

#[derive(Debug, Serialize)]
struct Replica {
    node: String,
    /// Index of the event by which it was asked.
    event: u32,
    /// What it held under the finding's key.
    value: String,
    /// Whether that is, or contains, what the finding's first operation wrote.
    holds: bool,
}

/// By model, one for each of its anomalies.
pub(super) fn of(history: &History, told: &Told) -> BTreeMap<String, Vec<Extra>> {
    let dumps = last_dumps(history);
    let extra = |anomaly: &ToldAnomaly| Extra { replicas: replicas(history, &dumps, anomaly) };
    let of_verdict = |verdict: &ToldVerdict| {
        (verdict.model.clone(), verdict.anomalies.iter().map(extra).collect::<Vec<_>>())
    };
    told.verdicts.iter().filter(|verdict| !verdict.anomalies.is_empty()).map(of_verdict).collect()
}

/// The last answered dump of each node.
fn last_dumps(history: &History) -> BTreeMap<usize, &Operation> {
    let dumps = history.operations().iter().filter(|op| op.function == Function::Dump && op.is_ok());
    dumps.filter_map(|dump| Some((dump.node?.index(), dump))).collect()
}

fn replicas(history: &History, dumps: &BTreeMap<usize, &Operation>, anomaly: &ToldAnomaly) -> Vec<Replica> {
    let Some(key) = &anomaly.key else { return Vec::new() };
    let written = anomaly.first(history).map(|id| history.operation(id).call());
    let held = dumps.values().filter_map(|dump| {
        let value = dump.reply().as_map()?.get(key.as_str()).unwrap_or(&Value::Null);
        Some(Replica {
            node: printable(history.node_name(dump.node?)).into_owned(),
            event: dump.call_event,
            value: shortened(value),
            holds: written.is_some_and(|written| contains(value, written)),
        })
    });
    held.collect()
}

fn contains(value: &Value, written: &Value) -> bool {
    value == written || value.as_list().is_some_and(|elements| elements.contains(written))
}

fn shortened(value: &Value) -> String {
    let text = printable(&value.to_string()).into_owned();
    match text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
