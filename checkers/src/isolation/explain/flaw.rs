//! Reads that no order of transactions explains, in words.

use histories::{AnomalyKind, History, ModelName, OperationId, brief_name};

use super::super::draft::{Draft, Step};
use super::super::flaws::{Flaw, FlawKind};
use crate::graph::NONE;
use crate::{Anomaly, Witness, words};

/// A read that no order of transactions explains, or two transactions that none puts in order.
pub(in super::super) fn flaw(history: &History, draft: &Draft<'_>, flaw: Flaw, model: ModelName) -> Anomaly {
    let client = |id: OperationId| format!("client {}", history.operation(id).process);
    let told = Told {
        name: brief_name(&draft.name(flaw.key)),
        value: match flaw.value {
            NONE => words::at_first(history),
            value => words::brief(draft.values.get(value)),
        },
        who: client(flaw.operation),
        other: flaw.other.map_or_else(|| "another".to_owned(), client),
    };
    let (kind, summary, fact) = told.of(flaw.kind);
    let mut operations: Vec<OperationId> = flaw.other.into_iter().chain([flaw.operation]).collect();
    operations.extend(shown_by(draft, flaw));
    operations.sort_unstable();
    operations.dedup();
    let steps = operations.iter().map(|&id| words::completed(history, id, told.note(flaw, id))).collect();
    let witness = Witness { model, operations };
    Anomaly {
        kind,
        summary,
        key: history.operation(flaw.operation).key,
        steps,
        facts: vec![fact],
        edges: Vec::new(),
        not_rechecked: None,
        witness,
    }
}

/// The parts of a sentence about a flaw.
struct Told {
    /// The key's.
    name: String,
    value: String,
    /// The client whose operation shows it.
    who: String,
    /// The other party.
    other: String,
}

impl Told {
    /// What it is, who shows it, and why it cannot be.
    fn of(&self, kind: FlawKind) -> (AnomalyKind, String, String) {
        let Self { name, value, who, other } = self;
        let read = format!("{who} read {name} = {value}");
        let showed = format!("{who} read {name} with {value}");
        match kind {
            FlawKind::Garbage => (
                AnomalyKind::PhantomRead,
                format!("{showed}, which no transaction wrote"),
                format!("no transaction writes {value} to {name}"),
            ),
            FlawKind::Duplicate => (
                AnomalyKind::DuplicateElement,
                format!("{who} read {name} with {value} twice"),
                format!("one transaction appended {value} to {name}, once"),
            ),
            FlawKind::IncompatibleOrder => (
                AnomalyKind::IncompatibleOrder,
                format!("{who} read {name} with {value} where another read shows another element"),
                format!("a list only grows at its end: of two reads of {name} one begins with the other"),
            ),
            FlawKind::Interleaved => (
                AnomalyKind::G0,
                format!("{who}'s and {other}'s appends to {name} lie between one another"),
                format!("one of the two appended to {name} both before and after the other"),
            ),
            FlawKind::Disordered => (
                AnomalyKind::IncompatibleOrder,
                format!("a read of {name} shows {value} where {who} had appended something else first"),
                format!("what {who} appended to {name} stands there in the order in which it did"),
            ),
            FlawKind::Aborted => (
                AnomalyKind::G1a,
                format!("{showed}, which {other} wrote in a transaction that failed"),
                format!("{other}'s transaction certainly did not commit"),
            ),
            FlawKind::Intermediate => (
                AnomalyKind::G1b,
                format!("{showed}, which {other} wrote over in the same transaction"),
                format!("{other}'s transaction wrote {name} again before it committed"),
            ),
            FlawKind::Internal => (
                AnomalyKind::Internal,
                format!("{read} in a transaction that had written something else to it"),
                "a transaction sees its own writes".to_owned(),
            ),
            FlawKind::Future => (
                AnomalyKind::FutureRead,
                format!("{showed} in a transaction that wrote this only later"),
                "a transaction does not see its own writes before it makes them".to_owned(),
            ),
            FlawKind::DirtyUpdate => (
                AnomalyKind::DirtyUpdate,
                format!(
                    "{who} appended to {name} behind {value}, which {other} appended in a transaction that failed"
                ),
                format!("what {who} committed rests on what {other} did not"),
            ),
            FlawKind::NonRepeatable => (
                AnomalyKind::NonRepeatableRead,
                format!("{read} in a transaction that had read another version of it before"),
                format!("it was not {who}'s transaction that changed {name} in between"),
            ),
            FlawKind::LostUpdate => (
                AnomalyKind::LostUpdate,
                format!("{other} and {who} both read {name} = {value} and replaced it"),
                "whichever of the two came second overwrote the other's update without having seen it"
                    .to_owned(),
            ),
        }
    }

    /// What an operation has to do with it.
    fn note(&self, flaw: Flaw, id: OperationId) -> String {
        let Self { name, value, .. } = self;
        match (id == flaw.operation, flaw.kind) {
            (true, FlawKind::DirtyUpdate | FlawKind::Interleaved | FlawKind::Disordered) => {
                format!("appended to {name}")
            }
            (true, FlawKind::LostUpdate) => format!("replaced {name} = {value}"),
            (true, _) => format!("read {name} with {value}"),
            (false, FlawKind::LostUpdate) if flaw.other == Some(id) => {
                format!("replaced {name} = {value}, too")
            }
            (false, FlawKind::IncompatibleOrder | FlawKind::Duplicate | FlawKind::Disordered) => {
                format!("read another order of {name}")
            }
            (false, _) => format!("wrote {name}"),
        }
    }
}

/// What else a flaw rests on: a read that shows the order of a list, or the writer of what was replaced.
fn shown_by(draft: &Draft<'_>, flaw: Flaw) -> Option<OperationId> {
    let longest = draft.longest[flaw.key as usize].len() as u32;
    let shows = |step: &Step| match (flaw.kind, *step) {
        (
            FlawKind::IncompatibleOrder | FlawKind::Interleaved | FlawKind::Disordered,
            Step::ReadList { key, length },
        ) => key == flaw.key && length == longest,
        (FlawKind::DirtyUpdate, Step::ReadAborted { key, value, .. })
        | (FlawKind::LostUpdate, Step::Write { key, value }) => key == flaw.key && value == flaw.value,
        _ => false,
    };
    (0..draft.count()).find(|&t| draft.steps(t).iter().any(shows)).map(|t| draft.operations[t as usize])
}
