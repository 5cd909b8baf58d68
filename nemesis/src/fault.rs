//! A fault: a pure, seeded plan. It never carries anything out.

use histories::Nanos;

use crate::{Dice, Effect, Powers, View};

/// What a fault wants done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Put these in force, all at once.
    Begin(Vec<Effect>),
    /// Undo what [`Step::Begin`] did.
    End,
    /// Nothing yet: no leader to aim at, say.
    Wait,
}

/// A step, and when to ask again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub step: Step,
    /// `None` when this fault is done for good.
    pub wake: Option<Nanos>,
}

/// One fault with its aim and its rhythm. It has at most one beginning in force at a time.
pub trait Fault: Send {
    /// Kind and aim, without the rhythm, `partition:leader`.
    fn name(&self) -> &str;
    fn needs(&self) -> Powers;
    /// It makes conditions worse rather than break something: others begin and end while it is in force.
    fn is_condition(&self) -> bool {
        false
    }
    /// Called at each wake-up, first at the time that the schedule begins.
    fn plan(&mut self, view: &View, dice: &mut Dice) -> Plan;
}
