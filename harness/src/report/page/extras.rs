//! What a picture of a finding shows beside its proof: what every replica held in the end, and the longest order that
//! explains an object up to a violation of linearizability.

use std::collections::BTreeMap;

use checkers::prefix::{Asked, Explained, Kind, Order, explained};
use histories::{Function, History, ModelName, Nanos, Operation, OperationId, Value, printable};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Of a value so many characters are shown.
const VALUE_CHARACTERS_MAX: usize = 80;
/// A replica's list of more elements is counted.
const ELEMENTS_MAX: usize = 6;
/// Of the longest order so many of its last steps are shown, and of another one.
const LONGEST_STEPS_MAX: usize = 200;
const OTHER_STEPS_MAX: usize = 40;
/// So many findings of a model are explained by orders.
const EXPLAINED_MAX: usize = 10;

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
pub(super) fn operation_of(history: &History, event: u32) -> Option<OperationId> {
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
    /// How far the finding's object can be explained, where the finding is that it is not linearizable.
    #[serde(skip_serializing_if = "Option::is_none")]
    explained: Option<ExplainedPage>,
}

impl Extra {
    /// The events that it names: invocations.
    pub(super) fn events(&self) -> impl Iterator<Item = u32> {
        let orders = self.explained.iter().flat_map(|explained| &explained.orders);
        orders.flat_map(|order| order.steps.iter().map(|step| step.event).chain(order.stuck.iter().copied()))
    }
}

#[derive(Clone, Debug, Serialize)]
struct ExplainedPage {
    /// Whether all orders were tried, so that none is longer.
    is_longest: bool,
    /// The longest first.
    orders: Vec<OrderPage>,
}

#[derive(Clone, Debug, Serialize)]
struct OrderPage {
    /// How many operations stand before those that are listed.
    before: usize,
    steps: Vec<StepPage>,
    /// Of operations that could be next by time and contradict the last state, the events by which they were invoked.
    stuck: Vec<u32>,
}

#[derive(Clone, Debug, Serialize)]
struct StepPage {
    /// Index of the event by which it was invoked.
    event: u32,
    /// What the object holds after it.
    state: String,
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
    let of_verdict = |verdict: &ToldVerdict| {
        let mut orders = orders(history, verdict).into_iter();
        let extra = |anomaly: &ToldAnomaly| Extra {
            replicas: replicas(history, &dumps, anomaly),
            explained: orders.next().flatten(),
        };
        (verdict.model.clone(), verdict.anomalies.iter().map(extra).collect::<Vec<_>>())
    };
    told.verdicts.iter().filter(|verdict| !verdict.anomalies.is_empty()).map(of_verdict).collect()
}

/// How far the objects of a verdict's first findings can be explained.
fn orders(history: &History, verdict: &ToldVerdict) -> Vec<Option<ExplainedPage>> {
    if verdict.model != ModelName::Linearizable.name() {
        return Vec::new();
    }
    let asked = verdict.anomalies.iter().take(EXPLAINED_MAX).map(|anomaly| asked(history, anomaly));
    let asked: Vec<Option<Asked>> = asked.collect();
    let answerable: Vec<Asked> = asked.iter().copied().flatten().collect();
    let mut found = explained(history, &answerable).into_iter();
    let pages = asked.iter().map(|asked| asked.and_then(|_| found.next()?));
    pages.map(|found| found.map(|found| ExplainedPage::of(history, &found))).collect()
}

/// Up to where a finding's operations were answered.
fn asked(history: &History, anomaly: &ToldAnomaly) -> Option<Asked> {
    let operations = anomaly.operations.iter().filter_map(|told| operation_of(history, told.event));
    let operations: Vec<&Operation> = operations.map(|id| history.operation(id)).collect();
    let ended = |op: &&Operation| if op.has_completion() { op.completed } else { op.invoked };
    let until: Nanos = operations.iter().map(ended).max()?;
    Some(Asked { key: operations.first()?.key, until })
}

impl ExplainedPage {
    fn of(history: &History, explained: &Explained) -> Self {
        let steps_max = |place| if place == 0 { LONGEST_STEPS_MAX } else { OTHER_STEPS_MAX };
        let orders = explained.orders.iter().enumerate();
        let orders =
            orders.map(|(place, order)| OrderPage::of(history, explained.kind, order, steps_max(place)));
        Self { is_longest: explained.is_longest, orders: orders.collect() }
    }
}

impl OrderPage {
    fn of(history: &History, kind: Kind, order: &Order, steps_max: usize) -> Self {
        let before = order.steps.len().saturating_sub(steps_max);
        let event = |id: OperationId| history.operation(id).call_event;
        let steps = order.steps[before..].iter();
        let steps =
            steps.map(|step| StepPage { event: event(step.operation), state: held(kind, &step.state) });
        let stuck = order.stuck.iter().map(|id| event(*id)).collect();
        Self { before, steps: steps.collect(), stuck }
    }
}

/// What an object holds, in a word or a few.
fn held(kind: Kind, state: &Value) -> String {
    match (kind, state) {
        (Kind::Mutex, Value::Bool(true)) => "held".to_owned(),
        (Kind::Mutex, _) => "free".to_owned(),
        (Kind::Bank, Value::Null) => "not known yet".to_owned(),
        (_, state) => shortened(state),
    }
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
            value: counted(value),
            holds: written.is_some_and(|written| contains(value, written)),
        })
    });
    held.collect()
}

fn contains(value: &Value, written: &Value) -> bool {
    value == written || value.as_list().is_some_and(|elements| elements.contains(written))
}

/// Of many elements it says how many they are: what counts is not among those that a picture has room for.
fn counted(value: &Value) -> String {
    match value.as_list() {
        Some(elements) if elements.len() > ELEMENTS_MAX => format!("{} elements", elements.len()),
        _ => shortened(value),
    }
}

fn shortened(value: &Value) -> String {
    let text = printable(&value.to_string()).into_owned();
    match text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
