//! A proof as a graph in the DOT language, each edge with its reason.
//!
//! It never draws more than the proof.

use std::fmt::Write;

use histories::{History, OperationId};

use super::analysis::Analysis;
use super::compile;
use super::explain::Telling;
use super::proof::Core;
use super::shortest::{Reason, Step};
use crate::{Anomaly, Budget};

/// The graph of an anomaly that [`crate::Causal`] found, in DOT: a box for each operation, an edge for each reason.
/// `None` where the anomaly is of another kind, or has no edges.
pub fn dot(history: &History, anomaly: &Anomaly) -> Option<String> {
    let budget = Budget::unlimited();
    let compiled = compile::compile(history, &budget).ok()?;
    let columns = &compiled.columns;
    let inside = |id: &OperationId| anomaly.witness.operations.binary_search(id).is_ok();
    let kept: Vec<u32> = columns.ids().filter(|&t| inside(&columns.operation[t as usize])).collect();
    let part = columns.restrict(&kept);
    let proof =
        Analysis::new(history, &part, &budget).ok()?.decide(anomaly.witness.model, &budget).ok()??;
    let telling = Telling { names: &compiled.names, part: &part, proof: &proof };
    let mut text = String::from("digraph proof {\n  node [shape=box];\n");
    for t in proof.transactions() {
        let process = history.operation(part.operation[t as usize]).process;
        let note = telling.note(t).unwrap_or_else(|| telling.name(t));
        line(&mut text, &format!("t{t} [label=\"client {process}: {}\"];", quoted(&note)));
    }
    let mut drawn: Vec<Step> = Vec::new();
    let cycle: &[Step] = if let Core::Cycle(steps) = &proof.core { steps } else { &[] };
    for step in cycle {
        line(&mut text, &edge(step, "bold", &label(&telling, step)));
        drawn.push(*step);
    }
    for step in proof.because.iter().flat_map(|(_, path)| path) {
        if !drawn.contains(step) {
            line(&mut text, &edge(step, "solid", &label(&telling, step)));
            drawn.push(*step);
        }
    }
    text.push_str("}\n");
    Some(text)
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {line}");
}

fn edge(step: &Step, style: &str, label: &str) -> String {
    let style = if matches!(step.reason, Reason::Inferred(_)) { "dashed" } else { style };
    format!("t{} -> t{} [style={style}, label=\"{}\"];", step.from, step.to, quoted(label))
}

fn label(telling: &Telling<'_>, step: &Step) -> String {
    match step.reason {
        Reason::Session => "session order".into(),
        Reason::RealTime => "real time".into(),
        Reason::ReadsFrom { key } => format!("read {}", telling.names.key(key)),
        Reason::Inferred(index) => {
            let edge = telling.proof.because[index as usize].0;
            let reader = telling.note(edge.reader).unwrap_or_default();
            format!("{}: {} {reader}", telling.names.key(edge.key), telling.client(edge.reader))
        }
    }
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
