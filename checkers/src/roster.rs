//! Which checkers there are.
//!
//! It asks none of them anything.

use histories::ModelName;

use crate::hierarchy::Hierarchy;
use crate::{
    Causal, Checker, Convergent, Durable, Inserts, Isolation, Linear, Logs, Policy, Rules, Sequential,
    Sessions,
};

/// Every checker, the strongest model first.
pub fn all() -> Vec<Box<dyn Checker>> {
    vec![
        Box::new(Linear::default()),
        // Before the one that says nothing of histories without transactions.
        Box::new(Inserts),
        Box::new(Isolation),
        Box::new(Causal),
        Box::new(Sequential),
        Box::new(Sessions),
        Box::new(Durable),
        Box::new(Convergent),
        Box::new(Policy),
        Box::new(Rules),
        Box::new(Logs),
    ]
}

/// The checkers that decide these models, and those whose findings may imply them.
pub fn checkers_for(models: &[ModelName]) -> Vec<Box<dyn Checker>> {
    let ladder = Hierarchy::default();
    let helps = |checker: &dyn Checker| {
        checker.models().iter().any(|&decided| {
            models.iter().any(|&model| ladder.implies(decided, model) || ladder.implies(model, decided))
        })
    };
    all().into_iter().filter(|checker| helps(checker.as_ref())).collect()
}
