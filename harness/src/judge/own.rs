//! Properties that a program brings along beside our models, checked after every run and by `partita check`.

use std::sync::OnceLock;

use histories::{History, OperationId};

use super::outcome::{AnomalyReport, OperationReport, Outcome, RunOutcome, VerdictReport};
use super::verdict::{Expected, Subject, VerdictKind, Violation};

/// A checker of one's own: a pure function from what clients saw to whether a property held.
pub trait PropertyChecker: Send + Sync {
    /// What is checked, as reports name it.
    fn name(&self) -> &'static str;
    fn check(&self, history: &History) -> Property;
}

/// Whether a property held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Property {
    Held,
    /// Each counterexample is proof enough.
    Violated(Vec<Counterexample>),
    /// It could not be decided, and why.
    Unknown(String),
    /// It says nothing about such a history, and why.
    NotApplicable(String),
}

/// What shows that a property did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// In a sentence.
    pub summary: String,
    /// The operations that it is about.
    pub operations: Vec<OperationId>,
}

/// Those that this program brings along, told once when it starts.
static OWN: OnceLock<Vec<Box<dyn PropertyChecker>>> = OnceLock::new();

/// To be called once, before anything is checked.
pub(crate) fn install(own: Vec<Box<dyn PropertyChecker>>) {
    OWN.get_or_init(|| own);
}

/// What they say of a history. Whatever is checked is expected to hold.
pub(crate) fn verdicts(history: &History) -> Vec<VerdictReport> {
    let own = OWN.get().map(Vec::as_slice).unwrap_or_default();
    own.iter().map(|checker| report(history, checker.name(), checker.check(history))).collect()
}

/// Adds these verdicts to an outcome; one that is invalid is a violation.
pub(super) fn add(outcome: &mut RunOutcome, history: &History) {
    for verdict in verdicts(history) {
        if verdict.is(VerdictKind::Invalid) {
            outcome.outcome = Outcome::Violation;
        }
        outcome.verdicts.push(verdict);
    }
}

fn report(history: &History, name: &'static str, property: Property) -> VerdictReport {
    let (verdict, why, counterexamples) = match property {
        Property::Held => (VerdictKind::Valid, None, Vec::new()),
        Property::Violated(shown) => (VerdictKind::Invalid, None, shown),
        Property::Unknown(why) => (VerdictKind::Unknown, Some(why), Vec::new()),
        Property::NotApplicable(why) => (VerdictKind::NotApplicable, Some(why), Vec::new()),
    };
    let anomaly = |shown: &Counterexample| {
        let operations = shown.operations.iter().map(|&id| history.operation(id));
        let events = operations.map(|operation| operation.call_event).collect::<Vec<_>>();
        let explanation = format!("error[{name}]: {}", shown.summary);
        AnomalyReport {
            lines: events.iter().filter_map(|&event| history.line(event)).collect(),
            events,
            operations: shown.operations.iter().map(|&id| OperationReport::of(history, id, "")).collect(),
            ..AnomalyReport::told(Violation::Property(name), shown.summary.clone(), explanation)
        }
    };
    VerdictReport {
        subject: Subject::Property(name),
        verdict,
        method: "own".to_owned(),
        why,
        elapsed_ms: 0.0,
        expected: Some(Expected::Valid),
        refuted: false,
        anomalies: counterexamples.iter().map(anomaly).collect(),
    }
}
