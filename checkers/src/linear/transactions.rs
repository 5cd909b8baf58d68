//! Transactions on registers: they are linearizable where they are strictly serializable.
//!
//! The order of time is tried first, as far as time orders transactions. Where it does not explain every read, the isolation
//! levels decide.

use std::sync::OnceLock;

use histories::{History, ModelName, OperationId};

use super::{KeyReport, KeyState, search};
use crate::core::object::Part;
use crate::{Anomaly, Budget, Checker, Isolation, Verdict};

/// What the isolation levels say of a history; they look at all of its transactions at once.
pub(super) struct Transactions<'h> {
    history: &'h History,
    strict: OnceLock<Option<Verdict>>,
}

impl<'h> Transactions<'h> {
    pub(super) fn of(history: &'h History) -> Self {
        Self { history, strict: OnceLock::new() }
    }

    /// `None` where only a search can tell.
    pub(super) fn decide(&self, part: &Part, budget: &Budget) -> Option<KeyReport> {
        if search::follows_time(self.history, part, budget) {
            return Some(self.report(part, "serial order", KeyState::Holds));
        }
        let model = ModelName::StrictSerializable;
        let ask = || Some(Isolation.check_some(self.history, &[model], budget).pop()?.verdict);
        let state = match self.strict.get_or_init(ask).as_ref()? {
            Verdict::Valid => KeyState::Holds,
            Verdict::Invalid(anomalies) => {
                let is_of_part = |id: &OperationId| part.operations.binary_search(id).is_ok();
                let is_told = |anomaly: &&Anomaly| anomaly.witness.operations.iter().all(is_of_part);
                KeyState::Violated(Box::new(anomalies.iter().find(is_told)?.clone()))
            }
            Verdict::Unknown(_) | Verdict::Refuted(_) | Verdict::NotApplicable(_) => return None,
        };
        Some(self.report(part, "polygraph", state))
    }

    fn report(&self, part: &Part, method: &'static str, state: KeyState) -> KeyReport {
        let mut report = KeyReport::new(part.key, method);
        report.has_ok = part.operations.iter().any(|&id| self.history.operation(id).is_ok());
        report.state = state;
        report
    }
}
