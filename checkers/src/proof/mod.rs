//! What a proof lists: operations that violate the model by themselves.
//!
//! The verdict on the history is already made when this module is asked. It decides only whether the listed operations alone
//! violate the model, and adds operations until they do.
//!
//! A checker finds a contradiction in what it has learned of a whole history, and some of that may come from operations
//! which it does not name: that a write of unknown outcome took effect is known from a read, the order of two appends
//! from another one. A person who has only the listed operations before them must be able to see the contradiction.
//! So the history is cut down to them, and the checker is asked again. Where they do not suffice, those are added that
//! the listed ones owe their answers to.

mod index;
mod part;
mod sources;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

use histories::view::Excerpts;
use histories::{AnomalyKind, History, ModelName, Operation, OperationId};

use crate::roster::all;
use crate::{Anomaly, Budget, Checker, Step, Verdict, words};

use index::Index;
use sources::Sources;

/// Beyond this a proof is not asked about again.
const LISTED_MAX: usize = 512;
/// Memory and time for one question; it is about few operations.
const BYTES_MAX: usize = 1 << 28;
const TIME_MAX: Duration = Duration::from_secs(10);
/// What all trials of smaller lists together may take, in operations that are looked at.
const WORK_MAX: usize = 20_000;

/// Whether the operations that a proof lists violate its model by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alone {
    Violates,
    /// They are allowed by themselves: what refutes them is elsewhere in the history.
    Allowed,
    /// They are too many, or together too hard to decide.
    NotAsked,
    /// The model is about more than what the operations did.
    Inapplicable,
}

/// What is asked about the proofs of one history.
pub(crate) struct Proofs<'h> {
    history: &'h History,
    /// Most histories violate nothing, so that neither is needed.
    index: OnceLock<Index>,
    excerpts: OnceLock<Excerpts<'h>>,
}

impl<'h> Proofs<'h> {
    pub(crate) fn of(history: &'h History) -> Self {
        Self { history, index: OnceLock::new(), excerpts: OnceLock::new() }
    }

    /// Whether the operations that a proof lists violate its model by themselves.
    #[cfg(test)]
    pub(crate) fn stand_alone(&self, anomaly: &Anomaly) -> Alone {
        let listed = listed(anomaly);
        self.question(anomaly, &listed).map_or(Alone::Inapplicable, |question| question.alone(&listed))
    }

    /// Adds to a proof what its operations owe their answers to, as far as they do not violate the model without. What is
    /// not sufficient even so says that it is not.
    pub(crate) fn complete(&self, anomaly: &mut Anomaly) -> Alone {
        let told = listed(anomaly);
        let named: BTreeSet<OperationId> = told.iter().chain(&anomaly.witness.operations).copied().collect();
        let Some(question) = self.question(anomaly, &named) else { return Alone::Inapplicable };
        let mut alone = question.alone(&told);
        if alone == Alone::Allowed
            && let Some(enough) = question.enough(&named)
        {
            for &id in question.needed(&told, enough).difference(&told) {
                add(self.history, anomaly, id);
            }
            alone = Alone::Violates;
        }
        if alone == Alone::Allowed {
            let fact =
                "these operations alone do not show it: it follows from them and others of the history";
            anomaly.facts.push(fact.to_owned());
        }
        alone
    }

    /// What can be asked about a proof; `None` where its model is about more than what operations did.
    fn question(&self, anomaly: &Anomaly, named: &BTreeSet<OperationId>) -> Option<Question<'_>> {
        let model = anomaly.witness.model;
        if !is_about_operations(anomaly) {
            return None;
        }
        Some(Question {
            history: self.history,
            excerpts: self.excerpts.get_or_init(|| self.history.excerpts()),
            checker: all().into_iter().find(|checker| checker.models().contains(&model))?,
            model,
            sources: Sources::of(
                self.history,
                self.index.get_or_init(|| Index::of(self.history)),
                named.iter().copied(),
            ),
        })
    }
}

/// The operations that a proof lists.
pub(crate) fn listed(anomaly: &Anomaly) -> BTreeSet<OperationId> {
    anomaly.steps.iter().map(|step| step.operation).collect()
}

/// What was lost, and where replicas differ, is said of the final state, which is no operation's. The levels of
/// isolation have a proof of another form, which lists whole transactions.
fn is_about_operations(anomaly: &Anomaly) -> bool {
    match anomaly.witness.model {
        ModelName::Durability | ModelName::Convergence | ModelName::ConflictPolicy => false,
        ModelName::Set => anomaly.kind != AnomalyKind::LostWrite,
        model => !model.is_isolation_level(),
    }
}

/// Whether some operations of a history violate a model by themselves.
struct Question<'p> {
    history: &'p History,
    excerpts: &'p Excerpts<'p>,
    checker: Box<dyn Checker>,
    model: ModelName,
    sources: Sources<'p>,
}

impl Question<'_> {
    fn alone(&self, listed: &BTreeSet<OperationId>) -> Alone {
        if listed.is_empty() || listed.len() > LISTED_MAX {
            return Alone::NotAsked;
        }
        // To find out what no operation at all has made costs a look at all of them.
        match self.alone_with(listed, false) {
            Alone::Violates => Alone::Violates,
            _ => self.alone_with(listed, true),
        }
    }

    fn alone_with(&self, listed: &BTreeSet<OperationId>, keeps_phantoms: bool) -> Alone {
        let operations = part::operations(self.history, &self.sources, listed, keeps_phantoms);
        let part = self.excerpts.of(operations);
        let budget = Budget::new(TIME_MAX, BYTES_MAX);
        let findings = self.checker.check_some(&part, &[self.model], &budget);
        let finding = findings.iter().find(|finding| finding.model == self.model);
        match finding.map(|finding| &finding.verdict) {
            Some(Verdict::Invalid(_)) => Alone::Violates,
            Some(Verdict::Valid) => Alone::Allowed,
            // Of what is left nothing may have been observed.
            Some(Verdict::Unknown(_) | Verdict::NotApplicable(_))
                if !part.operations().iter().any(Operation::is_ok) =>
            {
                Alone::Allowed
            }
            _ => Alone::NotAsked,
        }
    }

    fn violates(&self, listed: &BTreeSet<OperationId>) -> bool {
        self.alone(listed) == Alone::Violates
    }

    /// More operations that do violate the model by themselves: with those that these owe their answers to, or with all on
    /// the same keys.
    fn enough(&self, named: &BTreeSet<OperationId>) -> Option<BTreeSet<OperationId>> {
        let mut enough = named.clone();
        loop {
            if self.violates(&enough) {
                return Some(enough);
            }
            let known = enough.len();
            enough.extend(self.sources.of_all(&enough));
            if enough.len() == known || enough.len() > LISTED_MAX {
                break;
            }
        }
        let on_keys: BTreeSet<OperationId> = self.sources.candidates().take(LISTED_MAX + 1).collect();
        self.violates(&on_keys).then_some(on_keys)
    }

    /// What is left of a sufficient list without what it does not need beside what is told, the oldest first: what was
    /// written last is nearest to what it explains.
    fn needed(&self, told: &BTreeSet<OperationId>, mut list: BTreeSet<OperationId>) -> BTreeSet<OperationId> {
        let added: Vec<OperationId> = list.difference(told).copied().collect();
        let (mut length, mut work) = (added.len(), 0);
        while length > 0 {
            for some in added.chunks(length) {
                let mut fewer = list.clone();
                fewer.retain(|id| !some.contains(id));
                if fewer.len() < list.len() && work < WORK_MAX {
                    work += fewer.len();
                    if self.violates(&fewer) {
                        list = fewer;
                    }
                }
            }
            length /= 2;
        }
        list
    }
}

/// Tells an operation before those that began later, and before the last, which is what the proof is about.
fn add(history: &History, anomaly: &mut Anomaly, id: OperationId) {
    let steps = &mut anomaly.steps;
    let last = steps.len().saturating_sub(1);
    let place = steps.iter().position(|step| step.operation > id).unwrap_or(last).min(last);
    let note = words::deed(history, id);
    steps.insert(place, Step { note, ..words::completed(history, id, "") });
}
