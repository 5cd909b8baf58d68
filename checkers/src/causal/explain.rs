//! Proofs in words: what each operation did, why each comes before the next, and the contradiction.
//!
//! It never looks at the whole graph, only at the part that a proof was cut down to.

use std::borrow::Cow;

use histories::{AnomalyKind, Function, ModelName, OperationId, Value};

use super::columns::{Columns, Flaw, FlawKind, NONE};
use super::compile::Compiled;
use super::order::Edge;
use super::proof::{Core, Proof};
use super::shortest::{Reason, Step};
use crate::core::accesses::{self, Access};
use crate::core::keys::Names;
use crate::{Anomaly, EdgeReason, ProofEdge, Witness, words};

/// A read that no order of transactions explains.
pub(crate) fn flaw(compiled: &Compiled<'_>, flaw: &Flaw, model: ModelName) -> Anomaly {
    let history = compiled.names.history;
    let op = &*history.as_recorded(flaw.operation);
    let (key, value) = accesses::nth(op, flaw.access).map_or_else(
        || (words::key(history, op.key), Cow::Owned(Value::Null)),
        |(target, value)| (target.text(history), value),
    );
    let read = format!("client {} read {key} = {value}", op.process);
    let (kind, summary, fact, other) = match flaw.kind {
        FlawKind::ThinAir => (
            AnomalyKind::PhantomRead,
            format!("{read}, which nobody wrote"),
            format!("no operation writes {value} to {key}"),
            None,
        ),
        FlawKind::Aborted(id) => (
            AnomalyKind::AbortedRead,
            format!("{read}, whose write had failed"),
            format!("{} certainly did not happen", name(&compiled.names, id)),
            Some((id, format!("failed to write {value}"))),
        ),
        FlawKind::Intermediate(id) => (
            AnomalyKind::IntermediateRead,
            format!("{read}, which its writer had overwritten itself"),
            format!("{} wrote {key} again", name(&compiled.names, id)),
            Some((id, format!("wrote {value} and then another value"))),
        ),
        FlawKind::Internal => (
            AnomalyKind::InternalRead,
            format!("{read} in a transaction that at that point had written another value, or none yet"),
            format!("a transaction sees its own writes: {}", name(&compiled.names, flaw.operation)),
            None,
        ),
        FlawKind::NonRepeatable => (
            AnomalyKind::NonRepeatableRead,
            format!("{read} in a transaction that had read another value of it before"),
            format!("{} did not write {key} in between", name(&compiled.names, flaw.operation)),
            None,
        ),
    };
    let mut operations = vec![flaw.operation];
    let mut steps = Vec::new();
    if let Some((id, note)) = other {
        operations.push(id);
        steps.push(words::completed(history, id, note));
    }
    steps.push(words::completed(history, flaw.operation, format!("read {key} = {value}")));
    operations.sort_unstable();
    operations.dedup();
    let witness = Witness { model, operations };
    Anomaly {
        kind,
        summary,
        key: op.key,
        steps,
        facts: vec![fact],
        edges: Vec::new(),
        not_rechecked: None,
        witness,
    }
}

/// A contradiction in the part of the columns that it was cut down to.
pub(crate) fn anomaly(compiled: &Compiled<'_>, part: &Columns, proof: &Proof, model: ModelName) -> Anomaly {
    let telling = Telling { names: &compiled.names, part, proof };
    let history = compiled.names.history;
    let named = proof.transactions();
    let mut operations: Vec<OperationId> = named.iter().map(|&t| part.operation[t as usize]).collect();
    operations.sort_unstable();
    let note = |t: u32| telling.note(t).unwrap_or_else(|| "is in between".into());
    let steps =
        named.iter().map(|&t| words::completed(history, part.operation[t as usize], note(t))).collect();
    let kind = telling.kind(model);
    let key = proof.because.first().and_then(|(edge, _)| compiled.names.key_id(edge.key));
    let witness = Witness { model, operations };
    Anomaly {
        kind,
        summary: telling.summary(kind),
        key,
        steps,
        facts: telling.facts(),
        edges: telling.edges(),
        not_rechecked: None,
        witness,
    }
}

pub(crate) struct Telling<'t> {
    pub(crate) names: &'t Names<'t>,
    pub(crate) part: &'t Columns,
    pub(crate) proof: &'t Proof,
}

impl Telling<'_> {
    pub(crate) fn kind(&self, model: ModelName) -> AnomalyKind {
        let single = |path: &[Step]| matches!(path, [Step { reason: Reason::Session, .. }]);
        let direct = |path: &[Step]| !path.iter().any(|step| matches!(step.reason, Reason::Inferred(_)));
        let atomic = matches!(model, ModelName::ReadAtomic | ModelName::ReadCommittedBe);
        let own = self.proof.because.first().is_some_and(|(_, path)| single(path));
        match &self.proof.core {
            Core::Initial if own => AnomalyKind::MissedOwnWrite,
            _ if atomic && self.fracture().is_some() => AnomalyKind::FracturedRead,
            Core::Initial if self.proof.because.iter().all(|(_, path)| direct(path)) => {
                AnomalyKind::CausalInitialRead
            }
            Core::Initial => AnomalyKind::ViewInitialRead,
            Core::Cycle(_) if self.proof.inferred() == 0 && !self.in_real_time() => {
                AnomalyKind::CyclicCausality
            }
            Core::Cycle(_) if self.in_real_time() => AnomalyKind::CyclicRealTime,
            Core::Cycle(_) if self.proof.because.len() == 1 => self.causal_read(own),
            Core::Cycle(_) => match model {
                ModelName::CausalMemory | ModelName::Pram => AnomalyKind::CyclicView,
                _ => AnomalyKind::CyclicArbitration,
            },
        }
    }

    /// The kind of a cycle with one inferred edge.
    fn causal_read(&self, own: bool) -> AnomalyKind {
        let (edge, path) = &self.proof.because[0];
        match path.as_slice() {
            _ if own => AnomalyKind::MissedOwnWrite,
            [Step { reason: Reason::ReadsFrom { key }, .. }, Step { reason: Reason::Session, .. }]
                if *key == edge.key =>
            {
                AnomalyKind::NonMonotonicRead
            }
            _ => AnomalyKind::CausalRead,
        }
    }

    /// A reader that saw one write of a transaction and missed another.
    fn fracture(&self) -> Option<&Edge> {
        let missed = |(edge, path): &&(Edge, Vec<Step>)| matches!(path.as_slice(), [Step { reason: Reason::ReadsFrom { key }, .. }] if *key != edge.key);
        self.proof.because.iter().find(missed).map(|(edge, _)| edge)
    }

    fn in_real_time(&self) -> bool {
        let Core::Cycle(steps) = &self.proof.core else { return false };
        steps.iter().any(|step| step.reason == Reason::RealTime)
    }

    fn summary(&self, kind: AnomalyKind) -> String {
        let fracture = self.fracture().filter(|_| kind == AnomalyKind::FracturedRead);
        if let Some(edge) = fracture.or(self.proof.because.first().map(|(edge, _)| edge)) {
            let reader = self.client(edge.reader);
            let key = self.names.name(edge.key);
            let newer = format!("{key} = {}", self.value(edge.from, edge.key, Access::Write));
            let value = self.seen(edge);
            let read = format!("{reader} read {key} = {value}");
            return match kind {
                AnomalyKind::MissedOwnWrite => format!("{read} after it {}", self.deed(edge.from)),
                AnomalyKind::NonMonotonicRead => format!("{read} after it had read {newer}"),
                AnomalyKind::CausalInitialRead | AnomalyKind::CausalRead => {
                    format!("{read} although {newer} causally precedes that read")
                }
                AnomalyKind::FracturedRead => {
                    format!("{read}, and saw another write of the transaction that wrote {newer}")
                }
                AnomalyKind::CyclicView | AnomalyKind::ViewInitialRead => {
                    format!("{reader} read values that no one order of the writes explains")
                }
                AnomalyKind::CyclicRealTime => {
                    format!("{read}, and so no order of the writes agrees with real time")
                }
                _ => "no one order of the writes explains what all sessions read".into(),
            };
        }
        let Core::Cycle(steps) = &self.proof.core else { return "a contradiction".into() };
        format!("{} depend on each other in a circle", words::count(steps.len(), "operation"))
    }

    /// Why each comes before the next; the reasons of what was inferred come first.
    fn facts(&self) -> Vec<String> {
        let mut facts: Vec<String> =
            self.proof.because.iter().rev().map(|(edge, path)| self.inferred(edge, path)).collect();
        if let Core::Cycle(steps) = &self.proof.core {
            let plain = steps.iter().filter(|step| !matches!(step.reason, Reason::Inferred(_)));
            facts.extend(plain.map(|step| self.step(step)));
        }
        facts
    }

    /// The cycle first, then the ways by which readers knew what they missed. Where an initial value was read there is no
    /// cycle of the order: that the reader comes before the write closes one.
    fn edges(&self) -> Vec<ProofEdge> {
        let cycle: &[Step] = if let Core::Cycle(steps) = &self.proof.core { steps } else { &[] };
        let mut edges: Vec<ProofEdge> = Vec::new();
        for step in cycle.iter().chain(self.proof.because.iter().flat_map(|(_, path)| path)) {
            let edge = self.proof_edge(step.from, step.to, self.reason(step));
            if !edges.contains(&edge) {
                edges.push(edge);
            }
        }
        for (edge, _) in self.proof.because.iter().filter(|(edge, _)| edge.to == NONE) {
            let (key, seen) = (self.names.key(edge.key), self.seen(edge));
            let newer = self.value(edge.from, edge.key, Access::Write);
            edges.push(self.proof_edge(edge.reader, edge.from, EdgeReason::ReadWrite { key, seen, newer }));
        }
        edges
    }

    fn proof_edge(&self, from: u32, to: u32, reason: EdgeReason) -> ProofEdge {
        let [from, to] = [from, to].map(|t| self.part.operation[t as usize]);
        ProofEdge { from, to, reason }
    }

    fn reason(&self, step: &Step) -> EdgeReason {
        match step.reason {
            Reason::Session => EdgeReason::Session,
            Reason::RealTime => EdgeReason::RealTime,
            Reason::ReadsFrom { key } => EdgeReason::WriteRead {
                key: self.names.key(key),
                value: self.value(step.from, key, Access::Write),
            },
            Reason::Inferred(index) => {
                let edge = &self.proof.because[index as usize].0;
                EdgeReason::WriteWrite {
                    key: self.names.key(edge.key),
                    older: self.value(step.from, edge.key, Access::Write),
                    newer: self.value(step.to, edge.key, Access::Write),
                    shown_by: Some(self.part.operation[edge.reader as usize]),
                }
            }
        }
    }

    fn inferred(&self, edge: &Edge, path: &[Step]) -> String {
        let way: Vec<String> = path.iter().map(|step| self.step(step)).collect();
        let (reader, key, way) = (self.client(edge.reader), self.names.name(edge.key), way.join("; "));
        let (seen, newer) = (self.seen(edge), self.value(edge.from, edge.key, Access::Write));
        if edge.to == NONE {
            return format!("{reader} knew {key} = {newer} and yet found {key} = {seen}: {way}");
        }
        format!(
            "{key} = {newer} comes before {key} = {seen}, for {reader} knew {newer} and yet read {seen}: {way}"
        )
    }

    pub(crate) fn step(&self, step: &Step) -> String {
        let (from, to) = (self.deed(step.from), self.deed(step.to));
        let (first, then) = (self.client(step.from), self.client(step.to));
        match step.reason {
            Reason::Session => format!("{first} {from} and then {to}"),
            Reason::ReadsFrom { key } => {
                let value = self.value(step.from, key, Access::Write);
                format!("{then} read {} = {value}, written by {first}", self.names.name(key))
            }
            Reason::RealTime => format!("{first} {from} before {then} {to}"),
            Reason::Inferred(index) => {
                let key = self.proof.because[index as usize].0.key;
                let value = |t: u32| self.value(t, key, Access::Write);
                let (older, newer, key) = (value(step.from), value(step.to), self.names.name(key));
                format!("{key} = {older} comes before {key} = {newer}")
            }
        }
    }

    /// What a transaction does for the proof.
    pub(crate) fn note(&self, t: u32) -> Option<String> {
        let cycle: &[Step] = if let Core::Cycle(steps) = &self.proof.core { steps } else { &[] };
        let steps = cycle.iter().chain(self.proof.because.iter().flat_map(|(_, path)| path));
        let mut notes: Vec<String> = Vec::new();
        for (edge, _) in &self.proof.because {
            let key = self.names.name(edge.key);
            if edge.from == t || edge.to == t {
                notes.push(format!("wrote {key} = {}", self.value(t, edge.key, Access::Write)));
            }
            if edge.reader == t {
                notes.push(format!("read {key} = {}", self.seen(edge)));
            }
        }
        for step in steps {
            let Reason::ReadsFrom { key } = step.reason else { continue };
            let (name, value) = (self.names.name(key), self.value(step.from, key, Access::Write));
            if step.from == t {
                notes.push(format!("wrote {name} = {value}"));
            } else if step.to == t {
                notes.push(format!("read {name} = {value}"));
            }
        }
        let mut told: Vec<String> = Vec::new();
        for note in notes {
            if !told.contains(&note) {
                told.push(note);
            }
        }
        (!told.is_empty()).then(|| told.join(", "))
    }

    /// What the reader of an inferred edge saw.
    fn seen(&self, edge: &Edge) -> Value {
        if edge.to == NONE {
            return self.names.history.value_as_recorded(&Value::Null);
        }
        self.value(edge.to, edge.key, Access::Write)
    }

    fn value(&self, t: u32, key: u32, access: Access) -> Value {
        let value = self.names.value(self.part.operation[t as usize], key, access);
        self.names.history.value_as_recorded(value.as_deref().unwrap_or(&Value::Null))
    }

    pub(crate) fn name(&self, t: u32) -> String {
        name(self.names, self.part.operation[t as usize])
    }

    /// `wrote x = 1`, after the client's name.
    fn deed(&self, t: u32) -> String {
        let (history, id) = (self.names.history, self.part.operation[t as usize]);
        let op = history.operation(id);
        if op.function == Function::Txn {
            return format!("ran {}", words::told(&history.as_recorded(id)));
        }
        let clause = words::clause(history, id);
        clause.strip_prefix(&format!("client {} ", op.process)).map_or(clause.clone(), str::to_owned)
    }

    pub(crate) fn client(&self, t: u32) -> String {
        format!("client {}", self.names.history.operation(self.part.operation[t as usize]).process)
    }
}

fn name(names: &Names<'_>, id: OperationId) -> String {
    words::noun(names.history, id)
}
