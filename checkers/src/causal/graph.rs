//! A proof as a graph: the operations, and an edge with its reason wherever one comes before another.
//!
//! It never holds more than the proof.

use histories::{History, ModelName, OperationId};

use super::analysis::Analysis;
use super::compile;
use super::explain::Telling;
use super::proof::Core;
use super::shortest::{Reason, Step};
use crate::{Anomaly, Budget};

/// Operations and what comes before what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drawing {
    /// In the order of their completions.
    pub(crate) places: Vec<Place>,
    pub(crate) arrows: Vec<Arrow>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) process: u32,
    pub(crate) label: String,
}

/// The place `from` comes before the place `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrow {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) style: Style,
    pub(crate) label: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Session order, reads-from or real time on the cycle.
    Cycle,
    /// What was inferred from a read.
    Inferred,
    /// Why an inferred one is there.
    Reason,
}

/// The graph of an anomaly that contradicts a causal order. `None` where the anomaly is of another kind, or has no edges.
pub(crate) fn graph(history: &History, anomaly: &Anomaly) -> Option<Drawing> {
    let budget = Budget::unlimited();
    let compiled = compile::compile(history, &budget).ok()?;
    let columns = &compiled.columns;
    let inside = |id: &OperationId| anomaly.witness.operations.contains(id);
    let kept: Vec<u32> = columns.ids().filter(|&t| inside(&columns.operation[t as usize])).collect();
    let part = columns.restrict(&kept);
    let model = causal_model(anomaly.witness.model)?;
    let proof = Analysis::new(history, &part, &budget).ok()?.decide(model, &budget).ok()??;
    let telling = Telling { names: &compiled.names, part: &part, proof: &proof };
    let transactions = proof.transactions();
    let places = transactions.iter().map(|&t| Place {
        process: history.operation(part.operation[t as usize]).process,
        label: telling.note(t).unwrap_or_else(|| telling.name(t)),
    });
    let mut drawing = Drawing { places: places.collect(), arrows: Vec::new() };
    let cycle: &[Step] = if let Core::Cycle(steps) = &proof.core { steps } else { &[] };
    let number = |t: u32| transactions.binary_search(&t).unwrap_or_default();
    let mut drawn: Vec<Step> = Vec::new();
    for step in cycle.iter().chain(proof.because.iter().flat_map(|(_, path)| path)) {
        if !drawn.contains(step) {
            drawing.arrows.push(Arrow {
                from: number(step.from),
                to: number(step.to),
                style: match step.reason {
                    Reason::Inferred(_) => Style::Inferred,
                    _ if cycle.contains(step) => Style::Cycle,
                    _ => Style::Reason,
                },
                label: label(&telling, step),
            });
            drawn.push(*step);
        }
    }
    Some(drawing)
}

/// The causal model that a witness contradicts: all four session guarantees together are causal convergence.
fn causal_model(model: ModelName) -> Option<ModelName> {
    match model {
        ModelName::ReadYourWrites
        | ModelName::MonotonicReads
        | ModelName::MonotonicWrites
        | ModelName::WritesFollowReads => Some(ModelName::CausalConvergence),
        ModelName::RealTimeCausal
        | ModelName::CausalConvergence
        | ModelName::CausalMemory
        | ModelName::Causal
        | ModelName::Pram
        | ModelName::ReadAtomic
        | ModelName::ReadCommittedBe => Some(model),
        _ => None,
    }
}

fn label(telling: &Telling<'_>, step: &Step) -> String {
    match step.reason {
        Reason::Session => "session order".into(),
        Reason::RealTime => "real time".into(),
        Reason::ReadsFrom { key } => format!("read {}", telling.names.name(key)),
        Reason::Inferred(index) => {
            let edge = telling.proof.because[index as usize].0;
            let reader = telling.note(edge.reader).unwrap_or_default();
            format!("{}: {} {reader}", telling.names.name(edge.key), telling.client(edge.reader))
        }
    }
}
