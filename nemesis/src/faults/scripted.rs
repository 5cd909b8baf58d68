//! Faults at fixed times: how a run's faults are carried out again, whole or in part. They aim at nobody and roll no dice.

use histories::Nanos;
use serde::{Deserialize, Serialize};

use crate::{Dice, Effect, Fault, Plan, Powers, Step, View};

/// A fault as it was carried out: what it did, from when to when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptedFault {
    /// Of the fault that it was part of, `partition:leader`.
    pub name: String,
    pub effects: Vec<Effect>,
    pub from: Nanos,
    pub until: Nanos,
}

impl ScriptedFault {
    pub fn build(&self) -> Box<dyn Fault> {
        Box::new(Scripted { fault: self.clone(), begun: false })
    }
}

struct Scripted {
    fault: ScriptedFault,
    begun: bool,
}

impl Fault for Scripted {
    fn name(&self) -> &str {
        &self.fault.name
    }

    fn needs(&self) -> Powers {
        self.fault.effects.iter().map(Effect::needs).collect()
    }

    fn plan(&mut self, view: &View, _: &mut Dice) -> Plan {
        let ScriptedFault { effects, from, until, .. } = &self.fault;
        if view.now < *from {
            return Plan { step: Step::Wait, wake: Some(*from) };
        }
        if !self.begun {
            self.begun = true;
            return Plan { step: Step::Begin(effects.clone()), wake: Some(*until) };
        }
        if view.now < *until {
            return Plan { step: Step::Wait, wake: Some(*until) };
        }
        Plan { step: Step::End, wake: None }
    }
}

#[cfg(test)]
mod tests {
    use histories::Node;

    use super::*;
    use crate::{Layout, Schedule};

    #[test]
    fn it_begins_and_ends_when_the_script_says() {
        let effects = vec![Effect::Kill { nodes: vec![Node(1)] }];
        let fault = |from, until| ScriptedFault {
            name: "kill:one".to_owned(),
            effects: effects.clone(),
            from: Nanos::from_secs(from),
            until: Nanos::from_secs(until),
        };
        let script = [fault(1, 4), fault(2, 3)];
        let mut schedule = Schedule::new(script.iter().map(ScriptedFault::build).collect(), Dice::new(1));
        let mut times = Vec::new();
        while let Some(now) = schedule.next_wake() {
            let view = View::new(now, Layout::single(3), Vec::new());
            times.extend(
                schedule
                    .poll(&view)
                    .iter()
                    .map(|action| (now, matches!(action, crate::Action::Begin { .. }))),
            );
        }
        let at = |second, begins| (Nanos::from_secs(second), begins);
        assert_eq!(times, [at(1, true), at(2, true), at(3, false), at(4, false)]);
    }
}
