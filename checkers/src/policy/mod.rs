//! Conflict policy: what concurrent updates of one key come to, data type by data type.
//!
//! It never asks when replicas agree, or whether they do; it looks at what they agreed on.

mod last_write;
mod observed_removes;
mod siblings;
mod sums;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use finding::Stopwatch;
use histories::{AnomalyKind, Function, History, KeyId, ModelName, OperationId};

use crate::core::final_state::FinalState;
use crate::core::ruling::Ruling;
use crate::{Budget, Conflicts, Finding};

/// Decides [`ModelName::ConflictPolicy`]: siblings, sets whose additions win, counters and carts that add up, and
/// registers whose last write wins, by the clock that the header names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policy;

/// Asks which writes, each with its key, causality has before another write of the key: with the operations that lead
/// there, first to last.
pub(crate) type AskOvertaken =
    fn(&History, &[(KeyId, OperationId)], &Budget) -> Result<Vec<Vec<OperationId>>, String>;

/// The finding about a history.
pub(crate) fn finding(history: &History, budget: &Budget, overtaken: AskOvertaken) -> Finding {
    let started = Stopwatch::start();
    let ruling = decide(history, budget, overtaken);
    let figures = ruling.figures.clone();
    let model = ModelName::ConflictPolicy;
    Finding { model, verdict: ruling.verdict(), method: "final-state", figures, elapsed: started.elapsed() }
}

type Judge = fn(&mut Ruling, &History, &Result<FinalState<'_>, String>, &Budget);

fn decide(history: &History, budget: &Budget, overtaken: AskOvertaken) -> Ruling {
    let finals = FinalState::of(history);
    let mut ruling = Ruling::default();
    let judges: [Judge; 3] = [siblings::judge, observed_removes::judge, sums::judge];
    for judge in judges {
        judge(&mut ruling, history, &finals, budget);
    }
    last_write::judge(&mut ruling, history, &finals, |writes| overtaken(history, writes, budget));
    ruling.figures.conflicts = Some(counted(history, &ruling));
    if ruling.judged == 0 && ruling.undecided.is_empty() {
        return Ruling::not_applicable(
            "no operation replaces siblings, removes from a set or counts, and the header names no clock by which \
             the last write wins",
        );
    }
    ruling
}

fn counted(history: &History, ruling: &Ruling) -> Conflicts {
    let of_kind = |kind| ruling.anomalies.iter().filter(|anomaly| anomaly.kind == kind).count() as u64;
    let mut counts = Conflicts {
        lost: of_kind(AnomalyKind::LostWrite),
        reappeared: of_kind(AnomalyKind::Resurrected),
        ..Conflicts::default()
    };
    let replaced = |op: &&histories::Operation| op.function == Function::Replace;
    let registers: BTreeSet<KeyId> =
        history.operations().iter().filter(replaced).filter_map(|op| op.key).collect();
    for op in history.operations().iter().filter(|op| op.is_ok()) {
        match op.function {
            Function::ReadAll if op.key.is_some_and(|key| registers.contains(&key)) => {
                let shown = op.reply().as_list().map_or(0, |siblings| siblings.len() as u64);
                counts.reads += 1;
                counts.sibling_reads += u64::from(shown > 1);
                counts.siblings_max = counts.siblings_max.max(shown);
            }
            Function::Read | Function::ReadAll | Function::Dump | Function::Write | Function::Cas => {}
            _ => counts.updates += 1,
        }
    }
    counts
}
