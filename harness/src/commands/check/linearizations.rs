//! What `check --witness` shows of a history that is linearizable: for each key an order that replays.
//!
//! It never shows an order that was not replayed.

use std::fmt::Write as _;

use checkers::{Budget, Finding, Linear, Linearization, Verdict};
use histories::{History, ModelName};
use schemars::JsonSchema;
use serde::Serialize;

use crate::report::explain;

/// One key's order, as the JSON of `check` has it.
#[derive(JsonSchema, Serialize)]
pub(super) struct Report {
    key: Option<String>,
    /// Indices of the invocations, in the order of the moments at which the operations took effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Vec<u32>>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// None where linearizability did not hold, or was not asked about.
pub(super) fn of(history: &History, findings: &[Finding], budget: &Budget) -> Vec<Linearization> {
    let held = |f: &Finding| f.model == ModelName::Linearizable && f.verdict == Verdict::Valid;
    if findings.iter().any(held) { Linear::default().linearizations(history, budget) } else { Vec::new() }
}

pub(super) fn report(history: &History, found: &[Linearization]) -> Vec<Report> {
    let one = |found: &Linearization| {
        let events = |order: &Vec<histories::OperationId>| {
            order.iter().map(|&id| history.operation(id).call_event).collect()
        };
        Report {
            key: found.key.map(|key| history.key(key).as_str().to_owned()),
            order: found.order.as_ref().ok().map(events),
            why: found.order.as_ref().err().cloned(),
        }
    };
    found.iter().map(one).collect()
}

/// A line for each operation, in order, key by key.
pub(super) fn text(history: &History, found: &[Linearization]) -> String {
    let mut text = String::new();
    for Linearization { key, order } in found {
        let name = key.map_or_else(|| "the history".to_owned(), |key| history.key(key).to_string());
        // Writing to a string cannot fail.
        let _ = match order {
            Ok(order) => writeln!(text, "\nlinearization of {name}, {} operations:", order.len()),
            Err(why) => writeln!(text, "\nlinearization of {name}: {why}"),
        };
        for &id in order.iter().flatten() {
            let op = history.as_recorded(id);
            let line = history.spot(op.call_event).map_or_else(|| "-".to_owned(), |spot| spot.to_string());
            let _ = writeln!(text, "{line:>9} | client {}  {}", op.process, explain::action(history, &op));
        }
    }
    text
}
