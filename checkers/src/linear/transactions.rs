//! Transactions on registers: they are linearizable where they are strictly serializable.
//!
//! The order of time is tried first, as far as time orders transactions. Where it does not explain every read, the isolation
//! levels decide.

use std::sync::OnceLock;

use histories::{History, OperationId};

use super::{KeyReport, KeyState, search};
use crate::core::object::Part;
use crate::{Anomaly, Budget, Verdict};

/// Asks whether the transactions of a history are strictly serializable, which another family decides.
pub(crate) type AskStrict = fn(&History, &Budget) -> Option<Verdict>;

/// What the isolation levels say of a history; they look at all of its transactions at once.
pub(super) struct Transactions<'h> {
    history: &'h History,
    ask: AskStrict,
    strict: OnceLock<Option<Verdict>>,
}

impl<'h> Transactions<'h> {
    pub(super) fn of(history: &'h History, ask: AskStrict) -> Self {
        Self { history, ask, strict: OnceLock::new() }
    }

    /// `None` where only a search can tell.
    pub(super) fn decide(&self, part: &Part, budget: &Budget) -> Option<KeyReport> {
        if search::follows_time(self.history, part, budget) {
            return Some(self.report(part, "serial order", KeyState::Holds));
        }
        let state = match self.strict.get_or_init(|| (self.ask)(self.history, budget)).as_ref()? {
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
