//! Fewer operations of a stored history that still violate the same model in the same way. Only checkers are asked; what
//! ran is not run again.

use std::collections::BTreeMap;

use checkers::{Budget, Verdict};
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

impl Smaller {
    /// `None` where nothing is violated. `demanded` are looked at before all others.
    pub(crate) fn of(
        header: Header,
        events: Vec<Event>,
        model: Option<ModelName>,
        budget: &Budget,
    ) -> Option<Self> {
        let history = history(&header, events.clone())?;
        let findings = crate::checking::check(&history, model.as_ref().map(std::slice::from_ref), budget);
        let violated = |demanded: bool| {
            findings.iter().find_map(|finding| match &finding.verdict {
                Verdict::Invalid(anomalies) if !demanded || header.demands.contains(&finding.model) => {
                    Some((finding.model, anomalies.first()?.kind))
                }
                _ => None,
            })
        };
        let (model, kind) = violated(true).or_else(|| violated(false))?;
        let (nemesis, operations) = by_operation(events);
        Some(Self { header, nemesis, operations, model, kind })
    }

    pub(crate) fn operations(&self) -> usize {
        self.operations.len()
    }

    /// The events that are left.
    pub(crate) fn run(&self, budget: &Budget) -> Vec<Event> {
        let kept = minimize(&self.operations, |kept| Some(self.fails(kept, budget)));
        self.events(&kept)
    }

    fn fails(&self, operations: &[Vec<Event>], budget: &Budget) -> bool {
        let Some(history) = history(&self.header, self.events(operations)) else { return false };
        let findings = crate::checking::check(&history, Some(&[self.model]), budget);
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
