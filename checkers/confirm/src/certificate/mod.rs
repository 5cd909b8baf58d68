//! Certificates: what convinces a sceptic of a verdict, model by model. `docs/certificates.md` specifies the format.
//!
//! A model that held is shown by an order, a model that was violated by operations that contradict it. This module looks at
//! the history and the certificate alone.

mod arbitrate;
mod arbitration;
mod columns;
mod edges;
mod order;
mod sessions;

use finding::{Anomaly, Witness};
use histories::{AnomalyKind, History, ModelName, OperationId};
use serde::{Deserialize, Serialize};

use crate::Unconfirmed;
use crate::parts::Part;
pub use arbitrate::arbitrate;
use edges::Edge;
use order::Demands;

/// The version of the format.
pub const VERSION: u32 = 1;

/// Evidence for the verdicts on one history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The version of the format.
    pub partita_certificate: u32,
    pub history: Subject,
    pub models: Vec<Claim>,
}

/// Which history a certificate is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Of the uncompressed bytes of the file, in hexadecimal digits.
    pub sha256: String,
}

/// A verdict on one model, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    pub model: ModelName,
    pub verdict: Decision,
    #[serde(flatten)]
    pub evidence: Evidence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    Held,
    Violated,
}

/// Operations are named by the `index` of their invocation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A legal order of all operations, without those that took no effect.
    Order(Vec<u32>),
    /// An order of operations in which what is visible is settled.
    Arbitration(Vec<u32>),
    /// A model with evidence of its own in the same certificate, which implies this one.
    ImpliedBy(ModelName),
    /// Each contradicts the model by itself.
    Proofs(Vec<Proof>),
    /// Why there is no evidence.
    NotCertified(String),
}

/// Operations that contradict a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// What it is called.
    pub anomaly: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub operations: Vec<u32>,
    /// Which of them come before which, and why. They explain; the proof rests on the operations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Edge>,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Confirmed,
    /// It is wrong: says why.
    Refused(String),
    /// There is too much to try, or no rule: says why.
    Undecided(String),
    NotCertified(String),
}

/// By claim, what became of it.
pub fn verify(history: &History, certificate: &Certificate) -> Vec<Outcome> {
    let numbers = Numbers::of(history);
    let outcomes = certificate.models.iter().map(|claim| verify_claim(history, &numbers, claim));
    let mut outcomes: Vec<Outcome> = outcomes.collect();
    // What is implied stands with what implies it.
    for (place, claim) in certificate.models.iter().enumerate() {
        let Evidence::ImpliedBy(stronger) = claim.evidence else { continue };
        outcomes[place] = implied(certificate, &outcomes, claim, stronger);
    }
    outcomes
}

/// From the `index` of an invocation to its operation.
pub(crate) struct Numbers(std::collections::BTreeMap<u32, OperationId>);

impl Numbers {
    fn of(history: &History) -> Self {
        Self(history.iter().map(|(id, op)| (op.call_event, id)).collect())
    }

    fn operations(&self, indices: &[u32]) -> Result<Vec<OperationId>, String> {
        let known = |index: &u32| {
            let id = self.0.get(index).copied();
            id.ok_or_else(|| format!("no operation is invoked at index {index}"))
        };
        indices.iter().map(known).collect()
    }
}

fn verify_claim(history: &History, numbers: &Numbers, claim: &Claim) -> Outcome {
    let shown = match (&claim.evidence, claim.verdict) {
        (Evidence::NotCertified(why), _) => return Outcome::NotCertified(why.clone()),
        (Evidence::ImpliedBy(_), Decision::Held) => return Outcome::Confirmed,
        (Evidence::Order(order), Decision::Held) => match Demands::of(claim.model) {
            Some(demands) => order::verify(history, demands, numbers.operations(order)),
            None => Err("an order is no evidence for this model".into()),
        },
        (Evidence::Arbitration(order), Decision::Held) => {
            let operations = numbers.operations(order);
            arbitration::verify(history, claim.model, operations)
        }
        (Evidence::Proofs(proofs), Decision::Violated) if !proofs.is_empty() => {
            proofs.iter().try_for_each(|proof| verify_proof(history, numbers, claim.model, proof))
        }
        _ => Err("the evidence does not fit the verdict".into()),
    };
    match shown {
        Ok(()) => Outcome::Confirmed,
        Err(Unconfirmed::Refuted(why)) => Outcome::Refused(why),
        Err(why @ Unconfirmed::TooLarge { .. }) => Outcome::Undecided(why.to_string()),
    }
}

fn implied(certificate: &Certificate, outcomes: &[Outcome], claim: &Claim, stronger: ModelName) -> Outcome {
    let is_stronger = |other: &&Claim| {
        other.model == stronger
            && other.verdict == Decision::Held
            && matches!(other.evidence, Evidence::Order(_) | Evidence::Arbitration(_))
    };
    let known = implied_by(stronger).contains(&claim.model);
    let Some(place) = certificate.models.iter().position(|other| is_stronger(&other)) else {
        return Outcome::Refused(format!("there is no evidence that {stronger} held"));
    };
    match (&outcomes[place], known && claim.verdict == Decision::Held) {
        (Outcome::Confirmed, true) => Outcome::Confirmed,
        (_, true) => Outcome::Refused(format!("{stronger} is not confirmed")),
        (_, false) => Outcome::Refused(format!("{stronger} does not imply {}", claim.model)),
    }
}

/// What an order or an arbitration that shows a model shows of others.
pub fn implied_by(model: ModelName) -> &'static [ModelName] {
    use ModelName as M;
    const BELOW_CONVERGENCE: [M; 7] = [
        M::Causal,
        M::ReadYourWrites,
        M::MonotonicReads,
        M::MonotonicWrites,
        M::WritesFollowReads,
        M::ReadAtomic,
        M::ReadCommittedBe,
    ];
    const BELOW_SEQUENTIAL: [M; 10] = [
        M::CausalMemory,
        M::Pram,
        M::CausalConvergence,
        M::Causal,
        M::ReadYourWrites,
        M::MonotonicReads,
        M::MonotonicWrites,
        M::WritesFollowReads,
        M::ReadAtomic,
        M::ReadCommittedBe,
    ];
    match model {
        M::Sequential => &BELOW_SEQUENTIAL,
        M::CausalConvergence => &BELOW_CONVERGENCE,
        _ => &[],
    }
}

/// Whether a certificate can show by such an anomaly that its model was violated. `parts` are those of the history.
pub fn is_provable(history: &History, parts: &[Part], anomaly: &Anomaly) -> bool {
    use AnomalyKind as K;
    let on_registers = || {
        let is_register = |id: &OperationId| {
            let key = history.operation(*id).key;
            parts.iter().any(|part| part.key == key && part.is_of_registers())
        };
        anomaly.witness.operations.iter().all(is_register)
    };
    let by_itself = matches!(anomaly.kind, K::IntermediateRead | K::InternalRead | K::NonRepeatableRead);
    match anomaly.witness.model {
        ModelName::Linearizable => !by_itself,
        ModelName::Sequential
        | ModelName::RealTimeCausal
        | ModelName::CausalConvergence
        | ModelName::CausalMemory
        | ModelName::Causal
        | ModelName::Pram
        | ModelName::ReadAtomic
        | ModelName::ReadYourWrites
        | ModelName::MonotonicReads
        | ModelName::MonotonicWrites
        | ModelName::WritesFollowReads => !by_itself && on_registers(),
        _ => false,
    }
}

/// What a certificate says of an anomaly.
pub fn proof(history: &History, anomaly: &Anomaly) -> Proof {
    let index = |id: &OperationId| history.operation(*id).call_event;
    Proof {
        anomaly: anomaly.kind.name().to_owned(),
        key: anomaly.key.map(|key| history.key(key).to_string()),
        operations: anomaly.witness.operations.iter().map(index).collect(),
        edges: anomaly.edges.iter().map(|edge| Edge::of(history, edge)).collect(),
    }
}

fn verify_proof(
    history: &History,
    numbers: &Numbers,
    model: ModelName,
    proof: &Proof,
) -> Result<(), Unconfirmed> {
    let kind = AnomalyKind::ALL.iter().copied().find(|kind| kind.name() == proof.anomaly);
    let kind = kind.ok_or_else(|| format!("no anomaly is called {}", proof.anomaly))?;
    let key = match &proof.key {
        Some(name) => {
            Some(history.key_id(&name.as_str().into()).ok_or_else(|| format!("no key is called {name}"))?)
        }
        None => None,
    };
    let operations = numbers.operations(&proof.operations)?;
    let is_elsewhere = |id: &&OperationId| history.operation(**id).key != key;
    if let (ModelName::Linearizable, Some(id)) = (model, operations.iter().find(is_elsewhere)) {
        return Err(format!("{} is on another object", crate::named(history, *id)).into());
    }
    let witness = Witness { model, operations };
    let anomaly = Anomaly {
        kind,
        key,
        witness,
        summary: String::new(),
        steps: Vec::new(),
        facts: Vec::new(),
        edges: Vec::new(),
        not_rechecked: None,
    };
    for edge in &proof.edges {
        edges::verify(history, numbers, edge)?;
    }
    crate::confirm(history, &anomaly)
}
