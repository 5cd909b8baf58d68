//! Causal consistency, and its neighbours, of reads and writes in sessions.
//!
//! It never guesses: where it is not certain what a read saw, or other data types are at work, nothing is called valid.

mod analysis;
mod atomic;
mod clocks;
mod columns;
mod compile;
mod cut;
mod draft;
mod explain;
pub(crate) mod graph;
mod joint;
#[cfg(test)]
mod oracle;
pub(crate) mod order;
mod overtaken;
mod proof;
mod real_time;
mod resolve;
mod serial;
mod sets;
mod shortest;
#[cfg(test)]
pub(crate) mod tests;
mod undecided;
mod view;

use finding::Stopwatch;
use histories::{History, ModelName, OperationId};

use crate::hierarchy::Hierarchy;
use crate::{Anomaly, Budget, Checker, Exhausted, Figures, Finding, Verdict};

pub(crate) use overtaken::overtaken;
pub use sets::{SessionSets, session_sets};

use analysis::Analysis;
use columns::FlawKind;
use compile::Compiled;
use draft::Unfit;
use undecided::{left_out, unfit_verdict};

/// How many anomalies of reads that no order explains a finding lists.
const FLAWS_MAX: usize = 10;

/// Decides causal consistency in its three forms, and what stands beside and below it.
///
/// After Bouajjani, Enea, Guerraoui and Hamza, "On verifying causal consistency", POPL 2017: causal convergence by
/// one scan with vector clocks, O(n k) for n transactions in k sessions that write.
#[derive(Clone, Copy, Debug, Default)]
pub struct Causal;

impl Checker for Causal {
    fn name(&self) -> &'static str {
        "causal"
    }

    fn models(&self) -> &'static [ModelName] {
        &[
            ModelName::RealTimeCausal,
            ModelName::CausalConvergence,
            ModelName::CausalMemory,
            ModelName::Causal,
            ModelName::Pram,
            ModelName::ReadAtomic,
            ModelName::ReadCommittedBe,
        ]
    }

    fn check(&self, history: &History, budget: &Budget) -> Vec<Finding> {
        causal_models(history, self.models(), budget)
    }

    fn check_some(&self, history: &History, models: &[ModelName], budget: &Budget) -> Vec<Finding> {
        let demanded: Vec<ModelName> =
            self.models().iter().copied().filter(|model| models.contains(model)).collect();
        causal_models(history, &demanded, budget)
    }
}

/// Decides some of [`Causal`]'s models, those that imply others first.
pub fn causal_models(history: &History, models: &[ModelName], budget: &Budget) -> Vec<Finding> {
    let started = Stopwatch::start();
    let compiled = match compile::compile(history, budget) {
        Ok(compiled) => compiled,
        Err(unfit) => {
            let verdict = unfit_verdict(history, &unfit);
            return models.iter().map(|&model| finding(model, verdict.clone(), started)).collect();
        }
    };
    let analysis = Analysis::new(history, &compiled.columns, budget);
    // What all models share is counted as the time of the one that it decides.
    let shared = started.elapsed();
    let ladder = Hierarchy::default();
    let mut held = Vec::new();
    let mut findings = Vec::new();
    for &model in models {
        let started = Stopwatch::start();
        let implied = held.iter().any(|&stronger| ladder.implies(stronger, model));
        let transactional = matches!(model, ModelName::ReadAtomic | ModelName::ReadCommittedBe);
        let verdict = match &analysis {
            _ if transactional && !compiled.has_transactions => {
                Verdict::NotApplicable("there are no transactions".into())
            }
            _ if model == ModelName::RealTimeCausal && !history.has_real_time() => {
                Verdict::NotApplicable("the history does not tell what preceded what in real time".into())
            }
            Ok(_) if implied => decided(history, &compiled, model, None),
            Ok(analysis) => verdict(history, &compiled, analysis, model, budget),
            Err(exhausted) => Verdict::Unknown(exhausted.to_string()),
        };
        if verdict == Verdict::Valid {
            held.push(model);
        }
        let mut finding = finding(model, verdict, started);
        if model == ModelName::CausalConvergence {
            finding.elapsed += shared;
        }
        findings.push(finding);
    }
    findings
}

/// Transactions that no order of whole transactions explains, where what is forced by reads of which it is certain what
/// they saw shows any.
pub(crate) fn contradiction(
    history: &History,
    budget: &Budget,
) -> Result<Option<Vec<OperationId>>, Exhausted> {
    let columns = match compile::compile(history, budget) {
        // A read that no order explains is told as such.
        Ok(compiled) if compiled.columns.flaws.is_empty() => compiled.columns,
        Err(Unfit::Exhausted) => return Err(Exhausted),
        _ => return Ok(None),
    };
    let named = serial::contradiction(&columns, budget)?;
    Ok(named.map(|named| named.iter().map(|&t| columns.operation[t as usize]).collect()))
}

fn finding(model: ModelName, verdict: Verdict, started: Stopwatch) -> Finding {
    let method = match model {
        ModelName::CausalMemory | ModelName::Pram => "views",
        ModelName::ReadAtomic | ModelName::ReadCommittedBe => "direct predecessors",
        _ => "vector clocks",
    };
    Finding { model, verdict, method, figures: Figures::default(), elapsed: started.elapsed() }
}

fn verdict(
    history: &History,
    compiled: &Compiled<'_>,
    analysis: &Analysis<'_>,
    model: ModelName,
    budget: &Budget,
) -> Verdict {
    let counts = |kind: &FlawKind| model != ModelName::ReadCommittedBe || *kind != FlawKind::NonRepeatable;
    let flaws = compiled.columns.flaws.iter().filter(|flaw| counts(&flaw.kind)).take(FLAWS_MAX);
    let flaws: Vec<Anomaly> = flaws.map(|flaw| explain::flaw(compiled, flaw, model)).collect();
    if !flaws.is_empty() {
        return Verdict::Invalid(flaws);
    }
    match analysis.decide(model, budget) {
        Err(exhausted @ Exhausted) => Verdict::Unknown(exhausted.to_string()),
        Ok(None) => decided(history, compiled, model, None),
        Ok(Some(proof)) => {
            let (part, proof) = cut::cut(proof, history, &compiled.columns, model);
            decided(history, compiled, model, Some(explain::anomaly(compiled, &part, &proof, model)))
        }
    }
}

fn decided(
    history: &History,
    compiled: &Compiled<'_>,
    model: ModelName,
    anomaly: Option<Anomaly>,
) -> Verdict {
    match (anomaly, &compiled.beside, &compiled.uncertain) {
        (Some(anomaly), ..) => Verdict::Invalid(vec![anomaly]),
        (None, Some(function), _) => Verdict::Unknown(format!(
            "the registers by themselves show no violation of {model}, but there are keys that {function} changes"
        )),
        (None, None, Some(uncertain)) => Verdict::Unknown(format!(
            "what is certain shows no violation of {model}, but {}",
            left_out(history, uncertain)
        )),
        (None, None, None) => Verdict::Valid,
    }
}
