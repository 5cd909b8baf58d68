//! Durability: whether what was acknowledged is still there at the end.
//!
//! It never blames a write that the final state may explain: one concurrent with what stands there now is counted
//! as discarded, not as lost.

mod collections;
mod registers;
#[cfg(test)]
mod tests;

use finding::Stopwatch;
use histories::{AnomalyKind, Function, History, KeyId, ModelName, OperationId};

use crate::core::final_state::{FinalState, Seen};
use crate::core::registers::{Beyond, Registers};
use crate::core::split_brain::Acknowledgements;
use crate::words;
use crate::{
    Anomaly, Budget, Checker, Durability as Counts, Exhausted, Figures, Finding, Step, Verdict, Witness,
};

/// How many anomalies a finding lists; the figures count all.
const ANOMALIES_MAX: usize = 10;

/// Decides [`ModelName::Durability`] for registers with unique values, sets and lists.
#[derive(Clone, Copy, Debug, Default)]
pub struct Durable;

impl Checker for Durable {
    fn name(&self) -> &'static str {
        "durability"
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::Durability]
    }

    fn check(&self, history: &History, budget: &Budget) -> Vec<Finding> {
        let started = Stopwatch::start();
        let (verdict, counts) = decide(history, budget);
        vec![Finding {
            model: ModelName::Durability,
            verdict,
            method: "final-state",
            figures: Figures { durability: counts, ..Figures::default() },
            elapsed: started.elapsed(),
        }]
    }
}

fn decide(history: &History, budget: &Budget) -> (Verdict, Option<Counts>) {
    let registers = Registers::of(history);
    let collections = collections::keys(history);
    if registers.groups.is_empty() && collections.is_empty() {
        let why = "no operation writes a register, adds to a set or appends to a list";
        return (Verdict::NotApplicable(why.into()), None);
    }
    let state = match FinalState::of(history) {
        Ok(state) => state,
        Err(why) => return (Verdict::Unknown(why), None),
    };
    let mut tally = Tally { history, counts: Counts::default(), gone: Vec::new(), undecided: Vec::new() };
    for group in &registers.groups {
        match (group.key, group.compile(history, budget)) {
            (key, Ok(register)) => registers::weigh(&mut tally, &state, key, &register),
            (key, Err(Beyond::Mixed(function))) => {
                tally.undecide(key, &format!("also changed by {function}"));
            }
            (key, Err(Beyond::Repeats(_))) => tally.undecide(key, "values repeat"),
            (key, Err(Beyond::Malformed(_))) => {
                tally.undecide(key, "a compare-and-set has no pair [from, to]");
            }
            (key, Err(Beyond::Exhausted)) => tally.undecide(key, &Exhausted.to_string()),
        }
    }
    for key in collections {
        if let Err(exhausted) = budget.check() {
            tally.undecide(key, &exhausted.to_string());
            break;
        }
        collections::weigh(&mut tally, &state, key);
    }
    tally.verdict()
}

/// Something that should be there and is not, or the reverse.
#[derive(Clone, Debug)]
struct Gone {
    kind: AnomalyKind,
    key: Option<KeyId>,
    operation: OperationId,
    /// What a read had shown of it, where its own reply does not say that it happened.
    shown: Option<OperationId>,
    now: Seen,
}

/// What is found on the way.
struct Tally<'h> {
    history: &'h History,
    counts: Counts,
    gone: Vec<Gone>,
    undecided: Vec<String>,
}

impl Tally<'_> {
    fn undecide(&mut self, key: Option<KeyId>, why: &str) {
        self.undecided.push(format!("{}: {why}", words::key(self.history, key)));
    }

    fn verdict(mut self) -> (Verdict, Option<Counts>) {
        let counts = Some(self.counts.clone());
        if !self.gone.is_empty() {
            self.gone.sort_by_key(|gone| gone.operation);
            self.gone.truncate(ANOMALIES_MAX);
            let acknowledgements = Acknowledgements::of(self.history);
            let anomalies = self.gone.iter().map(|gone| anomaly(self.history, gone, &acknowledgements));
            return (Verdict::Invalid(anomalies.collect()), counts);
        }
        if let Some(first) = self.undecided.first() {
            let number = words::count(self.undecided.len(), "key");
            return (Verdict::Unknown(format!("{number} undecided: {first}")), counts);
        }
        if self.counts.acknowledged == 0 {
            return (Verdict::Unknown("no write was acknowledged".into()), counts);
        }
        (Verdict::Valid, counts)
    }
}

fn anomaly(history: &History, gone: &Gone, acknowledgements: &Acknowledgements) -> Anomaly {
    if gone.kind == AnomalyKind::PhantomRead {
        return phantom(history, gone);
    }
    let Gone { kind, key, operation, shown, now } = gone;
    let noun = words::noun(history, *operation);
    let stands = stands(history, *key, now);
    let mut facts = Vec::new();
    let (mut kind, summary) = match kind {
        AnomalyKind::Revived => {
            (*kind, format!("{noun} failed, and yet its value is in the final state: {stands}"))
        }
        AnomalyKind::Resurrected => {
            (*kind, format!("{noun} was seen to take effect, and then undone: {stands}"))
        }
        _ if shown.is_some() => (*kind, format!("{noun} was seen to take effect and is gone: {stands}")),
        _ => (*kind, format!("{noun} was acknowledged and is gone: {stands}")),
    };
    let mut steps: Vec<Step> = vec![words::completed(history, *operation, told(kind, *shown))];
    steps.extend(shown.map(|shown| words::completed(history, shown, "showed that it took effect")));
    if kind == AnomalyKind::LostWrite
        && let Some(overlap) = acknowledgements.overlap(history, *operation)
    {
        kind = AnomalyKind::SplitBrain;
        facts.push(overlap.fact);
        steps.extend(overlap.steps);
    }
    steps.push(words::completed(history, now.operation, "shows what stands there now"));
    facts.push(reason(history, kind, *operation, now));
    let operations = steps.iter().map(|step| step.operation).collect();
    Anomaly {
        kind,
        edges: Vec::new(),
        not_rechecked: None,
        summary,
        key: *key,
        steps,
        facts,
        witness: Witness { model: ModelName::Durability, operations },
    }
}

/// An element, or a register's value, that came from nowhere; it is the value of `now`.
fn phantom(history: &History, gone: &Gone) -> Anomaly {
    let is_collection = |op: &histories::Operation| {
        op.key == gone.key && matches!(op.function, Function::Add | Function::Append | Function::Remove)
    };
    let grows = history.operations().iter().any(is_collection);
    let (added, adds) = if grows { ("added", "adds") } else { ("wrote", "writes") };
    let (name, element) = (words::key(history, gone.key), &gone.now.value);
    let op = history.operation(gone.operation);
    let place = op.node.map(|node| format!(" at {}", history.node_name(node))).unwrap_or_default();
    Anomaly {
        kind: AnomalyKind::PhantomRead,
        edges: Vec::new(),
        not_rechecked: None,
        summary: format!("{name} holds {element}{place} now, and nobody ever {added} it"),
        key: gone.key,
        steps: vec![words::completed(history, gone.operation, format!("shows {element}"))],
        facts: vec![format!("no operation of the history {adds} {element} to {name}")],
        witness: Witness { model: ModelName::Durability, operations: vec![gone.operation] },
    }
}

fn told(kind: AnomalyKind, shown: Option<OperationId>) -> &'static str {
    match kind {
        AnomalyKind::Revived => "failed: it never happened",
        _ if shown.is_some() => "took effect",
        _ => "was acknowledged",
    }
}

/// `x = 3 at n2 now`, or how large a collection is.
fn stands(history: &History, key: Option<KeyId>, now: &Seen) -> String {
    let op = history.operation(now.operation);
    let place = match (&op.function, op.node) {
        (Function::Dump, Some(node)) => format!(" at {}", history.node_name(node)),
        _ => String::new(),
    };
    let name = words::key(history, key);
    match &history.value_as_recorded(&now.value) {
        histories::Value::Null => format!("{name} is absent{place} now"),
        histories::Value::List(items) => {
            format!("{name} has {}{place} now", words::count(items.len(), "element"))
        }
        value => format!("{name} = {value}{place} now"),
    }
}

/// Why what stands there now does not explain a write.
fn reason(history: &History, kind: AnomalyKind, gone: OperationId, now: &Seen) -> String {
    let op = history.operation(gone);
    match kind {
        AnomalyKind::Revived => "what fails must never happen".into(),
        AnomalyKind::Resurrected if op.function == Function::Remove => {
            "every addition of it had ended before the removal began".into()
        }
        _ if now.value.is_null() => match history.value_as_recorded(&now.value) {
            histories::Value::Null => "no final observation shows a value at all".into(),
            first => format!("no final observation shows anything but {first}, which stood there at first"),
        },
        _ if matches!(op.function, Function::Add | Function::Append) => {
            "no final observation holds the element, and nobody tried to remove it".into()
        }
        _ => {
            let value = history.value_as_recorded(&now.value);
            format!("{value} was in force before {} began", words::short(history, gone))
        }
    }
}
