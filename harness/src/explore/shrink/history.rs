//! Fewer operations of a stored history that still violate the same model in the same way. Only checkers are asked; what
//! ran is not run again.

use std::collections::BTreeMap;

use checkers::{Budget, Finding, Verdict};
use histories::{AnomalyKind, Event, Header, History, Kind, ModelName, Pairing, Process};

use super::delta::minimize;

/// A history's events by operation; what the nemesis did stays.
pub(crate) struct Smaller {
    header: Header,
    nemesis: Vec<Event>,
    operations: Vec<Vec<Event>>,
    pub(crate) model: ModelName,
    pub(crate) kind: AnomalyKind,
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
        let Some(history) = history(&header, events.clone()) else { return Start::Holds };
        let findings =
            crate::judge::checking::check(&history, model.as_ref().map(std::slice::from_ref), budget);
        let violated = |demanded: bool| {
            findings.iter().find_map(|finding| match &finding.verdict {
                Verdict::Invalid(anomalies) if !demanded || header.demands.contains(&finding.model) => {
                    Some((finding.model, anomalies.first()?.kind))
                }
                _ => None,
            })
        };
        let Some((model, kind)) = violated(true).or_else(|| violated(false)) else {
            let unknown = findings.iter().find(|finding| matches!(finding.verdict, Verdict::Unknown(_)));
            let told = |finding: &Finding| {
                format!("{}: {}", finding.model, finding.verdict.why().unwrap_or("no reason was given"))
            };
            return unknown.map(told).map_or(Start::Holds, Start::Undecided);
        };
        let (nemesis, operations) = by_operation(events);
        Start::Fails(Box::new(Self { header, nemesis, operations, model, kind }))
    }

    pub(crate) fn operations(&self) -> usize {
        self.operations.len()
    }

    /// The events that are left when nothing more can be left out, or the budget is spent.
    pub(crate) fn run(&self, budget: &Budget) -> Vec<Event> {
        let kept = minimize(&self.operations, |kept| {
            let fails = self.fails(kept, budget);
            (fails || budget.check().is_ok()).then_some(fails)
        });
        self.events(&kept)
    }

    fn fails(&self, operations: &[Vec<Event>], budget: &Budget) -> bool {
        let Some(history) = history(&self.header, self.events(operations)) else { return false };
        let findings = crate::judge::checking::check(&history, Some(&[self.model]), budget);
        findings.iter().any(|finding| match &finding.verdict {
            Verdict::Invalid(anomalies) => anomalies.iter().any(|anomaly| anomaly.kind == self.kind),
            _ => false,
        })
    }

    fn events(&self, operations: &[Vec<Event>]) -> Vec<Event> {
        let mut events: Vec<Event> = operations.iter().flatten().chain(&self.nemesis).cloned().collect();
        events.sort_by_key(|event| event.index);
        for (index, event) in (0..).zip(&mut events) {
            event.index = index;
        }
        events
    }
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
