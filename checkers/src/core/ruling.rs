//! What a rule found, and the verdict that it comes to.
//!
//! It knows no rule.

use crate::{Anomaly, Figures, Verdict};

/// How many anomalies a finding lists.
const ANOMALIES_MAX: usize = 10;

/// What a rule found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ruling {
    pub(crate) anomalies: Vec<Anomaly>,
    /// What could not be judged, and why.
    pub(crate) undecided: Vec<String>,
    /// How much was judged.
    pub(crate) judged: usize,
    /// Why the rule says nothing about such a history.
    pub(crate) inapplicable: Option<&'static str>,
    pub(crate) figures: Figures,
}

impl Ruling {
    pub(crate) fn not_applicable(why: &'static str) -> Self {
        Self { inapplicable: Some(why), ..Self::default() }
    }

    pub(crate) fn verdict(mut self) -> Verdict {
        if let Some(why) = self.inapplicable {
            return Verdict::NotApplicable(why.into());
        }
        if !self.anomalies.is_empty() {
            self.anomalies.truncate(ANOMALIES_MAX);
            return Verdict::Invalid(self.anomalies);
        }
        match self.undecided.first() {
            Some(why) => Verdict::Unknown(why.clone()),
            None => Verdict::Valid,
        }
    }
}
