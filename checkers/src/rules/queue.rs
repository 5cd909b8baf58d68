//! Queues, as a whole: what is enqueued comes out, once, whatever the order.
//!
//! It never calls an element lost while the queue may hold it still: somebody must have found the queue empty.

use std::collections::BTreeMap;

use histories::{
    AnomalyKind, Function, History, KeyId, ModelName, Nanos, Operation, OperationId, Outcome, Value,
};

use super::Ruling;
use crate::{Anomaly, Budget, Step, Witness, words};

pub(super) fn decide(history: &History, _budget: &Budget) -> Ruling {
    let mut queues: BTreeMap<Option<KeyId>, Queue<'_>> = BTreeMap::new();
    for (id, op) in history.iter() {
        if matches!(op.function, Function::Enqueue | Function::Dequeue | Function::Drain) {
            queues.entry(op.key).or_default().add(id, op);
        }
    }
    if queues.is_empty() {
        return Ruling::not_applicable("no operation enqueues or dequeues");
    }
    let mut ruling = Ruling::default();
    for (key, queue) in &queues {
        queue.judge(&mut ruling, history, *key);
    }
    ruling
}

#[derive(Debug, Default)]
struct Element {
    /// Acknowledged, possible and failed additions.
    put: Vec<OperationId>,
    maybe_put: Vec<OperationId>,
    failed: Option<OperationId>,
    /// As often as it came out.
    taken: Vec<OperationId>,
}

#[derive(Debug, Default)]
struct Queue<'h> {
    elements: BTreeMap<&'h Value, Element>,
    /// When the last acknowledged addition was.
    last_put: Nanos,
    /// Who found nothing more, in the order of invocation.
    empty: Vec<(Nanos, OperationId)>,
    /// Dequeues of unknown outcome, each of which may have taken one element.
    takers: usize,
    /// A drain of unknown outcome may have taken any number.
    drainers: usize,
    malformed: Option<OperationId>,
}

impl<'h> Queue<'h> {
    fn add(&mut self, id: OperationId, op: &'h Operation) {
        match (&op.function, op.outcome) {
            (Function::Enqueue, outcome) => {
                let element = self.elements.entry(op.call()).or_default();
                match outcome {
                    Outcome::Ok => {
                        element.put.push(id);
                        self.last_put = self.last_put.max(op.completed);
                    }
                    Outcome::Info => element.maybe_put.push(id),
                    Outcome::Fail => element.failed = Some(id),
                }
            }
            (_, Outcome::Fail) => {}
            (Function::Dequeue, Outcome::Info) => self.takers += 1,
            (_, Outcome::Info) => self.drainers += 1,
            (Function::Dequeue, Outcome::Ok) if op.reply().is_null() => self.empty.push((op.invoked, id)),
            (Function::Dequeue, Outcome::Ok) => self.take(op.reply(), id),
            (_, Outcome::Ok) => match op.reply().as_list() {
                Some(all) => {
                    for value in all {
                        self.take(value, id);
                    }
                    self.empty.push((op.invoked, id));
                }
                None => self.malformed = Some(id),
            },
        }
    }

    fn take(&mut self, value: &'h Value, id: OperationId) {
        self.elements.entry(value).or_default().taken.push(id);
    }

    fn judge(&self, ruling: &mut Ruling, history: &History, key: Option<KeyId>) {
        let name = words::key(history, key);
        if let Some(id) = self.malformed {
            let reply = history.operation(id).reply();
            ruling.undecided.push(format!("{name}: a drain shows {reply}, not what it took"));
            return;
        }
        for (value, element) in &self.elements {
            ruling.judged += 1;
            ruling.anomalies.extend(element.excess(history, value));
        }
        let left: Vec<(&Value, &Element)> = self
            .elements
            .iter()
            .filter(|(_, element)| element.put.len() > element.taken.len())
            .map(|(&value, element)| (value, element))
            .collect();
        if left.is_empty() {
            return;
        }
        let missing: usize = left.iter().map(|(_, element)| element.put.len() - element.taken.len()).sum();
        let empty = self.empty.iter().rev().find(|(invoked, _)| *invoked > self.last_put);
        match empty {
            _ if self.drainers > 0 => ruling.undecided.push(format!(
                "{name}: a drain of unknown outcome may have taken the {missing} that did not come out"
            )),
            None => ruling.undecided.push(format!(
                "{name}: {missing} did not come out, and nobody found the queue empty after the last addition"
            )),
            Some(_) if missing <= self.takers => {}
            Some(&(_, empty)) => {
                ruling.anomalies.extend(left.iter().map(|(_, element)| lost(history, element, empty)));
            }
        }
    }
}

impl Element {
    /// Why it cannot have come out as often as it did, or as early.
    fn excess(&self, history: &History, value: &Value) -> Option<Anomaly> {
        let first = *self.taken.first()?;
        let op = history.operation(first);
        let clause = format!("client {} took {value} out", op.process);
        let additions = || self.put.iter().chain(&self.maybe_put);
        let begun = additions().map(|&id| history.operation(id).invoked).min();
        let took = |id: OperationId| words::completed(history, id, format!("took {value} out"));
        let (kind, summary, fact, steps) = match (begun, self.failed) {
            (None, Some(failed)) => (
                AnomalyKind::AbortedRead,
                format!("{clause}, whose addition had failed"),
                "what fails must never happen",
                vec![words::completed(history, failed, "failed: it never happened"), took(first)],
            ),
            (None, None) => (
                AnomalyKind::PhantomRead,
                format!("{clause}, and nobody ever put it in"),
                "no operation of the history adds it",
                vec![took(first)],
            ),
            _ if self.taken.len() > additions().count() => (
                AnomalyKind::DuplicateElement,
                format!("{value} came out {} times and was put in {}", self.taken.len(), additions().count()),
                "what is put in once comes out once",
                self.taken.iter().map(|&id| took(id)).collect(),
            ),
            (Some(begun), _) if op.completed < begun => (
                AnomalyKind::FutureRead,
                format!("{clause} before anybody put it in"),
                "it came out before its first addition began",
                vec![took(first)],
            ),
            _ => return None,
        };
        Some(anomaly(kind, summary, op.key, steps, fact))
    }
}

fn lost(history: &History, element: &Element, empty: OperationId) -> Anomaly {
    let put = element.put[element.put.len() - 1];
    let summary = format!("{} was acknowledged, and it never came out", words::noun(history, put));
    let steps = vec![
        words::completed(history, put, "was acknowledged"),
        words::invoked(empty, "left nothing in the queue"),
    ];
    let fact = "more elements are missing than dequeues of unknown outcome can have taken";
    anomaly(AnomalyKind::LostWrite, summary, history.operation(put).key, steps, fact)
}

fn anomaly(kind: AnomalyKind, summary: String, key: Option<KeyId>, steps: Vec<Step>, fact: &str) -> Anomaly {
    let operations = steps.iter().map(|step| step.operation).collect();
    let witness = Witness { model: ModelName::Queue, operations };
    Anomaly { kind, summary, key, steps, facts: vec![fact.to_owned()], witness }
}
