//! Session guarantees of registers, each alone, as far as it is certain what each operation saw.
//!
//! It never combines guarantees, and never uses real time: a session's order and what it saw are all there is.

mod cycle;
mod guarantees;
#[cfg(test)]
mod tests;

use finding::Stopwatch;
use histories::{AnomalyKind, History, ModelName, OperationId};

use crate::{
    Anomaly, Budget, Checker, EdgeReason, Exhausted, Figures, Finding, ProofEdge, Step, Verdict, Witness,
    words,
};

use crate::core::sessions::{NoTable, Table};
use cycle::Hop;
use guarantees::Demands;

const MODELS: [ModelName; 4] = [
    ModelName::ReadYourWrites,
    ModelName::MonotonicReads,
    ModelName::MonotonicWrites,
    ModelName::WritesFollowReads,
];

/// Decides the four session guarantees, each by the cycles in what it demands of the arbitration.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sessions;

impl Checker for Sessions {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn models(&self) -> &'static [ModelName] {
        &MODELS
    }

    fn check(&self, history: &History, budget: &Budget) -> Vec<Finding> {
        let started = Stopwatch::start();
        let table = Table::of(history, budget);
        let finding = |model| {
            let own = Stopwatch::start();
            let verdict = match &table {
                Ok(table) => decide(history, table, model, budget),
                Err(NoTable::NotApplicable(why)) => Verdict::NotApplicable(why.clone()),
                Err(NoTable::Exhausted) => Verdict::Unknown(Exhausted.to_string()),
                Err(NoTable::Unexplained(anomaly)) => Verdict::Invalid(vec![of_model(anomaly, model)]),
            };
            let elapsed = if model == MODELS[0] { started.elapsed() } else { own.elapsed() };
            Finding { model, verdict, method: "arbitration", figures: Figures::default(), elapsed }
        };
        MODELS.map(finding).into()
    }
}

fn of_model(anomaly: &Anomaly, model: ModelName) -> Anomaly {
    let mut anomaly = anomaly.clone();
    anomaly.witness.model = model;
    anomaly
}

fn decide(history: &History, table: &Table, model: ModelName, budget: &Budget) -> Verdict {
    if table.left_out.is_none() && !table.acts.iter().any(|act| act.acknowledged) {
        return Verdict::Unknown("nothing was observed: no operation succeeded".into());
    }
    let demands = match model {
        ModelName::ReadYourWrites => guarantees::read_your_writes(table),
        ModelName::MonotonicReads => guarantees::monotonic_reads(table),
        ModelName::MonotonicWrites => guarantees::monotonic_writes(table),
        _ => guarantees::writes_follow_reads(table),
    };
    if let Some(pair) = demands.absent {
        return Verdict::Invalid(vec![absent(history, model, pair)]);
    }
    match cycle::short(&demands, table.writes, budget) {
        Ok(None) => match &table.left_out {
            None => Verdict::Valid,
            Some(why) => {
                Verdict::Unknown(format!("what is certain shows no violation of {model}, but {why}"))
            }
        },
        Ok(Some(hops)) => Verdict::Invalid(vec![circle(history, table, model, &hops)]),
        Err(Exhausted) => Verdict::Unknown(undecided(&demands)),
    }
}

fn undecided(demands: &Demands) -> String {
    format!("{Exhausted}; {} demands were not tried for a cycle", demands.edges.len())
}

fn kind(model: ModelName) -> AnomalyKind {
    match model {
        ModelName::ReadYourWrites => AnomalyKind::MissedOwnWrite,
        ModelName::MonotonicReads => AnomalyKind::NonMonotonicRead,
        _ => AnomalyKind::Conflict,
    }
}

fn absent(history: &History, model: ModelName, (first, then): (OperationId, OperationId)) -> Anomaly {
    let key = history.operation(then).key;
    let (name, at_first) = (words::key(history, key), words::at_first(history));
    let steps = vec![
        words::completed(history, first, format!("{name} had a value")),
        words::completed(history, then, format!("found {name} {at_first}")),
    ];
    Anomaly {
        kind: kind(model),
        edges: Vec::new(),
        not_rechecked: None,
        summary: format!("{} and then found it {at_first}", words::clause(history, first)),
        key,
        facts: vec![format!("{name} was {at_first} only before its first write")],
        witness: Witness { model, operations: vec![first, then] },
        steps,
    }
}

fn circle(history: &History, table: &Table, model: ModelName, hops: &[Hop]) -> Anomaly {
    let mut steps: Vec<Step> = Vec::new();
    let mut facts = Vec::new();
    for hop in hops {
        let (from, to) = (table.writer(hop.from), table.writer(hop.to));
        let (from, to) = (words::told(&history.as_recorded(from)), words::told(&history.as_recorded(to)));
        let then = words::clause(history, hop.then);
        facts.push(format!("{from} before {to}: {} and then {then}", words::clause(history, hop.first)));
        for (operation, value) in [(hop.first, &from), (hop.then, &to)] {
            if steps.iter().all(|step| step.operation != operation) {
                steps.push(words::completed(history, operation, format!("{value} for its session")));
            }
        }
    }
    let operations = hops.iter().flat_map(|hop| [hop.first, hop.then]).collect();
    let summary = hops.last().map_or_else(String::new, |hop| {
        format!(
            "{} and then {}, against the order that others saw",
            words::clause(history, hop.first),
            words::clause(history, hop.then)
        )
    });
    let key = hops.first().and_then(|hop| history.operation(table.writer(hop.to)).key);
    Anomaly {
        kind: kind(model),
        summary,
        key,
        steps,
        facts,
        edges: edges(history, table, hops),
        not_rechecked: None,
        witness: Witness { model, operations },
    }
}

/// Each session's two operations in its order; what the second wrote or saw is what the first of the next began with.
fn edges(history: &History, table: &Table, hops: &[Hop]) -> Vec<ProofEdge> {
    let next = hops.iter().cycle().skip(1);
    let edges = hops.iter().zip(next).flat_map(|(hop, next)| {
        let id = table.writer(hop.to);
        let (key, value) =
            (words::key(history, history.operation(id).key), words::value(&history.as_recorded(id)));
        let session = ProofEdge { from: hop.first, to: hop.then, reason: EdgeReason::Session };
        let same = ProofEdge { from: hop.then, to: next.first, reason: EdgeReason::SameValue { key, value } };
        [session, same]
    });
    edges.filter(|edge| edge.from != edge.to).collect()
}
