//! The checkers of families that ask others something: here each is given whom it asks, so that no family imports
//! another.
//!
//! It decides nothing by itself.

use histories::{History, ModelName};

use crate::sequential::Others;
use crate::{
    Budget, Causal, Checker, Finding, Isolation, Linear, Policy, Sequential, Verdict, causal, policy,
    sequential,
};

impl Checker for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::Linearizable]
    }

    fn check(&self, history: &History, budget: &Budget) -> Vec<Finding> {
        let strict =
            |history: &History, budget: &Budget| isolation(history, ModelName::StrictSerializable, budget);
        vec![self.finding(history, budget, strict)]
    }
}

impl Checker for Sequential {
    fn name(&self) -> &'static str {
        "sequential"
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::Sequential]
    }

    fn check(&self, history: &History, budget: &Budget) -> Vec<Finding> {
        let others = Others {
            strong_session_serializable: |history, budget| {
                isolation(history, ModelName::StrongSessionSerializable, budget)
            },
            causal_violation,
            contradiction: causal::contradiction,
            linearization: |history, part, budget, steps_max| {
                Linear::default().order(history, part, budget, steps_max)
            },
        };
        vec![sequential::finding(history, budget, others)]
    }
}

impl Checker for Policy {
    fn name(&self) -> &'static str {
        "conflict-policy"
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::ConflictPolicy]
    }

    fn check(&self, history: &History, budget: &Budget) -> Vec<Finding> {
        vec![policy::finding(history, budget, causal::overtaken)]
    }
}

/// What the isolation levels say of one of them.
fn isolation(history: &History, model: ModelName, budget: &Budget) -> Option<Verdict> {
    Some(Isolation.check_some(history, &[model], budget).pop()?.verdict)
}

/// A violation of causal convergence or of causal memory.
fn causal_violation(history: &History, budget: &Budget) -> Option<Verdict> {
    let invalid = |finding: &Finding| {
        matches!(finding.model, ModelName::CausalConvergence | ModelName::CausalMemory)
            && matches!(finding.verdict, Verdict::Invalid(_))
    };
    Causal.check(history, budget).into_iter().find(invalid).map(|finding| finding.verdict)
}
