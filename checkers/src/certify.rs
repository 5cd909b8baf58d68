//! Evidence for findings: what a certificate says of each model that was decided.
//!
//! The crate `confirm` verifies all of it. Evidence that it refuses is left out, and the claim says so.

use confirm::certificate::{self, Certificate, Claim, Decision, Evidence, Outcome, Subject};
use histories::{History, ModelName, OperationId};

use crate::sequential;
use crate::{Budget, Finding, Linear, Verdict};

/// A proof is enough; so many are told.
const PROOFS_MAX: usize = 3;

/// The evidence for what was found of a history; `sha256` is that of its file.
pub fn certify(history: &History, findings: &[Finding], sha256: String, budget: &Budget) -> Certificate {
    let parts = confirm::parts(history);
    let held = |model| findings.iter().any(|found| found.model == model && found.verdict == Verdict::Valid);
    let in_time = held(ModelName::Linearizable) || held(ModelName::StrictSerializable);
    let mut orders = Orders { history, budget, in_time: None, by_sessions: Sought::NotYet, converges: false };
    if in_time {
        orders.in_time = in_time_order(history, budget);
    }
    if held(ModelName::CausalConvergence) {
        orders.converges = matches!(orders.of(ModelName::CausalConvergence, &held), Evidence::Arbitration(_));
    }
    let claims = findings.iter().filter_map(|finding| {
        let (verdict, evidence) = match &finding.verdict {
            Verdict::Valid => (Decision::Held, orders.of(finding.model, &held)),
            Verdict::Invalid(_) => (Decision::Violated, proofs(history, &parts, finding)),
            Verdict::Unknown(_) | Verdict::Refuted(_) | Verdict::NotApplicable(_) => return None,
        };
        Some(Claim { model: finding.model, verdict, evidence })
    });
    let models = claims.collect();
    let history_of = Subject { sha256 };
    let mut made = Certificate { partita_certificate: certificate::VERSION, history: history_of, models };
    for (claim, outcome) in made.models.clone().iter().zip(certificate::verify(history, &made)) {
        let why = match outcome {
            Outcome::Confirmed | Outcome::NotCertified(_) => continue,
            Outcome::Undecided(why) => why,
            Outcome::Refused(why) => format!("its evidence is refused: {why}"),
        };
        let place = made.models.iter().position(|other| other.model == claim.model);
        if let Some(place) = place {
            made.models[place].evidence = Evidence::NotCertified(why);
        }
    }
    made
}

/// The orders that show what held, each found once.
struct Orders<'a> {
    history: &'a History,
    budget: &'a Budget,
    in_time: Option<Vec<u32>>,
    by_sessions: Sought,
    /// Whether the certificate shows causal convergence by an arbitration.
    converges: bool,
}

impl Orders<'_> {
    fn of(&mut self, model: ModelName, held: &impl Fn(ModelName) -> bool) -> Evidence {
        let none = || Evidence::NotCertified("no order was found that shows it".to_owned());
        let sequential = ModelName::Sequential;
        match model {
            ModelName::Linearizable | ModelName::StrictSerializable | ModelName::RealTimeCausal => {
                self.in_time.clone().map_or_else(none, Evidence::Order)
            }
            ModelName::Sequential | ModelName::StrongSessionSerializable => {
                self.by_sessions().map_or_else(none, Evidence::Order)
            }
            ModelName::Serializable | ModelName::RepeatableRead => {
                self.by_sessions().or_else(|| self.in_time.clone()).map_or_else(none, Evidence::Order)
            }
            _ if held(sequential)
                && certificate::implied_by(sequential).contains(&model)
                && self.by_sessions().is_some() =>
            {
                Evidence::ImpliedBy(sequential)
            }
            ModelName::CausalConvergence => self.arbitration(model),
            _ if self.converges && certificate::implied_by(ModelName::CausalConvergence).contains(&model) => {
                Evidence::ImpliedBy(ModelName::CausalConvergence)
            }
            ModelName::Causal
            | ModelName::ReadYourWrites
            | ModelName::MonotonicReads
            | ModelName::MonotonicWrites
            | ModelName::WritesFollowReads => self.arbitration(model),
            ModelName::CausalMemory | ModelName::Pram => Evidence::NotCertified(
                "an order for each session would be larger than the history".to_owned(),
            ),
            _ => Evidence::NotCertified("there is no certificate for this model".to_owned()),
        }
    }

    fn arbitration(&self, model: ModelName) -> Evidence {
        certificate::arbitrate(self.history, model).map_or_else(Evidence::NotCertified, Evidence::Arbitration)
    }

    fn by_sessions(&mut self) -> Option<Vec<u32>> {
        if matches!(self.by_sessions, Sought::NotYet) {
            let in_time = self.in_time.clone().filter(|order| keeps_sessions(self.history, order));
            let found = in_time.or_else(|| {
                let order = sequential::order_of(self.history, self.budget)?;
                Some(order.into_iter().map(|id| self.history.operation(id).call_event).collect())
            });
            self.by_sessions = found.map_or(Sought::Missing, Sought::Found);
        }
        if let Sought::Found(order) = &self.by_sessions { Some(order.clone()) } else { None }
    }
}

/// An order that is sought once.
enum Sought {
    NotYet,
    Missing,
    Found(Vec<u32>),
}

fn keeps_sessions(history: &History, order: &[u32]) -> bool {
    let claim = Claim {
        model: ModelName::Sequential,
        verdict: Decision::Held,
        evidence: Evidence::Order(order.to_vec()),
    };
    let subject = Subject { sha256: String::new() };
    let alone =
        Certificate { partita_certificate: certificate::VERSION, history: subject, models: vec![claim] };
    certificate::verify(history, &alone) == [Outcome::Confirmed]
}

/// One order of all operations that respects time: each stands at the latest invocation of those before it on its object.
fn in_time_order(history: &History, budget: &Budget) -> Option<Vec<u32>> {
    let mut placed: Vec<(u64, OperationId)> = Vec::with_capacity(history.operations().len());
    for found in Linear::default().linearizations(history, budget) {
        let mut moment = 0;
        for id in found.order.ok()? {
            moment = history.operation(id).invoked.0.max(moment);
            placed.push((moment, id));
        }
    }
    placed.sort_by_key(|(moment, _)| *moment);
    // A drain whose answer never came stands once for each element that it took, and an order names operations once.
    let mut ids: Vec<OperationId> = placed.iter().map(|(_, id)| *id).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    Some(placed.into_iter().map(|(_, id)| history.operation(id).call_event).collect())
}

fn proofs(history: &History, parts: &[confirm::Part], finding: &Finding) -> Evidence {
    let is_told = |anomaly: &&crate::Anomaly| {
        anomaly.witness.model == finding.model
            && anomaly.not_rechecked.is_none()
            && certificate::is_provable(history, parts, anomaly)
    };
    let anomalies = finding.verdict.anomalies().iter().filter(is_told).take(PROOFS_MAX);
    let proofs: Vec<_> = anomalies.map(|anomaly| certificate::proof(history, anomaly)).collect();
    if proofs.is_empty() {
        let why = "there is no certificate for violations of this kind, or too much to re-check";
        return Evidence::NotCertified(why.to_owned());
    }
    Evidence::Proofs(proofs)
}

#[cfg(test)]
mod tests;
