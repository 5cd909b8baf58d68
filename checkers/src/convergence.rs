//! Convergence: whether every replica answers after the heal, and all hold the same.
//!
//! It never asks which value is the right one.
//!
//! Dumps that were invoked once all was quiet form rounds of one dump a node. The last round that was completed
//! decides, and never against replicas that were not given the time to agree; the time to converge is that of the
//! first round since which all agreed.

use std::collections::{BTreeMap, BTreeSet};

use finding::Stopwatch;
use histories::{AnomalyKind, Function, History, Key, KeyId, ModelName, Nanos, Node, OperationId, Value};

use crate::core::final_state::{Quiet, given_up, members};
use crate::core::split_brain::Acknowledgements;
use crate::{Anomaly, Budget, Checker, Convergence, Figures, Finding, Verdict, Witness, words};

/// How many differing keys are told, each as an anomaly of its own.
const ANOMALIES_MAX: usize = 10;

/// Decides [`ModelName::Convergence`] from `dump` operations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Convergent;

impl Checker for Convergent {
    fn name(&self) -> &'static str {
        "convergence"
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::Convergence]
    }

    fn check(&self, history: &History, _budget: &Budget) -> Vec<Finding> {
        let started = Stopwatch::start();
        let (verdict, figures) = decide(history);
        vec![Finding {
            model: ModelName::Convergence,
            verdict,
            method: "dumps",
            figures: Figures { convergence: figures, ..Figures::default() },
            elapsed: started.elapsed(),
        }]
    }
}

fn decide(history: &History) -> (Verdict, Option<Convergence>) {
    let quiet = match Quiet::of(history) {
        Ok(quiet) => quiet,
        Err(why) => return (Verdict::Unknown(why), None),
    };
    let nodes = members(history);
    let mut rounds = rounds(history, quiet);
    if rounds.is_empty() {
        return (Verdict::Unknown("no dump was taken after the last update and the heal".into()), None);
    }
    let unfinished = rounds.pop_if(|round| !round.is_complete(history, &nodes)).unwrap_or_default();
    let Some(last) = rounds.last().filter(|round| round.is_complete(history, &nodes)) else {
        return (Verdict::Unknown("the last round of dumps was not completed".into()), None);
    };
    let given_up = given_up(history, quiet, &last.dumps());
    let still_asked = || Verdict::Unknown("the history ends while replicas were still being asked".into());
    let absent: Vec<Node> = nodes.iter().copied().filter(|&node| !last.answered(history, node)).collect();
    if !absent.is_empty() {
        let silent = absent.into_iter().filter(|&node| !unfinished.answered(history, node));
        let missing: Vec<Anomaly> = silent.map(|node| missing(history, last, node)).collect();
        if missing.is_empty() || !given_up {
            return (still_asked(), None);
        }
        return (Verdict::Invalid(missing), Some(Convergence::default()));
    }
    let sets = set_keys(history);
    let differing = last.differing(history, &sets);
    if !differing.is_empty() && !given_up {
        return (still_asked(), None);
    }
    if !differing.is_empty() {
        let diverged = differing.iter().take(ANOMALIES_MAX).map(|key| diverged(history, last, key, &sets));
        let mut anomalies: Vec<Anomaly> = diverged.collect();
        let split = anomalies.first().and_then(|diverged| split_brain(history, diverged));
        anomalies.splice(..0, split);
        let figures = Convergence { differing_keys: differing.clone(), ..Convergence::default() };
        return (Verdict::Invalid(anomalies), Some(figures));
    }
    let agreed = |round: &&Round| {
        nodes.iter().all(|&node| round.answered(history, node)) && round.differing(history, &sets).is_empty()
    };
    let first = rounds.iter().rev().take_while(agreed).last().unwrap_or(last);
    let after_ms = quiet.since().map(|since| first.completed(history).since(since).as_millis_f64());
    (Verdict::Valid, Some(Convergence { converged: true, after_ms, differing_keys: Vec::new() }))
}

/// One dump a node.
#[derive(Debug, Default)]
struct Round(BTreeMap<Node, OperationId>);

fn rounds(history: &History, quiet: Quiet) -> Vec<Round> {
    let mut rounds: Vec<Round> = Vec::new();
    for (id, op) in history.iter().filter(|(_, op)| op.function == Function::Dump && quiet.is_final(op)) {
        let Some(node) = op.node else { continue };
        match rounds.last_mut() {
            Some(round) if !round.0.contains_key(&node) => {
                round.0.insert(node, id);
            }
            _ => rounds.push(Round(BTreeMap::from([(node, id)]))),
        }
    }
    rounds
}

impl Round {
    fn dumps(&self) -> Vec<OperationId> {
        self.0.values().copied().collect()
    }

    /// Whether every node was asked and each dump came to an end, be it without an answer.
    fn is_complete(&self, history: &History, nodes: &BTreeSet<Node>) -> bool {
        let ended = |node| self.0.get(node).is_some_and(|&id| history.operation(id).has_completion());
        nodes.iter().all(ended)
    }

    fn answered(&self, history: &History, node: Node) -> bool {
        self.0.get(&node).is_some_and(|&id| state(history, id).is_some())
    }

    fn completed(&self, history: &History) -> Nanos {
        self.0.values().map(|&id| history.operation(id).completed).max().unwrap_or_default()
    }

    /// The keys whose values are not the same everywhere.
    fn differing(&self, history: &History, sets: &BTreeSet<Key>) -> Vec<Key> {
        let states: Vec<&BTreeMap<String, Value>> =
            self.0.values().filter_map(|&id| state(history, id)).collect();
        let Some((first, others)) = states.split_first() else { return Vec::new() };
        if others.iter().all(|other| other == first) {
            return Vec::new();
        }
        let names: BTreeSet<&String> = states.iter().flat_map(|state| state.keys()).collect();
        let differs = |name: &String| {
            let key = Key::from(name.as_str());
            let is_set = sets.contains(&key);
            let held: Vec<Option<&Value>> = states.iter().map(|state| state.get(name)).collect();
            let mut values = histories::dumps::shown(&history.header, &held)
                .into_iter()
                .flatten()
                .map(|value| canonical(value, is_set));
            let first = values.next();
            values.any(|other| Some(other) != first).then_some(key)
        };
        names.into_iter().filter_map(differs).collect()
    }
}

fn state(history: &History, dump: OperationId) -> Option<&BTreeMap<String, Value>> {
    let op = history.operation(dump);
    op.reply().as_map().filter(|_| op.is_ok())
}

/// The order of a set's elements means nothing.
fn canonical(value: &Value, is_set: bool) -> Value {
    match value {
        Value::List(items) if is_set => {
            let mut items = items.to_vec();
            items.sort_unstable();
            Value::list(items)
        }
        value => value.clone(),
    }
}

fn set_keys(history: &History) -> BTreeSet<Key> {
    let keys: BTreeSet<KeyId> = history
        .operations()
        .iter()
        .filter(|op| matches!(op.function, Function::Add | Function::Remove))
        .filter_map(|op| op.key)
        .collect();
    keys.into_iter().map(|key| history.key(key).clone()).collect()
}

fn missing(history: &History, round: &Round, node: Node) -> Anomaly {
    let name = history.node_name(node);
    let asked = round.0.get(&node).copied();
    let steps: Vec<_> =
        asked.into_iter().map(|dump| words::completed(history, dump, "got no state")).collect();
    let fact = match asked.and_then(|dump| history.error(dump)) {
        Some(error) => format!("its dump failed: {error}"),
        None => "its dump was not answered".to_owned(),
    };
    Anomaly {
        kind: AnomalyKind::MissingReplica,
        edges: Vec::new(),
        not_rechecked: None,
        summary: format!("{name} did not answer after the faults were healed"),
        key: None,
        witness: Witness { model: ModelName::Convergence, operations: asked.into_iter().collect() },
        steps,
        facts: vec![fact, format!("the replica that is missing: {name}")],
    }
}

fn diverged(history: &History, round: &Round, key: &Key, sets: &BTreeSet<Key>) -> Anomaly {
    let is_set = sets.contains(key);
    let mut holders: BTreeMap<Value, Vec<(Node, OperationId)>> = BTreeMap::new();
    let held: Vec<Option<&Value>> = round
        .0
        .values()
        .map(|&dump| state(history, dump).and_then(|state| state.get(key.as_str())))
        .collect();
    for ((&node, &dump), value) in round.0.iter().zip(histories::dumps::shown(&history.header, &held)) {
        let Some(value) = value else { continue };
        holders.entry(canonical(value, is_set)).or_default().push((node, dump));
    }
    let mut groups: Vec<(&Value, &Vec<(Node, OperationId)>)> = holders.iter().collect();
    groups.sort_by_key(|(_, nodes)| nodes.first().copied());
    let names = |nodes: &[(Node, OperationId)]| {
        nodes.iter().map(|&(node, _)| history.node_name(node)).collect::<Vec<_>>().join(", ")
    };
    let facts = groups.iter().map(|(value, nodes)| format!("{} at {}", short(value), names(nodes))).collect();
    let steps: Vec<_> = groups
        .iter()
        .take(6)
        .map(|(value, nodes)| {
            let note = format!("{} holds {}", history.node_name(nodes[0].0), short(value));
            words::completed(history, nodes[0].1, note)
        })
        .collect();
    Anomaly {
        kind: AnomalyKind::Diverged,
        edges: Vec::new(),
        not_rechecked: None,
        summary: format!("{key} has {} different values after the faults were healed", groups.len()),
        key: history.key_id(key),
        witness: Witness {
            model: ModelName::Convergence,
            operations: steps.iter().map(|step| step.operation).collect(),
        },
        steps,
        facts,
    }
}

/// Why replicas differ, where the system's own words show two leaders at once.
fn split_brain(history: &History, diverged: &Anomaly) -> Option<Anomaly> {
    let overlap = Acknowledgements::of(history).side_by_side(history)?;
    let summary = format!("two leaders at once: {}, and their replicas differ", overlap.fact);
    let steps = overlap.steps.into_iter().chain(diverged.steps.iter().cloned()).collect();
    Some(Anomaly { kind: AnomalyKind::SplitBrain, summary, steps, ..diverged.clone() })
}

/// A long list by its length only.
fn short(value: &Value) -> String {
    match value.as_list() {
        Some(items) if items.len() > 8 => words::count(items.len(), "element"),
        _ => value.to_string(),
    }
}
