//! An edge of a proof: that one operation comes before another, and the fact that shows it.

use std::collections::BTreeSet;

use finding::{EdgeReason, ProofEdge};
use histories::{History, Operation, OperationId, Outcome, Value};
use serde::{Deserialize, Serialize};

use super::Numbers;
use crate::accesses::{What, accesses};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    pub from: u32,
    pub to: u32,
    pub reason: Reason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    Session,
    RealTime,
    WriteRead,
    WriteWrite,
    ReadWrite,
    SameValue,
}

impl Edge {
    pub(super) fn of(history: &History, edge: &ProofEdge) -> Self {
        let index = |id: OperationId| history.operation(id).call_event;
        let (reason, key) = match &edge.reason {
            EdgeReason::Session => (Reason::Session, None),
            EdgeReason::RealTime => (Reason::RealTime, None),
            EdgeReason::WriteRead { key, .. } => (Reason::WriteRead, Some(key)),
            EdgeReason::WriteWrite { key, .. } => (Reason::WriteWrite, Some(key)),
            EdgeReason::ReadWrite { key, .. } => (Reason::ReadWrite, Some(key)),
            EdgeReason::SameValue { key, .. } => (Reason::SameValue, Some(key)),
        };
        // The words for the one object of a history without keys are no key.
        let key = key.filter(|key| keys(history, edge.from).contains(*key)).cloned();
        Self { from: index(edge.from), to: index(edge.to), reason, key }
    }
}

fn keys(history: &History, id: OperationId) -> BTreeSet<String> {
    let op = history.operation(id);
    let named = op.key.map(|key| history.key(key).to_string());
    accesses(history, op).into_iter().map(|access| access.key).chain(named).collect()
}

/// What an operation saw or wrote of a key: elements one by one, where it shows or adds several.
fn touched(history: &History, op: &Operation, key: &str, what: What) -> BTreeSet<Value> {
    let is_own = op.key.map_or(key.is_empty(), |own| history.key(own).as_str() == key);
    let mut found = BTreeSet::new();
    for access in accesses(history, op).into_iter().filter(|access| access.key == key) {
        if access.what == what || access.what == What::Other {
            found.extend(access.value.as_list().unwrap_or_default().iter().cloned());
            found.insert(access.value);
        }
    }
    if is_own && op.outcome != Outcome::Fail && found.is_empty() {
        let said = if what == What::Read { op.reply() } else { op.call() };
        found.extend(said.as_list().unwrap_or_default().iter().cloned());
        found.insert(said.clone());
    }
    found
}

/// Whether the fact that an edge names is one.
pub(super) fn verify(history: &History, numbers: &Numbers, edge: &Edge) -> Result<(), String> {
    let ends = numbers.operations(&[edge.from, edge.to])?;
    let (from, to) = (history.operation(ends[0]), history.operation(ends[1]));
    let key = edge.key.as_deref().unwrap_or_default();
    let seen = |op| touched(history, op, key, What::Read);
    let written = |op| touched(history, op, key, What::Write);
    let both = |op| seen(op).into_iter().chain(written(op)).collect::<BTreeSet<Value>>();
    let is_true = match edge.reason {
        Reason::Session => {
            from.process == to.process && from.outcome != Outcome::Info && from.call_event < to.call_event
        }
        Reason::RealTime => from.precedes(to),
        Reason::WriteRead => written(from).intersection(&seen(to)).next().is_some(),
        Reason::WriteWrite => ends[0] != ends[1] && !written(from).is_empty() && !written(to).is_empty(),
        Reason::ReadWrite => !seen(from).is_empty() && !written(to).is_subset(&seen(from)),
        Reason::SameValue => both(from).intersection(&both(to)).next().is_some(),
    };
    let told = serde_name(edge.reason);
    if is_true { Ok(()) } else { Err(format!("{} does not come before {}: {told}", edge.from, edge.to)) }
}

fn serde_name(reason: Reason) -> &'static str {
    match reason {
        Reason::Session => "no one client ran both in this order",
        Reason::RealTime => "the first had not returned when the second was invoked",
        Reason::WriteRead => "the second saw nothing that the first wrote",
        Reason::WriteWrite => "not both wrote the key",
        Reason::ReadWrite => "the second replaced nothing that the first saw",
        Reason::SameValue => "they share no value",
    }
}
