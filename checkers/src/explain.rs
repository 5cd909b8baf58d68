//! What surrounds an anomaly: the faults that were in force.
//!
//! It never renders; that is the harness's work.

use histories::{FaultWindow, History};

use crate::{Anomaly, Side};

/// The faults in force at some moment between the first and the last of the anomaly's steps.
pub fn fault_in_force(history: &History, anomaly: &Anomaly) -> Vec<FaultWindow> {
    let times = anomaly.steps.iter().map(|step| {
        let op = history.operation(step.operation);
        if step.side == Side::Completed && op.has_completion() { op.completed } else { op.invoked }
    });
    let (Some(from), Some(to)) = (times.clone().min(), times.max()) else { return Vec::new() };
    history.fault_windows().into_iter().filter(|window| window.overlaps(from, to)).collect()
}

#[cfg(test)]
mod tests {
    use crate::{Budget, Checker, Linear, testing};

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
}
