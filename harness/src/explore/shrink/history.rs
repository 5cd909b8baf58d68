//! Fewer operations of a stored history that still violate the same model for the same reason. Only checkers are asked;
//! what ran is not run again.

use std::collections::BTreeMap;

use checkers::{Anomaly, Budget, Finding, Step, Verdict, Witness};
use histories::{AnomalyKind, Event, Header, History, Kind, ModelName, OperationId, Pairing, Process};

use super::delta::minimize_to;
use super::justified::{Justification, Kept};

/// A history that violates a model, and the proof of that.
pub(crate) struct Smaller {
    header: Header,
    whole: History,
    /// What the nemesis did stays.
    nemesis: Vec<Event>,
    /// The events of each operation.
    operations: Vec<Vec<Event>>,
    pub(crate) model: ModelName,
    pub(crate) kind: AnomalyKind,
    /// The operations of the proof.
    proof: Vec<OperationId>,
}

/// What there is to shrink.
pub(crate) enum Start {
    Fails(Box<Smaller>),
    Holds,
    /// Nothing is known to be violated, and this is not decided.
    Undecided(String),
}

impl Smaller {
    /// The model that is to be violated still is `model`, else one that the header demands, else the first.
    pub(crate) fn of(header: Header, events: Vec<Event>, model: Option<ModelName>, budget: &Budget) -> Start {
        let Some(whole) = history(&header, events.clone()) else { return Start::Holds };
        let findings =
            crate::judge::checking::check(&whole, model.as_ref().map(std::slice::from_ref), budget);
        let violated = |demanded: bool| {
            findings.iter().find_map(|finding| match &finding.verdict {
                Verdict::Invalid(anomalies) if !demanded || header.demands.contains(&finding.model) => {
                    Some((finding.model, anomalies.first()?))
                }
                _ => None,
            })
        };
        let Some((model, anomaly)) = violated(true).or_else(|| violated(false)) else {
            let unknown = findings
                .iter()
                .find(|finding| matches!(finding.verdict, Verdict::Unknown(_) | Verdict::Refuted(_)));
            let told = |finding: &Finding| {
                format!("{}: {}", finding.model, finding.verdict.why().unwrap_or("no reason was given"))
            };
            return unknown.map(told).map_or(Start::Holds, Start::Undecided);
        };
        let (kind, proof) = (anomaly.kind, named(anomaly).collect());
        let (nemesis, operations) = by_operation(events);
        Start::Fails(Box::new(Self { header, whole, nemesis, operations, model, kind, proof }))
    }

    pub(crate) fn operations(&self) -> usize {
        self.operations.len()
    }

    /// The events that are left when nothing more can be left out, or the budget is spent. What stays is a part of the
    /// history that holds what justifies it; it begins with the operations of the proof, so that it is that proof, or one
    /// of its kind, which survives.
    pub(crate) fn run(&self, budget: &Budget) -> Vec<Event> {
        let kept = self.least(budget);
        self.events(&kept)
    }

    /// The operations that stay, by their places.
    pub(super) fn least(&self, budget: &Budget) -> Vec<u32> {
        let justification = Justification::of(&self.whole, self.model);
        let mut kept: Kept = vec![false; self.operations.len()];
        for id in &self.proof {
            kept[id.index()] = true;
        }
        justification.close_up(&mut kept);
        let of_proof = places(&kept);
        // Where a proof leans on more than the operations that it names, everything is tried.
        let all = (0..self.operations.len() as u32).collect();
        let start = if self.fails(&of_proof, budget) { of_proof } else { all };
        minimize_to(&start, |fewer| {
            let smaller = self.justified(&justification, fewer);
            let fails = smaller.len() < start.len() && self.fails(&smaller, budget);
            if fails { Some(Some(smaller)) } else { budget.check().is_ok().then_some(None) }
        })
    }

    /// As many of these as are justified by each other.
    pub(super) fn justified(&self, justification: &Justification<'_>, wanted: &[u32]) -> Vec<u32> {
        let mut kept: Kept = vec![false; self.operations.len()];
        for &place in wanted {
            kept[place as usize] = true;
        }
        justification.close_down(&mut kept);
        places(&kept)
    }

    /// Whether these alone violate the model in the same way, and each proof of that is one of the whole history.
    pub(super) fn fails(&self, operations: &[u32], budget: &Budget) -> bool {
        let Some(part) = history(&self.header, self.events(operations)) else { return false };
        let findings = crate::judge::checking::check(&part, Some(&[self.model]), budget);
        findings.iter().any(|finding| match &finding.verdict {
            Verdict::Invalid(anomalies) => {
                anomalies.iter().any(|anomaly| self.is_alike(anomaly.kind))
                    && anomalies.iter().all(|anomaly| self.is_of_whole(&part, operations, anomaly))
            }
            _ => false,
        })
    }

    /// A proof that says no more than that there is no order may become one that says why.
    fn is_alike(&self, kind: AnomalyKind) -> bool {
        kind == self.kind || matches!(self.kind, AnomalyKind::NotLinearizable | AnomalyKind::NotSequential)
    }

    /// Whether what a part is said to violate is violated by the whole. Where answers are explained one by one, a part
    /// that is justified says so by itself; what counts or looks at the end is counted in the whole.
    fn is_of_whole(&self, part: &History, operations: &[u32], anomaly: &Anomaly) -> bool {
        let by_itself = matches!(
            self.model,
            ModelName::Linearizable
                | ModelName::Sequential
                | ModelName::RealTimeCausal
                | ModelName::CausalConvergence
                | ModelName::CausalMemory
                | ModelName::Causal
                | ModelName::Pram
                | ModelName::ReadYourWrites
                | ModelName::MonotonicReads
                | ModelName::MonotonicWrites
                | ModelName::WritesFollowReads
                | ModelName::ReadAtomic
                | ModelName::ReadCommittedBe
        );
        by_itself || {
            let id = |id: OperationId| OperationId(operations[id.index()]);
            let step = |step: &Step| Step { operation: id(step.operation), ..step.clone() };
            let witness = Witness {
                model: anomaly.witness.model,
                operations: anomaly.witness.operations.iter().copied().map(id).collect(),
            };
            let in_whole = Anomaly {
                key: anomaly.key.and_then(|key| self.whole.key_id(part.key(key))),
                steps: anomaly.steps.iter().map(step).collect(),
                edges: Vec::new(),
                not_rechecked: None,
                witness,
                ..anomaly.clone()
            };
            checkers::confirm(&self.whole, &in_whole).is_ok()
        }
    }

    fn events(&self, operations: &[u32]) -> Vec<Event> {
        let kept = operations.iter().flat_map(|&place| &self.operations[place as usize]);
        let mut events: Vec<Event> = kept.chain(&self.nemesis).cloned().collect();
        events.sort_by_key(|event| event.index);
        for (index, event) in (0..).zip(&mut events) {
            event.index = index;
        }
        events
    }
}

/// The operations of a proof.
fn named(anomaly: &Anomaly) -> impl Iterator<Item = OperationId> {
    let steps = anomaly.steps.iter().map(|step| step.operation);
    steps.chain(anomaly.witness.operations.iter().copied())
}

fn places(kept: &Kept) -> Vec<u32> {
    (0..).zip(kept).filter(|(_, kept)| **kept).map(|(place, _)| place).collect()
}

fn history(header: &Header, events: Vec<Event>) -> Option<History> {
    let mut pairing = Pairing::new(header.clone());
    for event in events {
        let line = u32::try_from(event.index + 2).ok();
        pairing.push(event, line).ok()?;
    }
    Some(pairing.finish())
}

fn by_operation(events: Vec<Event>) -> (Vec<Event>, Vec<Vec<Event>>) {
    let (mut nemesis, mut operations) = (Vec::new(), Vec::new());
    let mut open: BTreeMap<u32, usize> = BTreeMap::new();
    for event in events {
        match event.process {
            Process::Nemesis => nemesis.push(event),
            Process::Client(process) if event.kind == Kind::Invoke => {
                open.insert(process, operations.len());
                operations.push(vec![event]);
            }
            Process::Client(process) => {
                if let Some(place) = open.remove(&process) {
                    operations[place].push(event);
                }
            }
        }
    }
    (nemesis, operations)
}
