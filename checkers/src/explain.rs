//! What surrounds an anomaly: the faults that were in force.
//!
//! It never renders; that is the harness's work.

use histories::{FaultWindow, History, ModelName, Nanos};

use crate::{Anomaly, Side, Step};

/// The faults that an anomaly has to do with: those in force at some moment between its first and its last step.
///
/// What was lost was lost long before somebody looked: there, the faults in force when it was acknowledged, or else the
/// first that began after.
pub fn fault_in_force(history: &History, anomaly: &Anomaly) -> Vec<FaultWindow> {
    let mut windows = history.fault_windows();
    let lost = anomaly.witness.model == ModelName::Durability;
    let steps = if lost { anomaly.steps.get(..1).unwrap_or_default() } else { &anomaly.steps };
    let times = steps.iter().map(|step| moment(history, step));
    let (Some(from), Some(to)) = (times.clone().min(), times.max()) else { return Vec::new() };
    if lost && !windows.iter().any(|window| window.overlaps(from, to)) {
        let next = windows.into_iter().filter(|window| window.from > to).min_by_key(|window| window.from);
        return next.into_iter().collect();
    }
    windows.retain(|window| window.overlaps(from, to));
    windows
}

fn moment(history: &History, step: &Step) -> Nanos {
    let op = history.operation(step.operation);
    if step.side == Side::Completed && op.has_completion() { op.completed } else { op.invoked }
}

#[cfg(test)]
mod tests {
    use crate::{Budget, Checker, Durable, Linear, testing};

    #[test]
    fn the_faults_between_the_steps_are_named_and_no_others() {
        let history = testing::history(
            "nemesis begin early [0,1]
             nemesis end early [2,3]
             c1 write x 3 [10,20]
             nemesis begin cut [22,24]
             c1 write x 5 [30,40]
             c4 read x 3 [50,60]
             nemesis heal [70,71]
             nemesis begin late [80,81]",
        );
        let finding = super::super::Linear.check(&history, &Budget::unlimited()).remove(0);
        let windows = super::fault_in_force(&history, &finding.verdict.anomalies()[0]);
        assert_eq!(windows.iter().map(|window| window.name.as_str()).collect::<Vec<_>>(), ["cut"]);
        assert_eq!(Linear.name(), "linear");
    }

    #[test]
    fn a_loss_is_laid_to_the_fault_at_its_acknowledgement_or_to_the_next() {
        let blamed = |write: &str| {
            let history = testing::history(&format!(
                "nodes n1
                 nemesis begin first [0,1]
                 nemesis end first [2,3]
                 {write}
                 nemesis begin cut [22,24]
                 nemesis end cut [40,41]
                 nemesis begin later [50,51]
                 nemesis heal [70,71]
                 c9 dump n1 {{}} [80,81]"
            ));
            let finding = Durable.check(&history, &Budget::unlimited()).remove(0);
            let windows = super::fault_in_force(&history, &finding.verdict.anomalies()[0]);
            windows.into_iter().map(|window| window.name).collect::<Vec<_>>()
        };
        assert_eq!(blamed("c1 write x 3 [10,20]"), ["cut"], "the next");
        assert_eq!(blamed("c1 write x 3 [10,23]"), ["cut"], "in force");
    }
}
