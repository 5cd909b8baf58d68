//! Queues, as a whole: what is enqueued comes out, once, whatever the order.
//!
//! It never calls an element lost while the queue may hold it still: a client must have found the queue empty. Equal
//! elements are told apart by their number: what came out twice must have been put in twice by then.

use std::collections::{BTreeMap, BTreeSet};

use histories::{
    AnomalyKind, Function, History, KeyId, ModelName, Nanos, Operation, OperationId, Outcome, Value,
};

use crate::core::ruling::Ruling;
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
    /// Whether a drain of unknown outcome may have taken any number.
    drains_anything: bool,
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
            (_, Outcome::Info) => self.drains_anything = true,
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
        let mut wrong: BTreeSet<&Value> = BTreeSet::new();
        for (&value, element) in &self.elements {
            ruling.judged += 1;
            if let Some(excess) = element.excess(history, value) {
                ruling.anomalies.push(excess);
                wrong.insert(value);
            }
        }
        if let Some(id) = self.malformed {
            let reply = history.operation(id).reply();
            ruling.undecided.push(format!("{name}: a drain shows {reply}, not what it took"));
            return;
        }
        let left: Vec<(&Element, usize)> = self
            .elements
            .iter()
            .filter(|(value, _)| !wrong.contains(*value))
            .map(|(_, element)| (element, element.missing(history)))
            .filter(|(_, missing)| *missing > 0)
            .collect();
        if left.is_empty() {
            return;
        }
        let missing: usize = left.iter().map(|(_, missing)| missing).sum();
        let empty = self.empty.iter().rev().find(|(invoked, _)| *invoked > self.last_put);
        match empty {
            None => ruling.undecided.push(format!(
                "{name}: {missing} did not come out, and nobody found the queue empty after the last addition"
            )),
            Some(_) if missing <= self.takers || self.drains_anything => {}
            Some(&(_, empty)) => {
                ruling.anomalies.extend(left.iter().map(|(element, _)| lost(history, element, empty)));
            }
        }
    }
}

impl Element {
    /// When it came out, in order.
    fn takes(&self, history: &History) -> Vec<(Nanos, OperationId)> {
        let mut takes: Vec<_> = self.taken.iter().map(|&id| (history.operation(id).completed, id)).collect();
        takes.sort_unstable();
        takes
    }

    /// When it was put in, or may have been, in order.
    fn puts(&self, history: &History) -> Vec<(Nanos, OperationId)> {
        let puts = self.put.iter().chain(&self.maybe_put);
        let mut puts: Vec<_> = puts.map(|&id| (history.operation(id).invoked, id)).collect();
        puts.sort_unstable();
        puts
    }

    /// Why it cannot have come out as often as it did, or as early: of the first so many times that it came out, each asks
    /// for an addition that had begun by then.
    fn excess(&self, history: &History, value: &Value) -> Option<Anomaly> {
        let (takes, puts) = (self.takes(history), self.puts(history));
        let begun = |at: Nanos| puts.partition_point(|&(invoked, _)| invoked <= at);
        let excess = (1..).zip(&takes).find(|&(count, &(completed, _))| begun(completed) < count);
        let (count, &(completed, last)) = excess?;
        let begun = begun(completed);
        let op = history.operation(last);
        let clause = format!("client {} took {value} out", op.process);
        let took = |id: OperationId| words::completed(history, id, format!("took {value} out"));
        let later =
            puts.get(begun).map(|&(_, id)| words::invoked(id, "began to put it in once more only now"));
        let put = puts[..begun].iter().map(|&(_, id)| words::completed(history, id, "put it in"));
        let (kind, summary, fact, steps) = match (puts.is_empty(), self.failed) {
            (true, Some(failed)) => (
                AnomalyKind::AbortedRead,
                format!("{clause}, whose addition had failed"),
                "what fails must never happen",
                vec![words::completed(history, failed, "failed: it never happened"), took(last)],
            ),
            (true, None) => (
                AnomalyKind::PhantomRead,
                format!("{clause}, and nobody ever put it in"),
                "no operation of the history adds it",
                vec![took(last)],
            ),
            _ if begun == 0 => (
                AnomalyKind::FutureRead,
                format!("{clause} before anybody put it in"),
                "it came out before its first addition began",
                std::iter::once(took(last)).chain(later).collect(),
            ),
            _ => (
                AnomalyKind::DuplicateElement,
                match later {
                    Some(_) => {
                        format!(
                            "{value} had come out {} when it had been put in {}",
                            times(count),
                            times(begun)
                        )
                    }
                    None => format!("{value} came out {} and was put in {}", times(count), times(begun)),
                },
                "what is put in once comes out once",
                put.chain(takes[..count].iter().map(|&(_, id)| took(id))).chain(later).collect(),
            ),
        };
        Some(anomaly(kind, summary, op.key, steps, fact))
    }

    /// How many acknowledged additions certainly did not come out, if what came out was as many of them as can be.
    fn missing(&self, history: &History) -> usize {
        let mut put: Vec<Nanos> = self.put.iter().map(|&id| history.operation(id).invoked).collect();
        put.sort_unstable();
        let begun = |at: Nanos| put.partition_point(|&invoked| invoked <= at);
        let came_out = self
            .takes(history)
            .iter()
            .fold(0, |came_out, &(at, _)| begun(at).min(came_out + 1).max(came_out));
        put.len() - came_out
    }
}

/// `once`, `twice`, `3 times`
fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
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
    Anomaly {
        kind,
        summary,
        key,
        steps,
        facts: vec![fact.to_owned()],
        edges: Vec::new(),
        not_rechecked: None,
        witness,
    }
}
