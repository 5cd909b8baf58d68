//! What a checker says.

use std::time::Duration;

use histories::{History, ModelName};

use crate::{Anomaly, Budget, Figures};

/// Whether a model held. Merged, the worst wins: invalid, then unknown, then valid.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Valid,
    /// Each anomaly is proof enough.
    Invalid(Vec<Anomaly>),
    /// Not decided: the budget ran out, or evidence is missing. Says how far it got.
    Unknown(String),
    /// Not decided because of a bug of ours: the re-check refuted every proof. Says which proof, and why. Counts as unknown.
    Refuted(String),
    /// The model says nothing about such a history, or no rule here decides it. Never a pass.
    NotApplicable(String),
}

impl Verdict {
    /// As it stands in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid(_) => "invalid",
            Self::Unknown(_) | Self::Refuted(_) => "unknown",
            Self::NotApplicable(_) => "not-applicable",
        }
    }

    pub fn anomalies(&self) -> &[Anomaly] {
        if let Self::Invalid(anomalies) = self { anomalies } else { &[] }
    }

    /// Why it is unknown or not applicable.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Unknown(why) | Self::Refuted(why) | Self::NotApplicable(why) => Some(why),
            Self::Valid | Self::Invalid(_) => None,
        }
    }
}

/// The method of a verdict that follows from another model's.
pub const IMPLIED: &str = "implied";

/// One model's verdict, how it was reached and what was measured on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub model: ModelName,
    pub verdict: Verdict,
    /// The algorithm, as `zones` or `chains`; [`IMPLIED`] where there was none.
    pub method: &'static str,
    pub figures: Figures,
    pub elapsed: Duration,
}

/// Decides one or more models. Pure: the same history gives the same findings.
pub trait Checker: Send + Sync {
    fn name(&self) -> &'static str;
    /// The models that [`Checker::check`] returns a finding for, each exactly once.
    fn models(&self) -> &'static [ModelName];
    fn check(&self, history: &History, budget: &Budget) -> Vec<Finding>;
    /// Findings for some of its models, and for others only where they cost nothing more.
    fn check_some(&self, history: &History, _models: &[ModelName], budget: &Budget) -> Vec<Finding> {
        self.check(history, budget)
    }
}
