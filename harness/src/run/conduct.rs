//! The loop: asks the conductor, tells the stage.

use std::time::Duration;

use histories::{FaultStep, Nanos};
use nemesis::{Action, Schedule};
use systems::lies::Observed;
use systems::sim::Traced;

use super::Crashed;
use super::pace::{Pace, Watch};
use crate::plan::spec::OnViolation;
use crate::run::conductor::{Conductor, Decision, Part, Progressed};
use crate::run::progress::{Ends, Interrupt, Phase, Progress};
use crate::run::stage::{Stage, StageEvent};

/// How a run went, apart from its history.
#[derive(Clone, Debug, Default)]
pub struct Conducted {
    pub interrupted: bool,
    /// A violation was known before the end, and the run was to stop there.
    pub stopped: bool,
    /// The cluster was ready for the epilogue in time.
    pub settled: bool,
    pub operations: u64,
    /// From the first operation to the end of the workload.
    pub elapsed: Duration,
    /// What the nemesis did, when.
    pub actions: Vec<(Nanos, Action)>,
    /// Whether those whom a lost minority left made progress, where that was required.
    pub progressed: Option<Progressed>,
    /// Whether the harness kept time.
    pub pace: Pace,
    /// Nodes that ended by themselves, which ended the run.
    pub crashed: Option<Crashed>,
    /// How replicas contradicted each other, where somebody could look into all of them.
    pub broken: Option<String>,
    /// What the cluster says beside its history, in words.
    pub notes: Vec<String>,
    /// Everything that happened in a world, where the run asked for it.
    pub trace: Vec<Traced>,
    /// What the clients of a calibration were asked, and how often they lied.
    pub observed: Option<Observed>,
}

/// Conducts a whole run. Fails where the stage does; an interrupted run is healed first.
pub fn conduct(
    conductor: &mut Conductor,
    stage: &mut dyn Stage,
    progress: &dyn Progress,
    ends: &Ends,
) -> Result<Conducted, String> {
    let mut reporter = Reporter::new(progress);
    let mut interrupted = false;
    let mut stopped = false;
    let mut actions = Vec::new();
    let mut watch = Watch::new(conductor.deadline(), stage.now());
    loop {
        if ends.stops() {
            stopped = true;
            if ends.on_violation == OnViolation::Freeze {
                progress.phase(Phase::Frozen);
                stand_still(stage, &ends.interrupt)?;
            }
            heal(stage)?;
            break;
        }
        if ends.interrupt.is_set() {
            interrupted = true;
            heal(stage)?;
            break;
        }
        let now = stage.now();
        watch.beat(now);
        reporter.report(conductor, now);
        match conductor.poll(now) {
            Decision::Submit(call) => stage.submit(call),
            Decision::Apply(action) => {
                reporter.action(now, &action);
                actions.push((now, action.clone()));
                stage.apply(action);
            }
            Decision::Wait(until) => {
                let event = stage.next(until);
                match event {
                    StageEvent::Failed(why) => return Err(why),
                    StageEvent::NodeEnded => {
                        // What is broken may not heal any more, and the run is over anyway.
                        let _ = heal(stage);
                        break;
                    }
                    event => conductor.observe(&event),
                }
            }
            Decision::Done => break,
        }
    }
    Ok(Conducted {
        interrupted,
        stopped,
        settled: conductor.settled(),
        operations: conductor.operations(),
        elapsed: reporter.workload_end.unwrap_or_else(|| stage.now()).to_duration(),
        actions,
        progressed: conductor.progressed(),
        pace: Pace { stalls: watch.stalls(), ..conductor.pace() },
        crashed: None,
        notes: Vec::new(),
        trace: Vec::new(),
        broken: None,
        observed: None,
    })
}

/// Issues nothing, ends nothing and heals nothing until a person has seen enough.
fn stand_still(stage: &mut dyn Stage, interrupt: &Interrupt) -> Result<(), String> {
    const LOOK: Nanos = Nanos::from_millis(100);
    while !interrupt.is_set() {
        if let StageEvent::Failed(why) = stage.next(stage.now() + LOOK) {
            return Err(why);
        }
    }
    Ok(())
}

/// Ends all faults and waits, within limits, until that is done.
fn heal(stage: &mut dyn Stage) -> Result<(), String> {
    const PATIENCE: Nanos = Nanos::from_secs(5);
    let until = stage.now() + PATIENCE;
    stage.apply(Action::EndAll);
    while stage.now() < until {
        match stage.next(until) {
            StageEvent::Applied { action: Action::EndAll, .. } => break,
            StageEvent::Failed(why) => return Err(why),
            _ => {}
        }
    }
    Ok(())
}

/// Tells of phases, faults and operations, not more often than a person can follow.
struct Reporter<'a> {
    progress: &'a dyn Progress,
    part: Part,
    ticked: Nanos,
    /// The names of the faults in force, each as often as it is.
    in_force: Vec<String>,
    workload_end: Option<Nanos>,
}

impl<'a> Reporter<'a> {
    const TICK: Nanos = Nanos::from_millis(100);

    fn new(progress: &'a dyn Progress) -> Self {
        Self { progress, part: Part::Faults, ticked: Nanos::ZERO, in_force: Vec::new(), workload_end: None }
    }

    fn report(&mut self, conductor: &Conductor, now: Nanos) {
        let part = conductor.part();
        if part != self.part {
            self.part = part;
            match part {
                Part::Freeze => self.workload_end = Some(now),
                Part::Drain => self.workload_end = self.workload_end.or(Some(now)),
                Part::Settle => self.progress.phase(Phase::Healing),
                Part::Epilogue => self.progress.phase(Phase::Reading),
                Part::Faults | Part::Recovery | Part::Done => {}
            }
        }
        if part <= Part::Recovery && now.since(self.ticked) >= Self::TICK {
            self.ticked = now;
            self.progress.tick(now.to_duration(), conductor.operations());
        }
    }

    fn action(&mut self, now: Nanos, action: &Action) {
        let text = match Schedule::describe(action) {
            FaultStep::Begin { name, what, .. } => {
                let text = format!("{name}: {what}");
                self.in_force.push(name);
                text
            }
            FaultStep::End { name, what, .. } => {
                if let Some(place) = self.in_force.iter().position(|in_force| *in_force == name) {
                    self.in_force.remove(place);
                }
                format!("{name}: {what} ends")
            }
            FaultStep::Heal { .. } => {
                self.in_force.clear();
                "all faults end".to_owned()
            }
        };
        self.progress.fault(now.to_duration(), &text);
        self.progress.in_force(&self.in_force);
    }
}
